"""What a teacher is: anything that answers what categories a text has."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from enum import StrEnum
from typing import Protocol

from rubricator.records import Answer, Text


class Scale(StrEnum):
    """What a teacher's raw scores are, which says how they become probabilities.

    `likeness`: every category has a score, larger is likelier, zero and unit mean nothing.
    `hits`: how many rules speak for the category; it is abstained from where none does.
    `probability`: between 0 and 1, and only as trustworthy as whoever says it.
    """

    SIMILARITY = "likeness"
    COUNT = "hits"
    PROBABILITY = "probability"


class Teacher(Protocol):
    """Answers about texts. Knows nothing of the store; the runner asks only what is not stored."""

    @property
    def name(self) -> str:
        """Unique within a config; part of every answer."""

    @property
    def scale(self) -> Scale:
        """What the scores of its answers are."""

    @property
    def metered(self) -> bool:
        """True if asking costs money or long, so that limits apply and each answer is saved at once."""

    def key(self, text: Text) -> str:
        """Hash of everything that could change the answer: content, categories, version, options."""

    def ask(self, texts: Iterable[Text]) -> Generator[Answer, None, None]:
        """One answer per text, each as soon as it is known, in any order.

        A metered teacher draws texts only as it has room for them, and answers all that it drew.
        """
