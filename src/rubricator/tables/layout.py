"""How a table lies in its file, where people say so."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Layout:
    """What is not to be found out; each counts only for the kinds of file that have it.

    Attributes:
        encoding: Of CSV, TSV and JSON lines.
        separator: Of CSV and TSV.
        header: Line of the header in CSV and TSV, its row in Excel, counted from 1.
        sheet: Name of a sheet of Excel, or its number from 1; the first if None.
    """

    encoding: str | None = None
    separator: str | None = None
    header: int = 1
    sheet: str | int | None = None


AS_FOUND = Layout()
