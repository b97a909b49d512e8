"""What a teacher is: anything that answers what categories a text has."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from typing import Protocol

from rubricator.dataset.annotations import Scale
from rubricator.records import Answer, Text


class Teacher(Protocol):
    """Answers about texts. Knows nothing of the store; the runner asks only what is not stored.

    Attributes:
        name: Unique within a config; part of every answer.
        scale: What the scores of its answers are.
        metered: True if asking costs money or long, so that limits apply and each answer is saved at once.
    """

    name: str
    scale: Scale
    metered: bool

    def key(self, text: Text) -> str:
        """Hash of everything that could change the answer: content, categories, version, options."""

    def ask(self, texts: Iterable[Text]) -> Generator[Answer, None, None]:
        """One answer per text, each as soon as it is known, in any order.

        A metered teacher draws texts only as it has room for them, and answers all that it drew.
        """
