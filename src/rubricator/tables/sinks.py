"""What takes the rows of one kind of table while it is written, and can go on where it was left."""

from __future__ import annotations

import csv
import json
import logging
import math
import os
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from pydantic import BaseModel, ConfigDict

from rubricator.errors import DataError

if TYPE_CHECKING:
    import polars

_log = logging.getLogger(__name__)

_EXCEL_ROWS = 1_048_576
_EXCEL_CHARACTERS = 32_767

Cells = Mapping[str, Any]


class Position(BaseModel):
    """How far a table was written.

    Attributes:
        size: Bytes of the file that rows are appended to.
        rows: How many rows are in it.
        types: Names of the types of values so far, by column, where the kind of table needs them.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    size: int
    rows: int = 0
    types: dict[str, list[str]] = {}


class Sink(Protocol):
    """What takes the rows of one kind of file."""

    def write(self, rows: Sequence[Cells]) -> None:
        """Append rows."""

    def position(self) -> Position:
        """How far it is; all of that is on the disk."""

    def close(self, *, whole: bool) -> None:
        """Close what is open; with all rows there, make the file as it is to be."""


def lines_of(part: Path) -> Path:
    """Where rows are collected, for the kinds of file that cannot be appended to."""
    return part.with_name(part.name + ".jsonl")


def open_sink(kind: str, part: Path, columns: Sequence[str], position: Position | None = None) -> Sink:
    """What writes into `part`, from a position on, if there is one.

    Raises:
        DataError: Less is there than the position says.
    """
    match kind:
        case "jsonl":
            return _JsonLines(part, columns, position)
        case "parquet":
            return _Parquet(part, columns, position)
        case "excel":
            return _Excel(part, columns, position)
        case _:
            return _Delimited(part, columns, position, separator="\t" if kind == "tsv" else ",")


class _TextLines:
    """A text file that rows are appended to."""

    def __init__(self, lines: Path, position: Position | None) -> None:
        self.lines = lines
        self.rows = position.rows if position else 0
        if position is None:
            self._file = lines.open("w", encoding="utf-8", newline="")
            return
        size = lines.stat().st_size
        if size < position.size:
            raise DataError(
                f"{lines} has {size:,} bytes; {position.size:,} had been written.",
                fix="Restore the file, or begin anew.",
            )
        # What came after the position was not whole.
        os.truncate(lines, position.size)
        self._file = lines.open("a", encoding="utf-8", newline="")

    def position(self) -> Position:
        self._file.flush()
        os.fsync(self._file.fileno())
        return Position(size=os.fstat(self._file.fileno()).st_size, rows=self.rows)

    def close(self, *, whole: bool) -> None:  # noqa: ARG002
        self._file.close()


class _Delimited(_TextLines):
    def __init__(
        self, part: Path, columns: Sequence[str], position: Position | None, *, separator: str
    ) -> None:
        super().__init__(part, position)
        self._writer = csv.writer(self._file, delimiter=separator, lineterminator="\n")
        self._columns = columns
        if position is None:
            self._writer.writerow(columns)

    def write(self, rows: Sequence[Cells]) -> None:
        self._writer.writerows([_flat(row.get(column)) for column in self._columns] for row in rows)
        self.rows += len(rows)


class _JsonLines(_TextLines):
    def __init__(self, part: Path, columns: Sequence[str], position: Position | None) -> None:
        super().__init__(part, position)
        self._columns = columns

    def write(self, rows: Sequence[Cells]) -> None:
        for row in rows:
            cells = {column: _plain(row.get(column)) for column in self._columns}
            self._file.write(json.dumps(cells, ensure_ascii=False) + "\n")
        self.rows += len(rows)


class _Collected(_JsonLines):
    """Collects rows as JSON lines beside the file, which is made of them when all are there."""

    def __init__(self, part: Path, columns: Sequence[str], position: Position | None) -> None:
        super().__init__(lines_of(part), columns, position)
        self._part = part


class _Parquet(_Collected):
    """The types of the columns are known only at the end."""

    def __init__(self, part: Path, columns: Sequence[str], position: Position | None) -> None:
        super().__init__(part, columns, position)
        known = position.types if position else {}
        self._types: dict[str, set[str]] = {column: set(known.get(column, ())) for column in columns}

    def write(self, rows: Sequence[Cells]) -> None:
        super().write(rows)
        for column, types in self._types.items():
            types |= {_scalar(value) for row in rows if (value := row.get(column)) is not None}

    def position(self) -> Position:
        types = {column: sorted(types) for column, types in self._types.items()}
        return super().position().model_copy(update={"types": types})

    def close(self, *, whole: bool) -> None:
        import polars

        super().close(whole=whole)
        if whole:
            schema = {column: self._type(types) for column, types in self._types.items()}
            if self.lines.stat().st_size:
                polars.scan_ndjson(self.lines, schema=schema).sink_parquet(self._part)
            else:
                polars.DataFrame(schema=schema).write_parquet(self._part)

    @staticmethod
    def _type(types: set[str]) -> type[polars.DataType]:
        """Type of a column; one with values of several types is text."""
        import polars

        if types == {"bool"}:
            return polars.Boolean
        if types == {"int"}:
            return polars.Int64
        return polars.Float64 if types and types <= {"int", "float"} else polars.String


def _scalar(value: Any) -> str:
    """The type that a column of such values has; text for all that is neither a truth nor a number."""
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        return "str"
    return next((kind.__name__ for kind in (bool, int, float) if isinstance(value, kind)), "str")


def check_sheet(rows: int) -> None:
    """Refuse more rows than a sheet has below its header.

    Raises:
        DataError: There are more.
    """
    if 1 + rows > _EXCEL_ROWS:
        raise DataError(
            f"An Excel sheet ends at {_EXCEL_ROWS:,} rows; {rows:,} and a header are to be written.",
            fix="Write a .csv or .parquet file instead.",
        )


class _Excel(_Collected):
    def write(self, rows: Sequence[Cells]) -> None:
        check_sheet(self.rows + len(rows))
        super().write(rows)

    def close(self, *, whole: bool) -> None:
        super().close(whole=whole)
        if whole:
            self._write_book()

    def _write_book(self) -> None:
        import xlsxwriter

        # Rows are flushed as they come, and no text becomes a formula or a link.
        book, cut = xlsxwriter.Workbook(self._part, {"constant_memory": True}), 0
        sheet = book.add_worksheet()
        for number, cells in enumerate(self._rows()):
            for position, value in enumerate(map(_flat, cells)):
                if isinstance(value, str):
                    cut += len(value) > _EXCEL_CHARACTERS
                    sheet.write_string(number, position, value[:_EXCEL_CHARACTERS])
                else:
                    sheet.write_number(number, position, value)
        if cut:
            _log.warning("%d cells were cut to the %d characters of Excel.", cut, _EXCEL_CHARACTERS)
        book.close()

    def _rows(self) -> Iterator[Sequence[Any]]:
        """The header and the collected rows."""
        yield self._columns
        with self.lines.open(encoding="utf-8", newline="") as file:
            for line in file:
                yield list(json.loads(line).values())


def _flat(value: Any) -> str | float:
    value = _plain(value)
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float):
        return value
    return json.dumps(value, ensure_ascii=False)


def _plain(value: Any) -> Any:
    """A value as JSON holds it: no NaN, no half of a character, no type of another library."""
    match value:
        case str():
            # Lone surrogates have no UTF-8; they are written as their escapes.
            return value if value.isascii() else value.encode("utf-8", "backslashreplace").decode()
        case float():
            return value if math.isfinite(value) else None
        case None | int():
            return value
        case dict():
            return {str(key): _plain(item) for key, item in value.items()}
        case list() | tuple():
            return [_plain(item) for item in value]
        case date() | time():
            return value.isoformat()
        case bytes():
            return value.decode("utf-8", "backslashreplace")
        case _:
            return str(value)
