"""Which feature columns paid: how much worse a model decides when one of them is shuffled.

Breiman, "Random forests", 2001, section 10; for any model: Fisher, Rudin & Dominici, "All models are
wrong, but many are useful", 2019. Columns that tell the same story share it: shuffling one of two such
columns costs little, because the model reads the other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rubricator.config import Metric
from rubricator.errors import DataError
from rubricator.evaluate.metrics.grouped_counts import f1, mean_defined, ratio
from rubricator.records import Feature
from rubricator.stats.arrays import Bools, Floats
from rubricator.stats.bootstrap import draw_groups, percentile_interval

TEXT = "text"
"""Stands for the text itself among the columns."""

Row = Mapping[str, Feature]
Decide = Callable[[Sequence[Row]], Bools]


@dataclass(frozen=True, slots=True)
class Importance:
    """What one column is worth.

    Attributes:
        column: Its name, or `text`.
        drop: How much of the metric is lost when it is shuffled, mean over the shuffles.
        low: Lower end of the interval over samples of texts; None where the metric is mostly undefined.
        high: Upper end.
    """

    column: str
    drop: float
    low: float | None
    high: float | None


def permutation_importance(
    decide: Decide,
    rows: Sequence[Row],
    truth: Bools,
    *,
    columns: Sequence[str],
    groups: Sequence[str],
    metric: Metric,
    repeats: int = 10,
    draws: int = 500,
    confidence: float = 0.95,
    seed: int = 13,
) -> tuple[Importance, ...]:
    """Measure what each feature column, and the text, is worth to a model.

    Args:
        decide: What the model decides about the same texts, in the same order, if their features were
            these: shape [n, categories].
        rows: Features of the texts; no text may have been trained on.
        truth: Which categories each text has, shape [n, categories].
        columns: Columns the model looks at.
        groups: Group of near-duplicates of each text; intervals draw whole groups.
        metric: What is lost.
        repeats: Shuffles of each column.
        draws: Bootstrap samples behind each interval.
        confidence: Share of them inside it.
        seed: Same seed, same result.

    Returns:
        One entry per column and one for the text, the most important first.

    Raises:
        DataError: There are no texts.
    """
    if not rows:
        raise DataError("There are no texts to shuffle.", fix="Give the part texts: raise `split.test`.")
    random = np.random.default_rng(seed)
    _, numbers = np.unique(np.asarray(groups, dtype=object), return_inverse=True)
    samples = list(draw_groups(int(numbers.max()) + 1, draws=draws, seed=seed))
    weights = np.vstack([np.ones((1, len(rows))), *(sample[:, numbers] for sample in samples)])
    whole = _figures(decide(rows), truth, weights, metric)
    found = []
    for column in (TEXT, *columns):
        lost = np.zeros(len(weights))
        for _ in range(repeats):
            lost += whole - _shuffled(decide, rows, truth, weights, metric, column, random)
        lost /= repeats
        low, high = percentile_interval(lost[1:], confidence=confidence)
        found.append(Importance(column, float(lost[0]), low, high))
    return tuple(sorted(found, key=lambda one: -one.drop))


def draw_importance(importances: Sequence[Importance], path: Path, *, metric: str) -> None:
    """Draw bars with intervals, the most important column on top.

    Args:
        importances: As `permutation_importance` gives them.
        path: The PNG file.
        metric: Name of the metric, for people.

    Raises:
        DataError: The file cannot be written.
    """
    from rubricator.evaluate.plots import style  # matplotlib takes a second to import

    with style.styled():
        figure, axes = style.new_figure(6.0, 0.8 + 0.26 * len(importances))
        places = np.arange(len(importances))[::-1]
        drops = np.array([one.drop for one in importances])
        colors = [style.HAS_NOT if one.column == TEXT else style.HAS for one in importances]
        axes.barh(places, drops, height=0.62, color=colors)
        for place, one in zip(places, importances, strict=True):
            if one.low is not None and one.high is not None:
                axes.plot([one.low, one.high], [place, place], color=style.INK, linewidth=1.0)
        axes.set_yticks(places, [style.shortened(one.column, 36) for one in importances])
        axes.axvline(0.0, color=style.QUIET, linewidth=0.6)
        axes.set_xlabel(f"{metric} lost when the column is shuffled")
        axes.grid(visible=True, axis="x")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            style.save(figure, path)
        except OSError as error:
            raise DataError(
                f"The plot {path} cannot be written: {error}.", fix="Name a folder that you can write."
            ) from error


def _shuffled(
    decide: Decide,
    rows: Sequence[Row],
    truth: Bools,
    weights: Floats,
    metric: Metric,
    column: str,
    random: np.random.Generator,
) -> Floats:
    order = random.permutation(len(rows))
    if column == TEXT:
        # Texts shuffled under their features and truth are features and truth shuffled over their texts.
        moved = [rows[i] for i in order]
        return _figures(decide(moved), truth[order], weights[:, order], metric)
    moved = [dict(row) | {column: rows[i].get(column)} for row, i in zip(rows, order, strict=True)]
    return _figures(decide(moved), truth, weights, metric)


def _figures(decisions: Bools, truth: Bools, weights: Floats, metric: Metric) -> Floats:
    """The metric under each row of weights [samples, n], shape [samples]."""
    if metric == "accuracy":
        return ratio(weights @ (decisions == truth).all(axis=1), weights.sum(axis=1))
    hits, alarms, misses = (
        weights @ cells.astype(np.float64)
        for cells in (truth & decisions, ~truth & decisions, truth & ~decisions)
    )
    if metric == "micro_f1":
        return f1(*(counts.sum(axis=1) for counts in (hits, alarms, misses)))
    each = f1(hits, alarms, misses)
    if metric == "macro_f1":
        return mean_defined(each)
    support = hits + misses
    return ratio((np.nan_to_num(each) * support).sum(axis=1), support.sum(axis=1))
