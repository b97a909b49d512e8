"""Tables of any supported kind: one way to read them, one way to write them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from rubricator.errors import DataError
from rubricator.tables.delimited import open_delimited
from rubricator.tables.layout import AS_FOUND, Layout
from rubricator.tables.rows import Row, Table
from rubricator.tables.structured import open_excel, open_json_lines, open_parquet
from rubricator.tables.writing import TableWriter, kind_of, open_writer

__all__ = ["Layout", "Row", "Table", "TableWriter", "open_table", "open_writer"]

_OPEN: dict[str, Callable[[Path, Layout], Table]] = {
    "csv": open_delimited,
    "tsv": open_delimited,
    "jsonl": open_json_lines,
    "parquet": open_parquet,
    "excel": open_excel,
}


def open_table(path: Path, layout: Layout = AS_FOUND) -> Table:
    """Open a CSV, TSV, JSONL, Parquet or Excel file, told apart by suffix.

    What the layout leaves open is found out: the encoding and the separator of a CSV or TSV file.

    Raises:
        DataError: No such file, an unknown suffix, no rows, or no text.
    """
    kind = kind_of(path)
    if path.is_dir():
        raise DataError(f"{path} is a folder, a file was expected.", fix="Name a file in it.")
    if not path.exists():
        raise DataError(f"There is no file {path}.", fix="Correct the path.")
    try:
        if not path.stat().st_size:
            raise DataError(f"{path} is empty.", fix="Write a header and rows into it.")
        return _OPEN[kind](path, layout)
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}.", fix="Check its rights.") from error
