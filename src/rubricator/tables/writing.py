"""Writing tables: rows go into `NAME.part`, which takes its name when it is whole."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Self

from rubricator.errors import DataError, nearest
from rubricator.tables.sinks import Cells, Position, Sink, check_sheet, lines_of, open_sink

SUFFIXES = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
    ".xlsx": "excel",
}
"""Kinds of tables by suffix."""


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


def check_room(path: Path, *, rows: int) -> None:
    """Refuse so many rows where a kind of file has no room for them.

    Raises:
        DataError: A sheet of Excel ends before.
    """
    if kind_of(path) == "excel":
        check_sheet(rows)


def _part_of(path: Path) -> Path:
    return path.with_name(path.name + ".part")


def is_begun(path: Path) -> bool:
    """Whether rows lie beside a file that is to be."""
    part = _part_of(path)
    return part.exists() or lines_of(part).exists()


def discard(path: Path) -> None:
    """Throw away the rows that lie beside a file that was to be."""
    for file in (_part_of(path), lines_of(_part_of(path))):
        file.unlink(missing_ok=True)


class TableWriter:
    """A table being written; use it as a context manager.

    The file appears under its name only when the block ends without an exception; otherwise
    nothing is left of it, and an older file of that name stays. With `keep` what was written stays beside it,
    to go on with.
    """

    def __init__(self, path: Path, sink: Sink, part: Path, *, keep: bool = False) -> None:
        self._path = path
        self._sink = sink
        self._part = part
        self._keep = keep

    def write(self, rows: Sequence[Cells]) -> None:
        """Append rows; a column that a row lacks stays blank.

        Raises:
            DataError: The disk is full, or Excel's number of rows is exceeded.
        """
        try:
            self._sink.write(rows)
        except OSError as error:
            raise _unwritable(self._path, error) from error

    def position(self) -> Position:
        """How far it is, to go on from there; all of that is on the disk.

        Raises:
            DataError: The disk is full.
        """
        try:
            return self._sink.position()
        except OSError as error:
            raise _unwritable(self._path, error) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        whole = False
        try:
            self._sink.close(whole=kind is None)
            if kind is None:
                self._part.replace(self._path)
                whole = True
        except OSError as failure:
            raise _unwritable(self._path, failure) from failure
        finally:
            if whole or not self._keep:
                discard(self._path)


def open_writer(
    path: Path, columns: Sequence[str], *, keep: bool = False, position: Position | None = None
) -> TableWriter:
    """Start a CSV, TSV, JSONL, Parquet or Excel file, told apart by suffix; missing folders are made.

    With `keep`, what was written stays when the block ends with an exception or the process is killed, and a
    `position` goes on from there; so do Parquet and Excel, whose rows lie as JSON lines beside the file until
    all are there.

    Raises:
        DataError: An unknown suffix, a place that cannot be written, or less there than the position says.
    """
    kind = kind_of(path)
    part = _part_of(path)
    try:
        if path.is_dir():
            raise IsADirectoryError(0, "it is a folder")
        path.parent.mkdir(parents=True, exist_ok=True)
        return TableWriter(path, open_sink(kind, part, columns, position), part, keep=keep)
    except OSError as error:
        raise _unwritable(path, error) from error


def _unwritable(path: Path, error: OSError) -> DataError:
    return DataError(
        f"{path} cannot be written: {error.strerror or error}.", fix="Choose another place, or make room."
    )
