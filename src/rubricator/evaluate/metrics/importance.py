"""Which feature columns paid: how much worse a model decides when one of them is shuffled.

Breiman, "Random forests", 2001, section 10; for any model: Fisher, Rudin & Dominici, "All models are
wrong, but many are useful", 2019. Columns that tell the same story share it: shuffling one of two such
columns costs little, because the model reads the other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from rubricator.config import Metric
from rubricator.errors import DataError
from rubricator.records import Feature
from rubricator.stats.arrays import Bools, Floats
from rubricator.stats.bootstrap import percentile_interval, resample_groups
from rubricator.stats.counts import GroupedCounts

TEXT = "text"
"""Stands for the text itself among the columns."""

Row = Mapping[str, Feature]
Decide = Callable[[Sequence[Row]], Bools]


@dataclass(frozen=True, slots=True)
class Importance:
    """What one column, or the `text`, is worth: how much of the metric is lost when it is shuffled.

    The interval is over samples of texts; None where the metric is mostly undefined.
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
    """Measure what each feature column, and the text, is worth to a model, the most important first.

    `decide` tells what the model decides about the same texts, in the same order, if their features were the
    given ones: shape [n, categories]. No text may have been trained on. Intervals draw whole groups of
    near-duplicates.

    Raises:
        DataError: There are no texts.
    """
    if not rows:
        raise DataError("There are no texts to shuffle.", fix="Give the part texts: raise `split.test`.")
    random = np.random.default_rng(seed)
    samples = resample_groups(len(set(groups)), draws=draws, seed=seed)
    # The first sample is the texts as they are.
    weights = np.vstack([np.ones((1, len(set(groups)))), *samples])
    figure = "subset_accuracy" if metric == "accuracy" else metric

    def measure(truth: Bools, decisions: Bools, groups: Sequence[str]) -> Floats:
        return GroupedCounts(truth, decisions, groups).figures(weights)[figure]

    def measure_shuffled(column: str) -> Floats:
        order = random.permutation(len(rows))
        if column == TEXT:
            # Texts shuffled under their features and truth are features and truth shuffled over their texts.
            return measure(truth[order], decide([rows[i] for i in order]), [groups[i] for i in order])
        moved = [dict(row) | {column: rows[i].get(column)} for row, i in zip(rows, order, strict=True)]
        return measure(truth, decide(moved), groups)

    whole = measure(truth, decide(rows), groups)
    importances = []
    for column in (TEXT, *columns):
        lost = np.mean([whole - measure_shuffled(column) for _ in range(repeats)], axis=0)
        low, high = percentile_interval(lost[1:], confidence=confidence)
        importances.append(Importance(column, float(lost[0]), low, high))
    return tuple(sorted(importances, key=lambda one: -one.drop))
