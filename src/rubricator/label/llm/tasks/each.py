"""Yes or no for every category: in one object, or in a question each."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import regex

from rubricator.label.llm.engines.engine import Generation, Request, Token
from rubricator.label.llm.tasks.names import fold
from rubricator.label.llm.tasks.prompt import Prompt
from rubricator.label.llm.tasks.repair import UNPARSED, as_json, bare, decided, read_free, refused, yes_or_no
from rubricator.label.llm.tasks.task import Aliases, Example, Reading, Task, shares
from rubricator.records import Status
from rubricator.taxonomy import Taxonomy

# Beside the keys themselves: quotes, colon, digit, comma and white space, were each a token.
_TOKENS_PER_CATEGORY = 8
_ANSWER_TOKENS = 6


class Each(Task):
    """Asks for one JSON object with a 0 or 1 per category; in single-label work exactly one gets a 1."""

    parser = "each:1"

    def __init__(self, taxonomy: Taxonomy, prompt: Prompt, *, aliases: Aliases | None = None) -> None:
        self._schema = {
            "type": "object",
            "properties": {key: {"type": "integer", "enum": [0, 1]} for key in taxonomy.keys},
            "required": list(taxonomy.keys),
            "additionalProperties": False,
        }
        self._max_tokens = sum(len(key.encode()) + _TOKENS_PER_CATEGORY for key in taxonomy.keys) + 4
        super().__init__(taxonomy, prompt, aliases=aliases)

    def requests(self, content: str, examples: Sequence[Example]) -> list[Request]:
        """One question whose answer is one object."""
        messages = self._messages(content, [(e.content, self._object(e)) for e in examples])
        return [Request(messages=messages, max_tokens=self._max_tokens, schema=self._schema, logprobs=True)]

    def _read(self, generation: Generation) -> Reading:
        """Read the object, which must speak of every category; probabilities where tokens have them."""
        bits = self._bits(as_json(generation.text))
        if bits is None:
            return read_free(generation.text, self._names, self._taxonomy)
        if bits.keys() != set(self._taxonomy.keys):
            return UNPARSED
        reading = decided((key for key, yes in bits.items() if yes), self._taxonomy)
        if reading.status is not Status.OK:
            return reading
        likely = digit_probabilities(generation)
        scores = {key: likely.get(key, score) for key, score in reading.scores.items()}
        return Reading(Status.OK, shares(scores) if self._taxonomy.single else scores)

    def _object(self, example: Example) -> str:
        categories = self._ordered(example)
        return json.dumps({key: int(key in categories) for key in self._taxonomy.keys}, ensure_ascii=False)

    def _bits(self, value: Any) -> dict[str, bool] | None:
        """Yes or no by category; None if this is no object about categories, {} if it contradicts itself."""
        if not isinstance(value, dict):
            return None
        bits: dict[str, bool] = {}
        for name, cell in value.items():
            key, yes = self._names.exact(str(name)), yes_or_no(cell)
            if key is None:
                continue
            if yes is None or bits.setdefault(key, yes) != yes:
                return {}
        return bits or None


class Questions(Task):
    """Asks about every category by itself: yes or no; in single-label work the likeliest yes wins."""

    parser = "question:1"

    def __init__(self, taxonomy: Taxonomy, prompt: Prompt) -> None:
        self._choices = (prompt.front.words["yes"], prompt.front.words["no"])
        super().__init__(taxonomy, prompt)

    def requests(self, content: str, examples: Sequence[Example]) -> list[Request]:
        """One question per category, in the order of the taxonomy."""
        yes, no = self._choices
        requests = []
        for heading in self._headings:
            shown = [(e.content, yes if heading.key in e.categories else no) for e in examples]
            messages = self._messages(content, shown, category=heading)
            requests.append(
                Request(messages=messages, max_tokens=_ANSWER_TOKENS, choices=self._choices, logprobs=True)
            )
        return requests

    def read(self, generations: Sequence[Generation]) -> Reading:
        """Read all answers; one that cannot be read spoils the reading, for its category is unknown."""
        for status in (Status.FAILED, Status.REFUSED):
            if any(generation.status is status for generation in generations):
                return Reading(status)
        answers = [self._yes(generation.text) for generation in generations]
        if None in answers:
            unclear = [g.text for yes, g in zip(answers, generations, strict=True) if yes is None]
            return Reading(Status.REFUSED) if all(map(refused, unclear)) else UNPARSED
        keys = self._taxonomy.keys
        if not all(generation.choices for generation in generations):
            return decided((key for key, yes in zip(keys, answers, strict=True) if yes), self._taxonomy)
        scores = {key: self._probability(g.choices) for key, g in zip(keys, generations, strict=True)}
        return Reading(Status.OK, shares(scores) if self._taxonomy.single else scores)

    def _yes(self, text: str) -> bool | None:
        """Yes or no, alone or followed by more after a comma, a full stop or a line break."""
        stripped = bare(text).lstrip("«»\"'`(")
        first = fold(regex.split(r"[,.;:!\n—]|\s-\s", stripped, maxsplit=1)[0]).strip("«»\"'`) ")
        words = dict(zip(map(fold, self._choices), (True, False), strict=True))
        return words.get(first, yes_or_no(first))

    def _probability(self, choices: Mapping[str, float]) -> float:
        """Softmax of yes against no."""
        yes, no = (choices.get(word, -math.inf) for word in self._choices)
        if math.isinf(yes) or math.isinf(no):
            return float(yes > no)
        return 1 / (1 + math.exp(min(no - yes, 700.0)))


def digit_probabilities(generation: Generation) -> dict[str, float]:
    """Probability of a 1 for every property of the object whose digit is a token of its own.

    The token is found by its place in the text, so the tokens must spell the text. Around the digit
    it may hold the punctuation that comes before it: `":1` is weighed against `":0`.
    """
    spelled = "".join(token.text for token in generation.tokens)
    begins = spelled.find(generation.text)
    if not generation.text or begins < 0:
        return {}
    at: dict[int, tuple[Token, int]] = {}
    place = -begins
    for token in generation.tokens:
        at.update({place + offset: (token, offset) for offset in range(len(token.text))})
        place += len(token.text)
    likely = {}
    for pair in regex.finditer(r'"((?:[^"\\]|\\.)*)"\s*:\s*([01])(?=\s*[,}])', generation.text):
        key = json.loads(f'"{pair.group(1)}"')
        likely[key] = _weighed(*at[pair.start(2)], pair.group(2))
    return {key: probability for key, probability in likely.items() if probability is not None}


def _weighed(token: Token, offset: int, digit: str) -> float | None:
    other = token.text[:offset] + ("0" if digit == "1" else "1") + token.text[offset + 1 :]
    if any(character.isalnum() for character in token.text.replace(digit, "", 1)):
        return None
    written = math.exp(min(0.0, token.logprob))
    against = math.exp(token.top[other]) if other in token.top else (0.0 if token.top else 1 - written)
    share = written / (written + against) if written + against else 0.5
    return share if digit == "1" else 1 - share
