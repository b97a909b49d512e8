"""JSON lines, Parquet and Excel."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from itertools import count, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rubricator.errors import DataError
from rubricator.tables.delimited import column_names, open_text
from rubricator.tables.encodings import detect_encoding
from rubricator.tables.rows import EXCERPT, Row, Table

if TYPE_CHECKING:
    import polars

_SAMPLE_ROWS = 1000


def open_json_lines(path: Path) -> Table:
    """A file with one JSON object a line; its columns are the keys of the first thousand rows.

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

    def batches(size: int) -> Iterator[list[Row]]:
        rows = _json_rows(path, encoding)
        while batch := list(islice(rows, size)):
            yield batch

    return Table(path, columns, batches)


def _json_rows(path: Path, encoding: str) -> Iterator[Row]:
    number = 0
    with open_text(path, encoding, newline="\n") as handle:
        for line, text in enumerate(handle, start=1):
            if not text.strip():
                continue
            number += 1
            cells, fault = _json_object(text)
            if fault:
                yield Row(number, fault=f"{fault} (line {line})", excerpt=text[:EXCERPT])
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


def open_parquet(path: Path) -> Table:
    """A Parquet file, read by row groups.

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

    def batches(size: int) -> Iterator[list[Row]]:
        number = 0
        for frame in scan.collect_batches(chunk_size=size, maintain_order=True):
            yield from _frame_batches(frame, size, first=number + 1)
            number += frame.height

    return Table(path, columns, batches)


def open_excel(path: Path) -> Table:
    """The first sheet of a workbook, read whole: Excel itself ends at 1,048,576 rows.

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
    frame.columns = list(columns)
    return Table(path, columns, partial(_frame_batches, frame, first=1))


def _frame_batches(frame: polars.DataFrame, size: int, *, first: int) -> Iterator[list[Row]]:
    numbers = count(first)
    for part in frame.iter_slices(size):
        yield [Row(next(numbers), cells) for cells in part.iter_rows(named=True)]
