"""Tables of any supported kind: one way to read them, one way to write them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rubricator.errors import DataError
from rubricator.tables.delimited import Delimited, open_delimited
from rubricator.tables.rows import Batches, Row
from rubricator.tables.structured import Excel, JsonLines, Parquet, open_excel, open_json_lines, open_parquet
from rubricator.tables.writing import TableWriter, kind_of, open_writer

__all__ = ["Row", "Table", "TableWriter", "open_table", "open_writer"]


@dataclass(frozen=True, slots=True)
class Table:
    """A table on disk.

    Attributes:
        path: The file.
        columns: Names of the columns, in order.
        batches: Reads the rows from the first on, in lists of at most the given size.
    """

    path: Path
    columns: tuple[str, ...]
    batches: Batches

    def rows(self, batch: int = 1000) -> Iterator[list[Row]]:
        """Rows from the first on, at most `batch` at a time; memory does not grow with the file.

        A broken row comes as a `Row` with a `fault` and without cells. Cells of CSV and TSV are
        strings; those of the other kinds have the types of the file.
        """
        return self.batches(batch)


def open_table(path: Path, *, separator: str | None = None) -> Table:
    """Open a CSV, TSV, JSONL, Parquet or Excel file, told apart by suffix.

    Args:
        path: The file.
        separator: Separator of a CSV or TSV file; by default found out, as is the encoding.

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
        source = _open(path, kind, separator)
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}.", fix="Check its rights.") from error
    return Table(path, source.columns, source.batches)


def _open(path: Path, kind: str, separator: str | None) -> Delimited | JsonLines | Parquet | Excel:
    match kind:
        case "jsonl":
            return open_json_lines(path)
        case "parquet":
            return open_parquet(path)
        case "excel":
            return open_excel(path)
        case _:
            return open_delimited(path, separator=separator)
