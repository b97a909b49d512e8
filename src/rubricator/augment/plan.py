"""What augmentation would take: one prompt in full, questions, tokens and cost; no model is asked."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from rubricator.augment.how_many import Wanted
from rubricator.augment.runner import EXAMINED, Augmenter, stages_of
from rubricator.config import Augment, OpenAIEngineConfig, Price
from rubricator.llm.engines.engine import Message, Request

_TRIED = 20
_BYTES_PER_TOKEN = 3


@dataclass(frozen=True, slots=True)
class AugmentPlan:
    """What is expected, from the prompts of at most 20 texts; models are not asked, not even for tokens.

    Attributes:
        wanted: How many texts each category wants, and why.
        notes: Categories that cannot be begun, each in a sentence.
        prompt: The first question in full; empty where no text is wanted.
        texts: Texts to be made.
        questions: Least and most: if every text passes at once, and if all are made again up to the limit;
            with those that examine the judge.
        tokens: Prompt and completion tokens of the least, estimated from above.
        cost: Least and most, in the currency of the prices.
    """

    wanted: Sequence[Wanted]
    notes: Sequence[str]
    prompt: str
    texts: int
    questions: tuple[int, int]
    tokens: int
    cost: tuple[float, float]


def plan_augmentation(augmenter: Augmenter, wanted: Sequence[Wanted], settings: Augment) -> AugmentPlan:
    """Work out what making the wanted texts takes.

    Raises:
        ConfigError: A prompt cannot be filled in.
    """
    notes = augmenter.prepare([one for one in wanted if one.texts])
    unfit = {note.partition(":")[0] for note in notes}
    slots = [(one.key, slot) for one in wanted if one.key not in unfit for slot in range(one.texts)]
    # Spread over the categories, whose texts differ in length.
    tried = slots[:: max(1, len(slots) // _TRIED)][:_TRIED]
    prompt, tokens, cost = "", 0, 0.0
    for slot in tried:
        for request, price in _questions(augmenter, slot, settings):
            prompt = prompt or _shown(request.messages)
            read, written = _tokens(request)
            tokens += read + written
            cost += (read * price.prompt + written * price.completion) / 1_000_000
    share = len(slots) / max(1, len(tried))
    each = len(stages_of(settings)) + settings.judge.questions
    examination = 2 * EXAMINED * settings.judge.questions * len({key for key, _ in slots})
    least, most = (len(slots) * each * times + examination for times in (1, settings.attempts))
    costs = cost * share, cost * share * settings.attempts
    return AugmentPlan(wanted, notes, prompt, len(slots), (least, most), round(tokens * share), costs)


def estimated_tokens(content: str) -> int:
    """Tokens of a text from above: no tokenizer in use needs more of ordinary text."""
    return math.ceil(len(content.encode("utf-8", "surrogatepass")) / _BYTES_PER_TOKEN)


def _questions(
    augmenter: Augmenter, slot: tuple[str, int], settings: Augment
) -> Iterator[tuple[Request, Price]]:
    """All questions about one text, as if each stage wrote what its first seed says."""
    prices = {one.name: _price(one.engine) for one in settings.models}
    draft = augmenter.begin(*slot, 0)
    stand_in = augmenter.material.texts[draft.seeds[0]].content
    for number, stage in enumerate(stages_of(settings)):
        call = augmenter.call(number, stage, draft)
        yield call.request, prices[call.asker.split("/")[1]]
        draft = replace(draft, content=stand_in)
    judge = prices[settings.judge.model or settings.models[0].name]
    for number in range(settings.judge.questions):
        request = augmenter.judge.question.request(
            draft.category, draft.content, number=number, temperature=settings.judge.temperature
        )
        yield request, judge


def _price(engine: object) -> Price:
    return engine.price if isinstance(engine, OpenAIEngineConfig) else Price()


def _tokens(request: Request) -> tuple[int, int]:
    read = sum(estimated_tokens(turn.content) for turn in request.messages)
    return read, 1 if request.choices else request.max_tokens


def _shown(messages: Sequence[Message]) -> str:
    return "\n\n".join(f"[{turn.role}]\n{turn.content.rstrip()}" for turn in messages)
