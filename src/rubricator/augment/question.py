"""What the judge asks a language model: whether a text belongs, is about something else, or is no text."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import permutations
from typing import Literal

from rubricator.augment.writing import PROMPTS
from rubricator.llm.engines.engine import Generation, Message, Request
from rubricator.llm.tasks.prompt import Prompt
from rubricator.llm.tasks.repair import bare
from rubricator.llm.thoughts import without_thoughts
from rubricator.records import Status, content_hash
from rubricator.taxonomy import Category

Opinion = Literal["belongs", "other", "reply"]
_OPINIONS: tuple[Opinion, ...] = ("belongs", "other", "reply")
_MARKS = ("A", "B", "C")
# A model that likes one letter whatever it stands for contradicts itself: no two orders have a letter alike
# until the fourth.
_ORDERS = tuple(permutations(_OPINIONS))
_ROUNDS = (0, 3, 4, 1, 2, 5)
_PARSER = "judge:1"
_MAX_TOKENS = 12
_LOOKALIKES = str.maketrans("АВС", "ABC")


@dataclass(frozen=True, slots=True)
class _Option:
    mark: str
    name: Opinion
    about: str


class Question:
    """A prompt that asks what a text is, by a letter, and its parser.

    Attributes:
        version: Hash of the prompt and its parser.
    """

    def __init__(self, language: str) -> None:
        self._prompt = Prompt.shipped("judge", language, PROMPTS)
        self.version = content_hash(_PARSER, self._prompt.source)

    def request(self, category: Category, text: str, *, number: int, temperature: float) -> Request:
        """The question for the `number`-th time, each with the letters in another order."""
        words = self._prompt.front.words
        options = [_Option(mark, name, words[name]) for mark, name in zip(_MARKS, order(number), strict=True)]
        variables = {"category": category, "text": text, "options": options}
        question = self._prompt.render("text", variables)
        return Request(
            messages=(
                Message("system", self._prompt.render("system", variables)),
                Message("user", question + "\n"),
            ),
            max_tokens=_MAX_TOKENS,
            choices=_MARKS,
            temperature=temperature,
        )

    def read(self, generation: Generation, *, number: int) -> Opinion | None:
        """What the model thinks of the text; None where that cannot be read."""
        answer = without_thoughts(generation.text) if generation.status is Status.OK else None
        letter = bare(answer or "").strip(" .)(:*\"'«»").translate(_LOOKALIKES)[:1].upper()
        lone = len(bare(answer or "").split()) == 1 or (answer or "")[1:2] in (".", ")", ":", " ")
        return order(number)[_MARKS.index(letter)] if letter in _MARKS and lone else None


def order(number: int) -> tuple[Opinion, ...]:
    """The order in which the letters stand for the opinions, the `number`-th time."""
    return _ORDERS[_ROUNDS[number % len(_ROUNDS)]]
