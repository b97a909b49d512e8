"""CSV and TSV: streamed, exact, and a broken row costs only itself."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import chain, islice
from pathlib import Path
from typing import TextIO

from rubricator.errors import DataError
from rubricator.tables.encodings import detect_encoding
from rubricator.tables.layout import Layout
from rubricator.tables.rows import Row, Table, broken_row

SPOILT_BYTES = "bytes that the encoding of the file does not have"
SEPARATORS = (",", ";", "\t", "|")
# A file of one column has no separator; this character does not occur in texts.
WIDE = ("utf-16", "utf-32")
_NO_SEPARATOR = "\x1f"
_SAMPLE_ROWS = 200
_MAX_RECORD = 20_000_000
_SPOILT = re.compile("[\udc80-\udcff]")
_LINE_END = "\r\n"
# Excel's own line above a header, which names the separator.
_SEPARATOR_LINE = re.compile(r'"?sep=(.)"?[\r\n]*', re.IGNORECASE)
_ESCAPE = re.compile(r'\\(["\\]|\r?\n)')
_WHOLLY_QUOTED = re.compile('"[^"]*"')
_OPEN_QUOTE = "a quotation mark opens a cell and never closes it"


@dataclass(frozen=True, slots=True)
class _Dialect:
    """How a file is cut into cells.

    Attributes:
        skipped: Lines above the header.
        separator: Between cells.
        escaped: Quotation marks in quoted cells likely have a backslash (MySQL, Spark) and are not doubled.
        width: Cells of the header; 0 as long as it is not known.
    """

    skipped: int
    separator: str
    escaped: bool = False
    width: int = 0


def open_delimited(path: Path, layout: Layout) -> Table:
    """A CSV or TSV file whose encoding and separator, unless prescribed, are found out.

    Raises:
        DataError: The file is empty, holds only a header, or is no text.
    """
    encoding = detect_encoding(path, prescribed=layout.encoding)
    dialect = _detect_dialect(path, encoding, layout)
    with open_text(path, encoding) as handle:
        header, *rest = islice(_records(_Lines(handle, dialect.skipped), dialect), 2)
    if not header.cells or _SPOILT.search("".join(header.cells)):
        raise DataError(
            f"The header of {path} cannot be read: {header.fault or 'bytes that are not text'}.",
            fix="Write the names of the columns into the first line, or name their line as `data.header`.",
        )
    if not rest:
        raise DataError(f"{path} holds a header and no rows.", fix="Add rows below the header.")
    columns = column_names(header.cells)
    fitting = replace(dialect, width=len(columns))

    def batches(size: int) -> Iterator[list[Row]]:
        with open_text(path, encoding) as handle:
            rows = _rows(_records(_Lines(handle, fitting.skipped), fitting), columns)
            while batch := list(islice(rows, size)):
                yield batch

    return Table(path, columns, batches, encoding)


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
    errors = "replace" if encoding.startswith(WIDE) else "surrogateescape"
    return path.open(encoding=encoding, errors=errors, newline=newline)


def _detect_dialect(path: Path, encoding: str, layout: Layout) -> _Dialect:
    with open_text(path, encoding) as handle:
        lines = list(_Lines(handle, layout.header - 1).first(_SAMPLE_ROWS))
    skipped, separator = layout.header - 1, layout.separator
    if lines and (match := _SEPARATOR_LINE.fullmatch(lines[0])):
        skipped, separator = skipped + 1, separator or match[1]
        del lines[0]
    if not lines:
        where = f"is empty from line {layout.header} on" if layout.header > 1 else "is empty"
        raise DataError(f"{path} {where}.", fix="Write a header line and rows into it.")
    separator = separator or _detect_separator(lines, suffix=path.suffix.lower())
    escaped = any(record.escaped for record in _records(_Lines(iter(lines)), _Dialect(0, separator)))
    return _Dialect(skipped, separator, escaped)


def _detect_separator(sample: list[str], *, suffix: str) -> str:
    """The separator that the header has and that cuts most rows into as many cells as the header."""
    candidates = ("\t", *(s for s in SEPARATORS if s != "\t")) if suffix == ".tsv" else SEPARATORS

    def fit(separator: str) -> tuple[float, int]:
        records = _records(_Lines(iter(sample)), _Dialect(0, separator))
        widths = [len(record.cells) for record in records if record.cells]
        width = widths[0] if widths else 1
        same = widths[1:].count(width) / max(1, len(widths) - 1)
        return (round(same, 2) if width > 1 else -1.0, width)

    best = max(candidates, key=fit)
    return best if fit(best)[0] >= 0 else _NO_SEPARATOR


class _Lines:
    """Physical lines, from some line on, that can be given back."""

    def __init__(self, lines: Iterator[str], skipped: int = 0) -> None:
        self._lines = islice(lines, skipped, None)
        self._returned: list[str] = []
        self.number = skipped

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._returned.pop() if self._returned else next(self._lines)
        self.number += 1
        return line

    def first(self, count: int) -> Iterator[str]:
        """The first lines that are not blank."""
        return islice((line for line in self if line.strip()), count)

    def take(self, count: int) -> None:
        """Go over some lines."""
        for _ in range(count):
            next(self)

    def give_back(self, lines: list[str]) -> None:
        """Let the last lines come once more."""
        self._returned += reversed(lines)
        self.number -= len(lines)


@dataclass(frozen=True, slots=True)
class _Record:
    """Cells of a record, or why it has none; `escaped` if backslashes were read as escapes."""

    line: int
    lines: list[str]
    cells: list[str] = field(default_factory=list)
    fault: str = ""
    escaped: bool = False


def _records(lines: _Lines, dialect: _Dialect) -> Iterator[_Record]:
    """Cut lines into records; what fails to close its quotes gives back all lines but its first."""
    for line in lines:
        if not line.strip():
            continue
        if '"' not in line:
            yield _Record(lines.number, [line], line.rstrip(_LINE_END).split(dialect.separator))
            continue
        yield _quoted(line, lines, dialect)


def _quoted(first: str, lines: _Lines, dialect: _Dialect) -> _Record:
    """A record whose quotation marks are doubled or escaped, whichever gives it the width of the header."""
    readings: list[_Record] = []
    for escaped in (dialect.escaped, not dialect.escaped):
        record = _parsed(first, lines, dialect.separator, escaped=escaped)
        if record.cells and _fits(record.cells, dialect.width):
            return record
        readings.append(record)
        lines.give_back(record.lines[1:])
        if not any('\\"' in line for line in record.lines):
            break
    record = readings[0]
    if record.cells:
        lines.take(len(record.lines) - 1)
        return record
    # If the fault lies within one line, as in `"Zenit" won`, the marks may belong to the text.
    cells = _with_marks(first, dialect.separator) if record.lines == [first] else []
    return replace(record, lines=[first], cells=cells, fault="" if cells else _OPEN_QUOTE)


def _parsed(first: str, lines: _Lines, separator: str, *, escaped: bool) -> _Record:
    """A record as the csv module reads it, without cells if it cannot, with all lines that were looked at."""
    number = lines.number
    looked_at = [first]

    def feed() -> Iterator[str]:
        length = 0
        for line in chain([first], lines):
            if line is not first:
                looked_at.append(line)
            length += len(line)
            if length > _MAX_RECORD:
                return
            yield _ESCAPE.sub(_unescaped, line) if escaped else line

    # The csv module knows one limit for the whole process; it is put back at once.
    limit = csv.field_size_limit(_MAX_RECORD * 2)
    try:
        cells = next(csv.reader(feed(), delimiter=separator, strict=True))
    except csv.Error:
        return _Record(number, looked_at)
    finally:
        csv.field_size_limit(limit)
    return _Record(number, looked_at, cells, escaped=escaped)


def _unescaped(match: re.Match[str]) -> str:
    return '""' if match[1] == '"' else match[1]


def _with_marks(line: str, separator: str) -> list[str]:
    """Cells of a line in which quotation marks are no quotes; none if one of them could be half a cell."""
    cells = line.rstrip(_LINE_END).split(separator)
    if any(cell.startswith('"') and cell.count('"') % 2 for cell in cells):
        return []
    return [cell[1:-1] if _WHOLLY_QUOTED.fullmatch(cell) else cell for cell in cells]


def _rows(records: Iterator[_Record], columns: tuple[str, ...]) -> Iterator[Row]:
    next(records)
    for number, record in enumerate(records, start=1):
        fault = record.fault or _fault(record.cells, len(columns))
        if fault:
            yield broken_row(number, fault, line=record.line, excerpt="".join(record.lines))
        else:
            yield Row(number, dict(zip(columns, record.cells, strict=False)))


def _fault(cells: list[str], width: int) -> str:
    if not _fits(cells, width):
        return f"{len(cells)} cells where the header has {width}"
    if any("\0" in cell for cell in cells):
        return "a zero byte in the text"
    if any(_SPOILT.search(cell) for cell in cells if not cell.isascii()):
        return SPOILT_BYTES
    return ""


def _fits(cells: list[str], width: int) -> bool:
    """True if there are as many cells as the header has, or only blank ones more; 0: no header is known."""
    return not width or (len(cells) >= width and not any(cells[width:]))
