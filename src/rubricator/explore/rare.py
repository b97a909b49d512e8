"""For a rare category, the unlabelled texts most likely in it: labelling some is cheaper than making some."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rubricator.explore.known import Known
from rubricator.pages.formatting import excerpt
from rubricator.stats.arrays import Floats, Indices

FEW = 30
"""Labels by people below which a category is rare."""
_CATEGORIES, _NEAREST, _EXCERPT = 12, 10, 200
_BY_TEXTS = 3


@dataclass(frozen=True, slots=True)
class Near:
    """A text that no person labelled; `labels` is what teachers agree on, None if they have no opinion."""

    id: str
    likeness: float
    labels: tuple[str, ...] | None
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rare:
    """A category that people gave to few texts, and the texts nearest to it.

    Attributes:
        people: Labels by people.
        by: What nearness is measured to: the `texts` that have it, or its `description`.
    """

    key: str
    title: str
    people: int
    by: str
    nearest: list[Near]


def rare_categories(known: Known) -> list[Rare]:
    """The rarest categories, each with unlabelled texts by the cosine of vectors, all seen from the middle.

    Of near-duplicates one is shown. Empty without vectors.
    """
    if known.taxonomy is None or known.vectors is None:
        return []
    counts = known.categories[known.human].sum(axis=0)
    order = sorted((column for column, count in enumerate(counts) if count < FEW), key=lambda c: counts[c])
    middle = known.vectors.mean(axis=0, dtype=np.float64)
    found = []
    for column in order[:_CATEGORIES]:
        category = known.taxonomy.categories[column]
        if category.key == known.taxonomy.none:
            continue  # lies nowhere: it is what the others are not
        direction, by = _direction(known, column, middle)
        nearest = [] if direction is None else _nearest(known, direction, middle)
        if nearest:
            found.append(
                Rare(
                    key=category.key,
                    title=category.title,
                    people=int(counts[column]),
                    by=by,
                    nearest=nearest,
                )
            )
    return found


def _direction(known: Known, column: int, middle: Floats) -> tuple[Floats | None, str]:
    assert known.vectors is not None
    own = known.categories[:, column] & known.human
    if own.sum() >= _BY_TEXTS:
        return known.vectors[own].mean(axis=0, dtype=np.float64) - middle, "texts"
    return (None, "") if known.directions is None else (known.directions[column], "description")


def _nearest(known: Known, direction: Floats, middle: Floats) -> list[Near]:
    assert known.vectors is not None
    moved = known.vectors - middle.astype(np.float32)
    lengths = np.linalg.norm(moved, axis=1) * np.linalg.norm(direction)
    likeness = moved @ direction.astype(np.float32) / np.maximum(lengths, 1e-9)
    labelled = {known.groups[text.id] for text, has in zip(known.texts, known.human, strict=True) if has}
    rows = _one_of_each_group(known, np.argsort(-likeness, kind="stable"), labelled)
    return [_near(known, row, float(likeness[row])) for row in rows]


def _one_of_each_group(known: Known, order: Indices, seen: set[str]) -> list[int]:
    rows: list[int] = []
    for row in order.tolist():
        group = known.groups[known.texts[row].id]
        if group not in seen:
            seen.add(group)
            rows.append(row)
        if len(rows) == _NEAREST:
            break
    return rows


def _near(known: Known, row: int, likeness: float) -> Near:
    assert known.taxonomy is not None
    keys = known.taxonomy.keys
    labels = tuple(key for key, has in zip(keys, known.categories[row], strict=True) if has)
    text = known.texts[row]
    shown = excerpt(" ".join(text.content.split()), _EXCERPT)
    return Near(text.id, likeness, labels if known.labelled[row] else None, shown)
