"""What a task is: it turns a text into questions, and generations into scores per category."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from rubricator.label.llm.engines.engine import Generation, Request
from rubricator.records import Status


@dataclass(frozen=True, slots=True)
class Example:
    """A text with its right categories, shown to the model before it is asked."""

    content: str
    categories: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read out of the generations about one text.

    Attributes:
        status: Only `ok` readings carry scores.
        scores: Probability per category key, 0 or 1 where the model only said yes or no.
    """

    status: Status
    scores: Mapping[str, float] = field(default_factory=dict)


class Task(Protocol):
    """A prompt and its parser, for one taxonomy."""

    @property
    def version(self) -> str:
        """Hash of everything in prompt, parser and taxonomy that could change a reading."""

    def requests(self, content: str, examples: Sequence[Example]) -> list[Request]:
        """The questions about one text, one or more."""

    def read(self, generations: Sequence[Generation]) -> Reading:
        """Read the answers to `requests`, in their order."""
