"""The texts that were read, their duplicate groups, and the golden labels beside them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rubricator.dataset.boilerplate import Repeated
from rubricator.records import Text, content_hash


@dataclass(frozen=True, slots=True)
class Dataset:
    """The accepted texts, cleaned and in input order, beside the rejected rows.

    By text id, `groups` holds the group that duplicates share, and `golden` the categories given by people;
    `facts` are counts for the report.
    """

    texts: list[Text]
    groups: Mapping[str, str]
    golden: Mapping[str, tuple[str, ...]]
    rejected: list[Rejected]
    facts: Mapping[str, Any]

    @property
    def boilerplate(self) -> list[Repeated]:
        """What cleaning took out of the texts because their sources repeat it; nothing by default."""
        return [Repeated(**one) for one in self.facts.get("boilerplate", ())]

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
    """A row that cannot be used, counted from 1; `id` is empty where the row is too broken to have one.

    `kind` is the reason without what is true of this row alone, so that rows can be counted by it.
    """

    file: str
    row: int
    id: str
    reason: str
    excerpt: str
    kind: str = ""
