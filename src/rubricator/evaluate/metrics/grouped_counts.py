"""Figures of many weighted samples at once: the same arithmetic for the estimate and the bootstrap."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rubricator.evaluate.metrics.scored_predictions import ScoredPredictions
from rubricator.stats.arrays import Bools, Floats

# A probability of exactly 0 or 1 that turns out wrong would make the log loss infinite; scikit-learn
# clips at the same place.
_TINY = float(np.finfo(np.float64).eps)


def ratio(above: Floats, below: Floats) -> Floats:
    """Element-wise quotient, NaN where nothing is below the line."""
    return np.asarray(np.divide(above, below, out=np.full(np.shape(above), np.nan), where=below > 0))


def mean_defined(values: Floats) -> Floats:
    """Mean over the last axis of the values that are defined; NaN where none is."""
    defined = ~np.isnan(values)
    return ratio(np.where(defined, values, 0.0).sum(axis=-1), defined.sum(axis=-1).astype(np.float64))


def f1(hits: Floats, false_alarms: Floats, misses: Floats) -> Floats:
    """F1 from counts; undefined (NaN) where the truth has nothing to find."""
    score = ratio(2 * hits, 2 * hits + false_alarms + misses)
    return np.asarray(np.where(hits + misses > 0, score, np.nan))


@dataclass(frozen=True, slots=True)
class Ranking:
    """One category's texts from the highest probability to the lowest.

    Attributes:
        order: Row numbers in that order, shape [n].
        positive: Truth in that order, as 0 and 1, shape [n].
        ends: Last position of each run of equal probabilities; ties are taken or left together.
    """

    order: NDArray[np.intp]
    positive: Floats
    ends: NDArray[np.intp]

    @classmethod
    def of(cls, truth: Bools, probabilities: Floats) -> Ranking:
        """Rank one category, all arguments of shape [n]."""
        order = np.argsort(-probabilities, kind="stable")
        ranked = probabilities[order]
        ends = np.append(np.flatnonzero(np.diff(ranked)), len(ranked) - 1)
        return cls(order, truth[order].astype(np.float64), ends)

    def average_precision(self, weights: Floats) -> Floats:
        """Area under the precision-recall steps, shape [samples], for row weights [samples, n]."""
        ranked = weights[:, self.order]
        taken = np.cumsum(ranked, axis=1)[:, self.ends]
        hits = np.cumsum(ranked * self.positive, axis=1)[:, self.ends]
        gained = np.diff(hits, axis=1, prepend=0.0)
        precision = np.divide(hits, taken, out=np.zeros_like(hits), where=taken > 0)
        return ratio((gained * precision).sum(axis=1), hits[:, -1])


class GroupedCounts:
    """Sums per group from which every figure of a resampled part follows by one matrix product.

    Args:
        scored: The part.
        single: True if a text has exactly one category.
    """

    def __init__(self, scored: ScoredPredictions, *, single: bool) -> None:
        truth, given = scored.truth, scored.decisions
        names, self.group_of_row = np.unique(np.asarray(scored.groups, dtype=object), return_inverse=True)
        self.groups = len(names)
        self._categories = truth.shape[1]
        per_row = np.column_stack(
            [
                np.ones(len(truth)),
                (truth == given).all(axis=1),
                row_losses(scored, single=single),
                truth & given,
                ~truth & given,
                truth & ~given,
            ]
        ).astype(np.float64)
        self._sums = np.zeros((self.groups, per_row.shape[1]))
        np.add.at(self._sums, self.group_of_row, per_row)
        self._rankings = [
            Ranking.of(truth[:, j], scored.probabilities[:, j]) for j in range(self._categories)
        ]

    def figures(self, draws: Floats) -> dict[str, Floats]:
        """Every figure on every sample.

        Args:
            draws: How often each group counts, shape [samples, groups]; all ones is the part itself.

        Returns:
            By name, shape [samples] for figures of the whole part and [samples, k] for
            `precision`, `recall`, `f1` and `average_precision`.
        """
        sums = draws @ self._sums
        texts, right, loss = sums[:, 0], sums[:, 1], sums[:, 2]
        hits, false_alarms, misses = np.split(sums[:, 3:], 3, axis=1)
        support = hits + misses
        by_category = f1(hits, false_alarms, misses)
        total, wrong, missed = (counts.sum(axis=1) for counts in (hits, false_alarms, misses))
        rows = draws[:, self.group_of_row]
        precision_areas = np.column_stack([ranking.average_precision(rows) for ranking in self._rankings])
        return {
            "precision": ratio(hits, hits + false_alarms),
            "recall": ratio(hits, support),
            "f1": by_category,
            "average_precision": precision_areas,
            "macro_f1": mean_defined(by_category),
            "micro_f1": f1(total, wrong, missed),
            "weighted_f1": ratio((np.nan_to_num(by_category) * support).sum(axis=1), support.sum(axis=1)),
            "micro_precision": ratio(total, total + wrong),
            "micro_recall": ratio(total, total + missed),
            "subset_accuracy": ratio(right, texts),
            "hamming_loss": ratio(wrong + missed, texts * self._categories),
            "mean_average_precision": mean_defined(precision_areas),
            "log_loss": ratio(loss, texts),
        }


def row_losses(scored: ScoredPredictions, *, single: bool) -> Floats:
    """Cross-entropy of each text in nats, shape [n]; multi-label, the mean over its categories."""
    probabilities = np.clip(scored.probabilities, _TINY, 1 - _TINY)
    if single:
        return np.asarray(-(np.log(probabilities) * scored.truth).sum(axis=1))
    losses = -np.where(scored.truth, np.log(probabilities), np.log1p(-probabilities))
    return np.asarray(losses.mean(axis=1))
