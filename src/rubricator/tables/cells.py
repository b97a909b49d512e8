"""Cells of any kind of table as people would write them."""

from __future__ import annotations

from collections.abc import Collection


def is_blank(value: object) -> bool:
    """True for an empty cell."""
    # NaN is the only value that differs from itself.
    return value is None or value != value or (isinstance(value, str) and not value.strip())


def written(value: object) -> str:
    """A cell as text without spaces around it: 5.0 of a spreadsheet is `5`, an empty one an empty string."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return "" if is_blank(value) else str(value).strip()


def id_among(ids: Collection[str], value: object) -> str:
    """The id in a cell as `ids` have it: whole numbers that went through a spreadsheet end in `.0`."""
    name = written(value)
    return next((form for form in (name, name.removesuffix(".0"), f"{name}.0") if form in ids), name)
