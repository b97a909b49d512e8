"""JSON lines, Parquet and Excel."""

from __future__ import annotations

import json
import re
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing
from functools import partial
from itertools import count, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rubricator.errors import DataError
from rubricator.tables.delimited import SPOILT_BYTES, WIDE, column_names, open_text
from rubricator.tables.encodings import detect_encoding
from rubricator.tables.layout import Layout
from rubricator.tables.rows import Row, Table, broken_row

if TYPE_CHECKING:
    import polars

_SAMPLE_ROWS = 1000
_HALF_ESCAPE = re.compile(r"\\u[dD][89a-fA-F]")
_HALF = re.compile("[\ud800-\udfff]")


def open_json_lines(path: Path, layout: Layout) -> Table:
    """A file with one JSON object a line; its columns are the keys of the first thousand rows.

    Raises:
        DataError: The file is empty, or none of its first rows is a JSON object.
    """
    encoding = detect_encoding(path, prescribed=layout.encoding)
    sample = list(islice(_json_rows(path, encoding), _SAMPLE_ROWS))
    if not sample:
        raise DataError(f"{path} is empty.", fix="Write one JSON object a line into it.")
    columns = _keys(sample)
    if not columns:
        raise DataError(
            f"{path} holds no JSON object in its first {len(sample)} rows; the first one: {sample[0].fault}.",
            fix='Write one object a line, such as {"id": "1", "text": "…"}.',
        )

    def batches(size: int) -> Iterator[list[Row]]:
        rows = _json_rows(path, encoding)
        while batch := list(islice(rows, size)):
            yield batch

    return Table(path, columns, batches, encoding, lambda: _keys(_json_rows(path, encoding)))


def _keys(rows: Iterable[Row]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(key for row in rows for key in row.cells))


def _json_rows(path: Path, encoding: str) -> Iterator[Row]:
    number = 0
    with closing(_lines(path, encoding)) as lines:
        for line, (text, whole) in enumerate(lines, start=1):
            if text.isspace():
                continue
            number += 1
            cells, kind, detail = _json_object(text) if whole else ({}, SPOILT_BYTES, "")
            if kind:
                yield broken_row(number, kind, detail=detail, line=line, excerpt=text)
            else:
                yield Row(number, cells)


def _lines(path: Path, encoding: str) -> Generator[tuple[str, bool]]:
    """Lines, and whether all their bytes are text: to decode them one by one is the quickest way to know."""
    if encoding.startswith(WIDE):
        with open_text(path, encoding, newline="\n") as handle:
            yield from ((text, True) for text in handle)
        return
    with path.open("rb") as file:
        for line in file:
            try:
                yield line.decode(encoding), True
            except UnicodeDecodeError:
                yield line.decode(encoding, "replace"), False


def _json_object(text: str) -> tuple[dict[str, Any], str, str]:
    """The object in a line, or the kind and the detail of its fault."""
    try:
        value = json.loads(text)
        if "\\u" in text and _HALF_ESCAPE.search(text):
            value = _whole_characters(value)
    except json.JSONDecodeError as error:
        return {}, "no valid JSON", f": {error.msg} at character {error.pos + 1}"
    except RecursionError:
        return {}, "no valid JSON: nested too deeply", ""
    if not isinstance(value, dict):
        return {}, f"a JSON {type(value).__name__} where an object was expected", ""
    return value, "", ""


def _whole_characters(value: Any) -> Any:
    """A JSON value without the halves of characters (lone surrogates) that a cut escape leaves behind."""
    written = json.dumps(value, ensure_ascii=False)
    return json.loads(_HALF.sub("", written)) if _HALF.search(written) else value


def open_parquet(path: Path, _: Layout) -> Table:
    """A Parquet file, read by row groups; bytes that are UTF-8 become text.

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


def open_excel(path: Path, layout: Layout) -> Table:
    """A sheet of a workbook, read whole: Excel itself ends at 1,048,576 rows.

    A column whose cells are of several types comes as text.

    Raises:
        DataError: The file is no workbook, it has no such sheet, or the sheet has no rows.
    """
    import fastexcel
    import polars

    try:
        sheet = _sheet_name(path, fastexcel.read_excel(path).sheet_names, layout.sheet)
        frame = polars.read_excel(
            path,
            sheet_name=sheet,
            engine="calamine",
            raise_if_empty=False,
            infer_schema_length=None,
            read_options={"header_row": layout.header - 1},
        )
    except (polars.exceptions.PolarsError, fastexcel.FastExcelError) as error:
        raise DataError(
            f"{path} cannot be read as an Excel workbook: {error}", fix="Save it as .xlsx or .csv."
        ) from error
    if not frame.height:
        raise DataError(
            f"The sheet '{sheet}' of {path} holds no rows below a header.",
            fix="Name the sheet with the texts as `data.sheet`, or move it to the first place.",
        )
    columns = column_names(frame.columns)
    frame.columns = list(columns)
    return Table(path, columns, partial(_frame_batches, frame, first=1))


def _sheet_name(path: Path, names: Sequence[str], wanted: str | int | None) -> str:
    written = str(wanted or 1)
    if written in names and wanted is not None:
        return written
    if written.isdecimal() and 1 <= int(written) <= len(names):
        return names[int(written) - 1]
    listed = ", ".join(f"'{name}'" for name in names)
    raise DataError(
        f"{path} has no sheet '{wanted}'; its sheets are {listed}.",
        fix="Name one of them, or its number from 1.",
    )


def _frame_batches(frame: polars.DataFrame, size: int, *, first: int) -> Iterator[list[Row]]:
    import polars

    numbers = count(first)
    binary = [name for name, kind in frame.schema.items() if kind == polars.Binary]
    for part in frame.iter_slices(size):
        rows = part.to_dicts()
        for name in binary:
            for cells in rows:
                cells[name] = _decoded(cells[name])
        yield [Row(next(numbers), cells) for cells in rows]


def _decoded(value: bytes | None) -> str | bytes | None:
    try:
        return value if value is None else value.decode()
    except UnicodeDecodeError:
        return value
