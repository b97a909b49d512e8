"""What a task is: it turns a text into questions, and generations into scores per category."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from rubricator.llm.engines.engine import Generation, Message, Request
from rubricator.llm.tasks.names import Names
from rubricator.llm.tasks.probabilities import answer_of
from rubricator.llm.tasks.prompt import Heading, Prompt
from rubricator.records import Status
from rubricator.taxonomy import Taxonomy

_MARKER = "\N{OBJECT REPLACEMENT CHARACTER}"
Aliases = Mapping[str, str]
"""Other words that may stand for a category in an answer → its key."""


@dataclass(frozen=True, slots=True)
class Example:
    """A text with its right categories, shown to the model before it is asked."""

    content: str
    categories: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read out of the generations about one text.

    Only `ok` readings carry scores: a probability per category key, 0 or 1 where the model only said
    yes or no.
    """

    status: Status
    scores: Mapping[str, float] = field(default_factory=dict)


UNPARSED = Reading(Status.UNPARSED)


class Task(ABC):
    """A prompt and its parser, for one taxonomy.

    Args:
        marks: What stands for each category in the prompt; by default numbers from 1.

    Attributes:
        version: Hash of everything in prompt, parser and taxonomy that could change a reading.
        empty: Texts without content, for contextual calibration.

    Raises:
        ConfigError: An alias stands for no category, or the prompt cannot be filled in.
    """

    parser: str
    empty: tuple[str, ...] = ()

    def __init__(
        self,
        taxonomy: Taxonomy,
        prompt: Prompt,
        *,
        aliases: Aliases | None = None,
        marks: Sequence[str] = (),
    ) -> None:
        aliases = aliases or {}
        self._taxonomy = taxonomy
        self._prompt = prompt
        self._names = Names(taxonomy, aliases)
        self._headings = _headings(taxonomy, marks)
        none = next((heading for heading in self._headings if heading.key == taxonomy.none), None)
        self._shared = {"categories": self._headings, "none_category": none, "single": taxonomy.single}
        self._system = prompt.render("system", self._shared)
        options = [f"{alias}\0{key}" for alias, key in sorted(aliases.items())]
        self.version = prompt.version(self.parser, taxonomy, *options)
        # A faulty prompt shows before it costs money.
        (request, *_) = self.requests(_MARKER, [Example("", (taxonomy.keys[0],))])
        before, _, _ = request.messages[-1].content.partition(_MARKER)
        self._next_turn = "\n" + before.strip().split("\n")[0]

    @abstractmethod
    def requests(self, content: str, examples: Sequence[Example]) -> list[Request]:
        """The questions about one text, one or more."""

    def read(self, generations: Sequence[Generation]) -> Reading:
        """Read the answers to `requests`, in their order.

        Thoughts are taken off first. What the token limit cut off before it could be read is `failed`.
        """
        return self._reading(generations, self._read)

    def _reading(
        self, generations: Sequence[Generation], parse: Callable[[Sequence[Generation]], Reading]
    ) -> Reading:
        for status in (Status.FAILED, Status.REFUSED):
            if any(generation.status is status for generation in generations):
                return Reading(status)
        answers = [answer for generation in generations if (answer := answer_of(generation))]
        reading = UNPARSED
        if len(answers) == len(generations):
            reading = parse([replace(answer, text=self._one_turn(answer.text)) for answer in answers])
        cut = any(generation.cut for generation in generations)
        return Reading(Status.FAILED) if cut and reading.status is Status.UNPARSED else reading

    @abstractmethod
    def _read(self, generations: Sequence[Generation]) -> Reading:
        """The reading of answers that came, without thoughts."""

    def _one_turn(self, answer: str) -> str:
        """An answer without the next text that a base model goes on to ask itself about."""
        place = answer.find(self._next_turn) if self._next_turn.strip() else -1
        return answer if place < 0 else answer[:place]

    def _messages(
        self, content: str, examples: Iterable[tuple[str, str]], **variables: Any
    ) -> tuple[Message, ...]:
        """The conversation: system turn, contents of examples with their answers, the question.

        A user's turn ends in a line break, so that a model that continues plain text begins its
        answer on a line of its own.
        """
        shared = {**self._shared, **variables}
        turns = [Message("system", self._system)]
        for text, answer in examples:
            filled = {**shared, "text": text}
            turns.append(Message("user", self._prompt.render("text", filled) + "\n"))
            turns.append(Message("assistant", self._prompt.render("answer", {**filled, "answer": answer})))
        return (*turns, Message("user", self._prompt.render("text", {**shared, "text": content}) + "\n"))

    def _ordered(self, example: Example) -> tuple[str, ...]:
        """Categories of an example in the order of the taxonomy."""
        keys = tuple(key for key in self._taxonomy.keys if key in example.categories)
        if self._taxonomy.single and len(keys) != 1:
            raise ValueError(f"an example has the categories {example.categories}, needed is exactly one")
        return keys


def shares(scores: Mapping[str, float]) -> dict[str, float]:
    """The scores in proportion, summing to one (even if all are zero)."""
    total = sum(scores.values())
    return {key: score / total if total else 1 / len(scores) for key, score in scores.items()}


def _headings(taxonomy: Taxonomy, marks: Sequence[str]) -> list[Heading]:
    marks = marks or [str(number) for number in range(1, len(taxonomy.categories) + 1)]
    return [
        # A description that begins with the name would say it twice.
        Heading(mark, c.key, c.title, " ".join(c.description.split()).removeprefix(f"{c.title}: "))
        for mark, c in zip(marks, taxonomy.categories, strict=True)
    ]
