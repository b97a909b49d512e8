"""A split as it is checked: texts in parts, read as often as needed and never held all at once."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

PARTS = ("train", "validation", "test")
"""Parts in the order in which they see one another: each knows of those after it what it should not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PartText:
    """A text of a part; what is not known of it is empty.

    Attributes:
        content: Cleaned, what models see.
        label: What stands in the column of labels.
        group: Its value in the column of groups.
        parents: Ids of the texts that it was made from.
    """

    id: str
    part: str
    content: str
    label: str = ""
    group: str = ""
    time: datetime | None = None
    parents: tuple[str, ...] = ()


@dataclass(slots=True)
class Known:
    """What a source tells beside its texts: which kinds of leaks it can show, and what went wrong."""

    labels: bool = False
    groups: str = ""  # the column
    times: str = ""
    parents: str = ""
    own_ids: bool = False  # ids are those of the data, not row numbers
    notes: list[str] = field(default_factory=list)


class Source(Protocol):
    """Texts in parts, numbered from 0 in the order of `texts`."""

    known: Known

    @property
    def rows(self) -> int | None:
        """How many texts there are, where that is known."""

    def texts(self) -> Iterator[list[PartText]]:
        """All texts, in batches."""

    def picked(self, rows: Collection[int]) -> dict[int, PartText]:
        """The texts of these numbers."""
