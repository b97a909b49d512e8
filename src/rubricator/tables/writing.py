"""Writing tables: rows go into `NAME.part`, which takes its name when it is whole."""

from __future__ import annotations

import csv
import json
import logging
import math
from collections.abc import Mapping, Sequence
from datetime import date, time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, Self

from rubricator.errors import DataError, nearest

if TYPE_CHECKING:
    import polars

_log = logging.getLogger(__name__)

SUFFIXES = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
    ".xlsx": "excel",
}
"""Kinds of tables by suffix."""
_EXCEL_ROWS = 1_048_576
_EXCEL_CHARACTERS = 32_767

Cells = Mapping[str, Any]


def kind_of(path: Path) -> str:
    """Kind of table by suffix: `csv`, `tsv`, `jsonl`, `parquet` or `excel`.

    Raises:
        DataError: The suffix is none of those.
    """
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        ending = f"the suffix '{suffix}'" if suffix else "no suffix"
        raise DataError(
            f"{path} has {ending}, which says no kind of table{nearest(suffix, SUFFIXES)}.",
            fix=f"Use a file that ends in one of {', '.join(SUFFIXES)}.",
        )
    return SUFFIXES[suffix]


class _Sink(Protocol):
    """What takes the rows of one kind of file."""

    def write(self, rows: Sequence[Cells]) -> None: ...

    def close(self, *, whole: bool) -> None:
        """Close what is open; unless all rows are there, the file will be thrown away."""


class TableWriter:
    """A table being written; use it as a context manager.

    The file appears under its name only when the block ends without an exception; otherwise
    nothing is left of it, and an older file of that name stays.
    """

    def __init__(self, path: Path, sink: _Sink, part: Path) -> None:
        self._path = path
        self._sink = sink
        self._part = part

    def write(self, rows: Sequence[Cells]) -> None:
        """Append rows; a column that a row lacks stays blank.

        Raises:
            DataError: The disk is full, or Excel's number of rows is exceeded.
        """
        try:
            self._sink.write(rows)
        except OSError as error:
            raise _unwritable(self._path, error) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            self._sink.close(whole=kind is None)
            if kind is None:
                self._part.replace(self._path)
        except OSError as failure:
            raise _unwritable(self._path, failure) from failure
        finally:
            self._part.unlink(missing_ok=True)


def open_writer(path: Path, columns: Sequence[str]) -> TableWriter:
    """Start a CSV, TSV, JSONL, Parquet or Excel file, told apart by suffix; missing folders are made.

    Raises:
        DataError: An unknown suffix, or a place that cannot be written.
    """
    kind = kind_of(path)
    part = path.with_name(path.name + ".part")
    try:
        if path.is_dir():
            raise IsADirectoryError(0, "it is a folder")
        path.parent.mkdir(parents=True, exist_ok=True)
        return TableWriter(path, _open_sink(kind, part, columns), part)
    except OSError as error:
        raise _unwritable(path, error) from error


def _unwritable(path: Path, error: OSError) -> DataError:
    return DataError(
        f"{path} cannot be written: {error.strerror or error}.", fix="Choose another place, or make room."
    )


class _Delimited:
    def __init__(self, part: Path, columns: Sequence[str], *, separator: str) -> None:
        self._file = part.open("w", encoding="utf-8", newline="")
        self._writer = csv.writer(self._file, delimiter=separator, lineterminator="\n")
        self._columns = columns
        self._writer.writerow(columns)

    def write(self, rows: Sequence[Cells]) -> None:
        self._writer.writerows([_flat(row.get(column)) for column in self._columns] for row in rows)

    def close(self, *, whole: bool) -> None:  # noqa: ARG002
        self._file.close()


class _JsonLines:
    def __init__(self, part: Path, columns: Sequence[str]) -> None:
        self._file = part.open("w", encoding="utf-8", newline="\n")
        self._columns = columns

    def write(self, rows: Sequence[Cells]) -> None:
        for row in rows:
            cells = {column: _plain(row.get(column)) for column in self._columns}
            self._file.write(json.dumps(cells, ensure_ascii=False) + "\n")

    def close(self, *, whole: bool) -> None:  # noqa: ARG002
        self._file.close()


class _Parquet:
    """Collects rows as JSON lines beside the file: the types of the columns are known only at the end."""

    def __init__(self, part: Path, columns: Sequence[str]) -> None:
        self._part = part
        self._lines = part.with_name(part.name + ".jsonl")
        self._sink = _JsonLines(self._lines, columns)
        self._types: dict[str, set[type]] = {column: set() for column in columns}

    def write(self, rows: Sequence[Cells]) -> None:
        self._sink.write(rows)
        for column, types in self._types.items():
            types |= {_scalar(value) for row in rows if (value := row.get(column)) is not None}

    def close(self, *, whole: bool) -> None:
        import polars

        self._sink.close(whole=whole)
        if whole:
            schema = {column: self._type(types) for column, types in self._types.items()}
            if self._lines.stat().st_size:
                polars.scan_ndjson(self._lines, schema=schema).sink_parquet(self._part)
            else:
                polars.DataFrame(schema=schema).write_parquet(self._part)
        self._lines.unlink()

    @staticmethod
    def _type(types: set[type]) -> type[polars.DataType]:
        """Type of a column; one with values of several types is text."""
        import polars

        if types == {bool}:
            return polars.Boolean
        if types == {int}:
            return polars.Int64
        return polars.Float64 if types and types <= {int, float} else polars.String


def _scalar(value: Any) -> type:
    """The type that a column of such values has; text for all that is neither a truth nor a number."""
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        return str
    return next((kind for kind in (bool, int, float) if isinstance(value, kind)), str)


class _Excel:
    def __init__(self, part: Path, columns: Sequence[str]) -> None:
        import xlsxwriter

        # Rows are flushed as they come, and no text becomes a formula or a link.
        self._book = xlsxwriter.Workbook(part, {"constant_memory": True})
        self._sheet = self._book.add_worksheet()
        self._columns = columns
        self._next = 0
        self._cut = 0
        self.write([dict(zip(columns, columns, strict=True))])

    def write(self, rows: Sequence[Cells]) -> None:
        if self._next + len(rows) > _EXCEL_ROWS:
            raise DataError(
                f"An Excel sheet ends at {_EXCEL_ROWS:,} rows.", fix="Write a .csv or .parquet file instead."
            )
        for row in rows:
            for position, column in enumerate(self._columns):
                self._cell(position, _flat(row.get(column)))
            self._next += 1

    def _cell(self, position: int, value: str | float) -> None:
        if isinstance(value, str):
            self._cut += len(value) > _EXCEL_CHARACTERS
            self._sheet.write_string(self._next, position, value[:_EXCEL_CHARACTERS])
        else:
            self._sheet.write_number(self._next, position, value)

    def close(self, *, whole: bool) -> None:
        if whole and self._cut:
            _log.warning("%d cells were cut to the %d characters of Excel.", self._cut, _EXCEL_CHARACTERS)
        self._book.close()


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


def _open_sink(kind: str, part: Path, columns: Sequence[str]) -> _Sink:
    match kind:
        case "jsonl":
            return _JsonLines(part, columns)
        case "parquet":
            return _Parquet(part, columns)
        case "excel":
            return _Excel(part, columns)
        case _:
            return _Delimited(part, columns, separator="\t" if kind == "tsv" else ",")
