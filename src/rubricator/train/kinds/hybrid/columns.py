"""What the feature columns of the training texts hold."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence

import numpy as np

from rubricator.config import Hybrid
from rubricator.config.kinds import ColumnKind
from rubricator.dataset.inputs import Features
from rubricator.errors import TrainingError, nearest
from rubricator.models.features import Column, FeatureTable
from rubricator.records import Feature
from rubricator.stats.arrays import Bools
from rubricator.text_rules.values import READERS, as_level, is_missing

_log = logging.getLogger(__name__)

# Share of the cells that must be of a kind for the column to be of it; the others are taken for slips.
_ENOUGH = 0.95
_NARROWEST_FIRST: tuple[ColumnKind, ...] = ("boolean", "numeric", "duration", "date")


def learn_table(rows: Sequence[Features], settings: Hybrid) -> tuple[FeatureTable, list[str]]:
    """Tell the kind of every column from its cells, and the levels of categorical ones.

    Returns:
        The columns that can be learnt from, and the names of those that say nothing: not one value, one
        value everywhere, or no level common enough.

    Raises:
        TrainingError: There are no features, none says anything, or the config prescribes a kind for a
            column that is not there or holds nothing of it.
    """
    names = list(dict.fromkeys(name for row in rows for name in row))
    if not names:
        raise TrainingError(
            "`hybrid` learns from features beside the text, and these texts have none.",
            fix="Name the columns in `data.columns.features`, or leave `hybrid` out of `train.models`.",
        )
    for name in settings.columns:
        if name not in names:
            raise TrainingError(
                f"`train.hybrid.columns` prescribes the kind of '{name}', which is no feature"
                f"{nearest(name, names)}.",
                fix=f"Choose among {', '.join(names)}, or add it to `data.columns.features`.",
            )
    learnt = {name: _learn(name, [row.get(name) for row in rows], settings) for name in names}
    columns = tuple(column for column in learnt.values() if column is not None)
    idle = [name for name, column in learnt.items() if column is None]
    if not columns:
        raise TrainingError(
            f"None of the features {', '.join(idle)} says anything: each is empty, the same everywhere or "
            "different in every text.",
            fix="Check `data.columns.features`, or lower `train.hybrid.rare_level_count`.",
        )
    if idle:
        _log.warning(
            "left out of the features: %s; empty, the same everywhere or different in every text",
            ", ".join(idle),
        )
    return FeatureTable(columns), idle


def too_empty(missing: Bools, limit: int | float) -> Bools:
    """Which texts have more missing cells than allowed, [n]; `limit` is a number of cells, or their share."""
    cells = missing.sum(axis=1)
    return np.asarray(cells > (limit if isinstance(limit, int) else limit * missing.shape[1]))


def _learn(name: str, cells: Sequence[Feature], settings: Hybrid) -> Column | None:
    filled = [cell for cell in cells if not is_missing(cell)]
    if not filled:
        return None
    kind = settings.columns.get(name) or _kind(filled)
    values = [value for cell in filled if (value := READERS[kind](cell)) is not None]
    if not values:
        raise TrainingError(
            f"`train.hybrid.columns` says that '{name}' is {kind}, but no cell is: the first one holds "
            f"{str(filled[0])[:60]!r}.",
            fix=f"Say `{_kind(filled)}` for it, or nothing: the kind is told from the cells.",
        )
    if len(set(values)) < 2 and len(values) == len(cells):
        return None
    if kind != "categorical":
        return Column(name=name, kind=kind)
    counts = Counter(as_level(cell) for cell in filled)
    levels = sorted(level for level, count in counts.items() if count >= settings.rare_level_count)
    return Column(name=name, kind=kind, levels=levels) if levels else None


def _kind(filled: Sequence[Feature]) -> ColumnKind:
    """The narrowest kind of nearly all cells; 0 and 1 are numbers, and so are the marks of a scale."""
    words = [cell for cell in filled if as_level(cell) not in ("0", "1")]
    for kind in _NARROWEST_FIRST:
        if kind == "boolean" and not words:
            continue
        if sum(READERS[kind](cell) is not None for cell in filled) >= _ENOUGH * len(filled):
            return kind
    return "categorical"
