"""A table on disk, and one row of it, whole or broken."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

_EXCERPT = 200


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a table.

    Attributes:
        number: Counts data rows from 1; broken rows count too, blank lines do not.
        cells: Value per column; empty for a broken row.
        fault: Why the row cannot be used, with its line; empty for a whole one.
        kind: The fault without what is true of this row alone, so that rows can be counted by it.
        excerpt: Beginning of a broken row as found, so that a person can recognise it.
    """

    number: int
    cells: Mapping[str, Any] = field(default_factory=dict)
    fault: str = ""
    kind: str = ""
    excerpt: str = ""


def broken_row(number: int, kind: str, *, detail: str = "", line: int, excerpt: str) -> Row:
    """A row that cannot be used; `detail` is what its fault says beyond the kind."""
    return Row(number, fault=f"{kind}{detail} (line {line})", kind=kind, excerpt=excerpt[:_EXCERPT])


@dataclass(frozen=True, slots=True)
class Table:
    """A table on disk.

    Attributes:
        path: The file.
        columns: Their names; of JSON lines those of the first thousand rows, unless `complete` was asked.
        batches: Reads the rows from the first on, in lists of at most so many.
        encoding: Of a text file; empty for other kinds.
        later_columns: Finds the columns that only later rows have, which takes a pass through the file.
    """

    path: Path
    columns: tuple[str, ...]
    batches: Callable[[int], Iterator[list[Row]]]
    encoding: str = ""
    later_columns: Callable[[], Iterable[str]] = tuple

    def complete(self) -> Table:
        """The same table with the columns of all rows."""
        columns = tuple(dict.fromkeys([*self.columns, *self.later_columns()]))
        return replace(self, columns=columns, later_columns=tuple)

    def rows(self, batch: int = 1000) -> Iterator[list[Row]]:
        """Rows from the first on, at most `batch` at a time; memory does not grow with the file.

        A broken row comes as a `Row` with a `fault` and without cells. Cells of CSV and TSV are
        strings; those of the other kinds have the types of the file.
        """
        return self.batches(batch)
