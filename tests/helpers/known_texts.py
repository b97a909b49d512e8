"""What is known of a few invented texts, put together without a run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from rubricator.explore.known import Known
from rubricator.records import Origin, Text
from rubricator.taxonomy import Category, Task, Taxonomy


def texts_of(contents: Sequence[str], **columns: Sequence[Any]) -> list[Text]:
    """Texts with these contents, as found and cleaned; further columns by the name of the attribute."""
    return [
        Text(
            id=str(row),
            body=content,
            content=content,
            **{name: cells[row] for name, cells in columns.items()},
        )
        for row, content in enumerate(contents)
    ]


def known_of(
    texts: Sequence[Text],
    labels: Sequence[Sequence[str] | None] | None = None,
    *,
    keys: Sequence[str] = (),
    single: bool = True,
    **more: Any,
) -> Known:
    """Texts, labelled by people where `labels` are not None; each its own group unless `groups` says so."""
    more = {"groups": {text.id: text.id for text in texts}, **more}
    if labels is not None:
        task = Task.SINGLE_LABEL if single else Task.MULTI_LABEL
        taxonomy = Taxonomy(task=task, categories=tuple(Category(key=key) for key in keys))
        origin = ["" if label is None else Origin.GOLDEN for label in labels]
        more = {
            "taxonomy": taxonomy,
            "categories": taxonomy.space.indicators([label or () for label in labels]),
            "origin": np.array(origin, dtype="<U9"),
            **more,
        }
    return Known.bare("small", texts, more.pop("groups"), **more)
