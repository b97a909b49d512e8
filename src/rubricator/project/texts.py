"""Texts in the forms people hold them in: strings, `Text`s, frames of pandas or polars."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from rubricator.errors import DataError
from rubricator.ingest.clean import is_blank
from rubricator.ingest.columns import ROLES, usual_columns
from rubricator.records import Text
from rubricator.times import parse_time


def texts_of(texts: Any, columns: Mapping[str, str] | None = None) -> list[Text]:
    """Texts with their positions as ids, from strings, `Text`s, or a pandas or polars frame.

    `columns` says which column of a frame holds which role (`title`, `body`, `source`, `time`); by default
    what is called so, and where nothing is, the only column.

    Raises:
        DataError: One string instead of several, a frame without a text, or texts that are empty.
    """
    if isinstance(texts, str):
        raise DataError("One text was given where several belong.", fix="Write them as a list: [text].")
    if isinstance(texts, np.ndarray) and texts.ndim == 2 and texts.shape[1] == 1:
        texts = texts[:, 0]
    if hasattr(texts, "columns"):
        rows = _of_frame(texts, columns or {})
    else:
        rows = [_of_item(item, row) for row, item in enumerate(texts)]
    empty = [str(row) for row, text in enumerate(rows) if is_blank(text.original)]
    if empty:
        more = f" and {len(empty) - 10} more" if len(empty) > 10 else ""
        raise DataError(
            f"{len(empty)} texts are empty: those at {', '.join(empty[:10])}{more}.",
            fix="Leave them out, together with their labels.",
        )
    return rows


def columns_of(texts: Any, columns: Mapping[str, str] | None = None) -> dict[str, str]:
    """Which column holds which role where `texts_of` reads them, and in files of such texts."""
    if hasattr(texts, "columns"):
        return _roles([str(name) for name in texts.columns], columns or {})
    titled = any(isinstance(item, Text) and item.title for item in texts)
    return {"title": "title", "body": "text"} if titled else {"body": "text"}


def _of_item(item: Any, row: int) -> Text:
    if isinstance(item, Text):
        return replace(item, id=str(row), part="", content="")
    if isinstance(item, str) or is_missing(item):
        return Text(id=str(row), body=item if isinstance(item, str) else "")
    raise DataError(
        f"The text at {row} is a {type(item).__name__}.", fix="Give strings, rubricator.Text or a frame."
    )


def _of_frame(frame: Any, columns: Mapping[str, str]) -> list[Text]:
    roles = _roles([str(name) for name in frame.columns], columns)
    texts = []
    for row, values in enumerate(zip(*(frame[column] for column in roles.values()), strict=True)):
        cells = {role: cell for role, cell in zip(roles, values, strict=True) if not is_missing(cell)}
        title, body, source = (str(cells.get(role, "")) for role in ("title", "body", "source"))
        time = parse_time(cells["time"]) if "time" in cells else None
        texts.append(Text(id=str(row), title=title, body=body, source=source, time=time))
    return texts


def _roles(names: Sequence[str], columns: Mapping[str, str]) -> dict[str, str]:
    unknown = [role for role in columns if role not in ROLES]
    absent = [name for name in columns.values() if name not in names]
    if unknown or absent:
        raise DataError(
            f"The frame has no column {absent[0]!r}." if absent else f"There is no role {unknown[0]!r}.",
            fix=f"Its columns are {', '.join(names)}; the roles are {', '.join(ROLES)}.",
        )
    if columns:
        return dict(columns)
    roles = usual_columns(names, ROLES)
    if not roles.keys() & {"title", "body"}:
        if len(names) != 1:
            raise DataError(
                f"None of the columns {', '.join(names)} is known to hold the text.",
                fix="Name it: columns={'body': 'NAME'}.",
            )
        roles["body"] = names[0]
    return roles


def is_missing(value: Any) -> bool:
    """None, NaN, or what pandas writes for them."""
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    return isinstance(value, float | np.floating) and bool(np.isnan(value))
