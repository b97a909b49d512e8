"""CSV and TSV: streamed, exact, and a broken row costs only itself."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TextIO

import regex

from rubricator.errors import DataError
from rubricator.tables.encodings import detect_encoding
from rubricator.tables.rows import EXCERPT, Row, Table

_SEPARATORS = (",", ";", "\t", "|")
# A file of one column has no separator; this character does not occur in texts.
_NO_SEPARATOR = "\x1f"
_SAMPLE_ROWS = 200
_MAX_RECORD = 20_000_000
_SPOILT = regex.compile("[\udc80-\udcff]")
_LINE_END = "\r\n"


def open_delimited(path: Path, *, separator: str | None) -> Table:
    """A CSV or TSV file whose encoding, header and, where it is not named, separator are found out.

    Raises:
        DataError: The file is empty, holds only a header, or is no text.
    """
    encoding = detect_encoding(path)
    with open_text(path, encoding) as handle:
        sample = list(islice((line for line in handle if line.strip()), _SAMPLE_ROWS))
    if not sample:
        raise DataError(f"{path} is empty.", fix="Write a header line and rows into it.")
    detected = separator or _detect_separator(sample, suffix=path.suffix.lower())
    with open_text(path, encoding) as handle:
        header, *rest = islice(_records(_Lines(handle), detected), 2)
    if not header.cells or _SPOILT.search("".join(header.cells)):
        raise DataError(
            f"The header of {path} cannot be read: {header.fault or 'bytes that are not text'}.",
            fix="Write the names of the columns into the first line.",
        )
    if not rest:
        raise DataError(f"{path} holds a header and no rows.", fix="Add rows below the header.")
    columns = column_names(header.cells)

    def batches(size: int) -> Iterator[list[Row]]:
        with open_text(path, encoding) as handle:
            rows = _rows(_records(_Lines(handle), detected), columns)
            while batch := list(islice(rows, size)):
                yield batch

    return Table(path, columns, batches)


def column_names(header: list[str]) -> tuple[str, ...]:
    """Unique names: a nameless column gets its position, a repeated name a count."""
    names: list[str] = []
    for position, raw in enumerate(header, start=1):
        name = base = raw.strip() or f"column {position}"
        count = 1
        while name in names:
            count += 1
            name = f"{base} ({count})"
        names.append(name)
    return tuple(names)


def open_text(path: Path, encoding: str, *, newline: str = "") -> TextIO:
    """Bytes that the encoding lacks become lone surrogates, and these make their row a broken one."""
    errors = "replace" if encoding.startswith(("utf-16", "utf-32")) else "surrogateescape"
    return path.open(encoding=encoding, errors=errors, newline=newline)


def _detect_separator(sample: list[str], *, suffix: str) -> str:
    """The separator that the header has and that cuts most rows into as many cells as the header."""
    candidates = ("\t", *(s for s in _SEPARATORS if s != "\t")) if suffix == ".tsv" else _SEPARATORS

    def fit(separator: str) -> tuple[float, int]:
        records = [record.cells for record in _records(_Lines(iter(sample)), separator) if record.cells]
        width = len(records[0]) if records else 1
        same = sum(len(cells) == width for cells in records[1:]) / max(1, len(records) - 1)
        return (round(same, 2) if width > 1 else -1.0, width)

    best = max(candidates, key=fit)
    return best if fit(best)[0] >= 0 else _NO_SEPARATOR


class _Lines:
    """Physical lines that can be given back."""

    def __init__(self, lines: Iterator[str]) -> None:
        self._lines = lines
        self._returned: list[str] = []
        self.number = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._returned.pop() if self._returned else next(self._lines)
        self.number += 1
        return line

    def give_back(self, lines: list[str]) -> None:
        self._returned += reversed(lines)
        self.number -= len(lines)


@dataclass(frozen=True, slots=True)
class _Record:
    """Cells of a record, or why it has none."""

    line: int
    lines: list[str]
    cells: list[str] = field(default_factory=list)
    fault: str = ""


def _records(lines: _Lines, separator: str) -> Iterator[_Record]:
    """Cut lines into records; what fails to close its quotes gives back all lines but its first."""
    for line in lines:
        number = lines.number
        if not line.strip():
            continue
        if '"' not in line:
            yield _Record(number, [line], line.rstrip(_LINE_END).split(separator))
            continue
        yield _quoted(line, lines, separator)


def _quoted(first: str, lines: _Lines, separator: str) -> _Record:
    number = lines.number
    further: list[str] = []
    wants_more = False

    def feed() -> Iterator[str]:
        nonlocal wants_more
        yield first
        wants_more = True
        length = len(first)
        for line in lines:
            further.append(line)
            length += len(line)
            if length > _MAX_RECORD:
                return
            yield line

    # The csv module knows one limit for the whole process; it is put back at once.
    limit = csv.field_size_limit(_MAX_RECORD * 2)
    try:
        cells = next(csv.reader(feed(), delimiter=separator, strict=True))
    except csv.Error:
        lines.give_back(further)
        if not further and not wants_more:
            # The fault lies within one line, as in `"Zenit" won`: the marks belong to the text.
            return _Record(number, [first], first.rstrip(_LINE_END).split(separator))
        return _Record(number, [first], fault="a quotation mark opens a cell and never closes it")
    finally:
        csv.field_size_limit(limit)
    return _Record(number, [first, *further], cells)


def _rows(records: Iterator[_Record], columns: tuple[str, ...]) -> Iterator[Row]:
    next(records)
    for number, record in enumerate(records, start=1):
        fault = record.fault or _fault(record.cells, len(columns))
        if fault:
            excerpt = "".join(record.lines)[:EXCERPT]
            yield Row(number, fault=f"{fault} (line {record.line})", excerpt=excerpt)
        else:
            yield Row(number, dict(zip(columns, record.cells, strict=False)))


def _fault(cells: list[str], width: int) -> str:
    if len(cells) < width or any(cells[width:]):
        return f"{len(cells)} cells where the header has {width}"
    if any("\0" in cell for cell in cells):
        return "a zero byte in the text"
    if any(_SPOILT.search(cell) for cell in cells):
        return "bytes that the encoding of the file does not have"
    return ""
