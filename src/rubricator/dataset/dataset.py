"""The texts that were read, their duplicate groups, and the golden labels beside them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rubricator.records import Text, content_hash


@dataclass(frozen=True, slots=True)
class Dataset:
    """Texts ready for the way.

    Attributes:
        texts: Accepted and cleaned, in input order.
        groups: Group of each text by id; duplicates share one.
        golden: Categories given by people, by text id.
        rejected: Rows that could not become texts.
        facts: Counts for the report.
    """

    texts: list[Text]
    groups: Mapping[str, str]
    golden: Mapping[str, tuple[str, ...]]
    rejected: list[Rejected]
    facts: Mapping[str, Any]

    @property
    def fingerprint(self) -> str:
        """Hash of every text and golden label, in order: the same data give the same fingerprint."""
        pieces = [
            piece
            for text in self.texts
            for piece in (text.id, text.original, ",".join(self.golden.get(text.id, ("?",))))
        ]
        return content_hash("data:1", *pieces)


@dataclass(frozen=True, slots=True)
class Rejected:
    """A row that cannot be used.

    Attributes:
        file: The file, as the config names it.
        row: Number of the data row in it, from 1.
        id: Id of the text, empty where the row is too broken to have one.
        reason: Why, in words.
        excerpt: Beginning of its text.
    """

    file: str
    row: int
    id: str
    reason: str
    excerpt: str
