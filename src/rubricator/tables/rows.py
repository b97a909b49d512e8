"""One row of a table, whole or broken."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a table.

    Attributes:
        number: Counts data rows from 1; broken rows count too, blank lines do not.
        cells: Value per column; empty for a broken row.
        fault: Why the row cannot be used; empty for a whole one.
        excerpt: Beginning of a broken row as found, so that a person can recognise it.
    """

    number: int
    cells: Mapping[str, Any] = field(default_factory=dict)
    fault: str = ""
    excerpt: str = ""


Batches = Callable[[int], Iterator[list[Row]]]
"""Reads a table from its beginning in lists of at most so many rows."""
