"""JSON lines, Parquet and Excel."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rubricator.errors import DataError
from rubricator.tables.delimited import column_names
from rubricator.tables.encodings import detect_encoding
from rubricator.tables.rows import Row

if TYPE_CHECKING:
    import polars

_SAMPLE_ROWS = 1000
_EXCERPT = 200


@dataclass(frozen=True, slots=True)
class JsonLines:
    """A file with one JSON object a line; its columns are the keys of the first thousand rows."""

    path: Path
    encoding: str
    columns: tuple[str, ...]

    def batches(self, size: int) -> Iterator[list[Row]]:
        """Rows from the first on, at most `size` at a time."""
        rows = _json_rows(self.path, self.encoding)
        while batch := list(islice(rows, size)):
            yield batch


def open_json_lines(path: Path) -> JsonLines:
    """Find out encoding and columns of a JSONL file.

    Raises:
        DataError: The file is empty, or none of its first rows is a JSON object.
    """
    encoding = detect_encoding(path)
    sample = list(islice(_json_rows(path, encoding), _SAMPLE_ROWS))
    if not sample:
        raise DataError(f"{path} is empty.", fix="Write one JSON object a line into it.")
    columns = tuple(dict.fromkeys(key for row in sample for key in row.cells))
    if not columns:
        raise DataError(
            f"{path} holds no JSON object in its first {len(sample)} rows; the first one: {sample[0].fault}.",
            fix='Write one object a line, such as {"id": "1", "text": "…"}.',
        )
    return JsonLines(path, encoding, columns)


def _json_rows(path: Path, encoding: str) -> Iterator[Row]:
    errors = "replace" if encoding.startswith(("utf-16", "utf-32")) else "surrogateescape"
    number = 0
    with path.open(encoding=encoding, errors=errors, newline="\n") as handle:
        for line, text in enumerate(handle, start=1):
            if not text.strip():
                continue
            number += 1
            cells, fault = _json_object(text)
            if fault:
                yield Row(number, fault=f"{fault} (line {line})", excerpt=text[:_EXCERPT])
            else:
                yield Row(number, cells)


def _json_object(text: str) -> tuple[dict[str, Any], str]:
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        return {}, f"no valid JSON: {error.msg} at character {error.pos + 1}"
    except RecursionError:
        return {}, "no valid JSON: nested too deeply"
    if not isinstance(value, dict):
        return {}, f"a JSON {type(value).__name__} where an object was expected"
    return value, ""


@dataclass(frozen=True, slots=True)
class Parquet:
    """A Parquet file, read by row groups."""

    path: Path
    columns: tuple[str, ...]

    def batches(self, size: int) -> Iterator[list[Row]]:
        """Rows from the first on, at most `size` at a time."""
        import polars

        number = 0
        scan = polars.scan_parquet(self.path, glob=False)
        for frame in scan.collect_batches(chunk_size=size, maintain_order=True):
            for start in range(0, frame.height, size):
                yield _frame_rows(frame.slice(start, size), first=number + start + 1)
            number += frame.height


def open_parquet(path: Path) -> Parquet:
    """Read the schema of a Parquet file.

    Raises:
        DataError: The file is no Parquet file or has no rows.
    """
    import polars

    try:
        scan = polars.scan_parquet(path, glob=False)
        columns = tuple(scan.collect_schema().names())
        first = scan.head(1).collect()
    except polars.exceptions.PolarsError as error:
        raise DataError(f"{path} cannot be read as Parquet: {error}", fix="Write the file anew.") from error
    if not first.height:
        raise DataError(f"{path} holds no rows.", fix="Add rows to it.")
    return Parquet(path, columns)


@dataclass(frozen=True, slots=True)
class Excel:
    """The first sheet of a workbook, read whole: Excel itself ends at 1,048,576 rows."""

    frame: polars.DataFrame
    columns: tuple[str, ...]

    def batches(self, size: int) -> Iterator[list[Row]]:
        """Rows from the first on, at most `size` at a time."""
        for start in range(0, self.frame.height, size):
            yield _frame_rows(self.frame.slice(start, size), first=start + 1)


def open_excel(path: Path) -> Excel:
    """Read the first sheet of an Excel workbook.

    Raises:
        DataError: The file is no workbook, or its first sheet has no rows.
    """
    import fastexcel
    import polars

    try:
        frame = polars.read_excel(path, engine="calamine", raise_if_empty=False)
    except (polars.exceptions.PolarsError, fastexcel.FastExcelError) as error:
        raise DataError(
            f"{path} cannot be read as an Excel workbook: {error}", fix="Save it as .xlsx or .csv."
        ) from error
    if not frame.height:
        raise DataError(
            f"The first sheet of {path} holds no rows below a header.",
            fix="Move the sheet with the texts to the first place.",
        )
    columns = column_names(frame.columns)
    return Excel(frame.rename(dict(zip(frame.columns, columns, strict=True))), columns)


def _frame_rows(frame: polars.DataFrame, *, first: int) -> list[Row]:
    return [Row(number, cells) for number, cells in enumerate(frame.iter_rows(named=True), start=first)]
