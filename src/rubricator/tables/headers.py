"""Where a header stands that is not where it was looked for."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import islice
from pathlib import Path

from rubricator.tables.delimited import SEPARATORS, open_text
from rubricator.tables.rows import Table
from rubricator.tables.writing import kind_of

_LINES = 50
_AROUND = ' \t\r\n"\ufeff'


def header_hint(table: Table, names: Collection[str]) -> str:
    """Where in the first lines, or in which sheet, the named columns seem to stand: a sentence or nothing."""
    kind = kind_of(table.path)
    if kind == "excel":
        for sheet, row in _in_sheets(table.path, frozenset(names)):
            return f"The header seems to be in row {row} of the sheet '{sheet}'."
    if kind in ("csv", "tsv"):
        for line in _in_lines(table, frozenset(names)):
            return f"The header seems to be in row {line}."
    return ""


def _in_lines(table: Table, names: frozenset[str]) -> Iterator[int]:
    with open_text(table.path, table.encoding) as handle:
        for number, line in enumerate(islice(handle, _LINES), start=1):
            if any(
                names <= {cell.strip(_AROUND) for cell in line.split(separator)} for separator in SEPARATORS
            ):
                yield number


def _in_sheets(path: Path, names: frozenset[str]) -> Iterator[tuple[str, int]]:
    import fastexcel

    book = fastexcel.read_excel(path)
    for sheet in book.sheet_names:
        rows = book.load_sheet(
            sheet, header_row=None, skip_rows=0, n_rows=_LINES, dtypes="string"
        ).to_polars()
        for number, row in enumerate(rows.iter_rows(), start=1):
            if names <= {str(cell).strip() for cell in row}:
                yield sheet, number
