"""A table on disk, and one row of it, whole or broken."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

EXCERPT = 200


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


@dataclass(frozen=True, slots=True)
class Table:
    """A table on disk; `batches` reads its rows from the first on, in lists of at most so many."""

    path: Path
    columns: tuple[str, ...]
    batches: Callable[[int], Iterator[list[Row]]]

    def rows(self, batch: int = 1000) -> Iterator[list[Row]]:
        """Rows from the first on, at most `batch` at a time; memory does not grow with the file.

        A broken row comes as a `Row` with a `fault` and without cells. Cells of CSV and TSV are
        strings; those of the other kinds have the types of the file.
        """
        return self.batches(batch)
