"""Right and wrong decisions counted per group of texts, and every figure that follows from such counts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rubricator.stats.arrays import Bools, Floats


def ratio(above: Floats, below: Floats) -> Floats:
    """Element-wise quotient, NaN where nothing is below the line."""
    return np.asarray(np.divide(above, below, out=np.full(np.shape(above), np.nan), where=below > 0))


def mean_defined(values: Floats) -> Floats:
    """Mean over the last axis of the values that are defined; NaN where none is."""
    defined = ~np.isnan(values)
    return ratio(np.where(defined, values, 0.0).sum(axis=-1), defined.sum(axis=-1).astype(np.float64))


def f1(hits: Floats, false_alarms: Floats, misses: Floats) -> Floats:
    """F1 from counts; undefined (NaN) where the truth has nothing to find, whatever was decided."""
    score = ratio(2 * hits, 2 * hits + false_alarms + misses)
    return np.asarray(np.where(hits + misses > 0, score, np.nan))


class GroupedCounts:
    """Sums per group of texts, from which every figure of a resampled set follows by one matrix product.

    Macro-F1 is the mean over the categories that occur in the truth, here and everywhere: a category without
    a positive has no F1, and counting it as 0 or 1 would reward or punish what the texts cannot show.

    Args:
        truth: Categories of each text, shape [n, k]; or how probable each is, and counts are those expected.
        decisions: Categories given to each text, same shape.
        groups: Group of near-duplicates of each text; without it every text is its own.
        weights: How much each text counts, shape [n]; one by default.
        right: How probable it is that all of a text's categories are right, shape [n]; told from `truth`
            where that is certain.
    """

    def __init__(
        self,
        truth: Bools | Floats,
        decisions: Bools,
        groups: Sequence[str] | None = None,
        weights: Floats | None = None,
        *,
        right: Floats | None = None,
    ) -> None:
        names = np.arange(len(truth)) if groups is None else np.asarray(groups, dtype=object)
        unique, self.group_of_row = np.unique(names, return_inverse=True)
        self.groups, self._categories = len(unique), truth.shape[1]
        has, given = np.asarray(truth, dtype=np.float64), np.asarray(decisions, dtype=np.float64)
        alike = (has == given).all(axis=1) if right is None else right
        per_row = np.column_stack(
            [np.ones(len(has)), alike, has * given, (1 - has) * given, has * (1 - given)]
        )
        if weights is not None:
            per_row *= weights[:, None]
        self._sums = self.sums(per_row)

    def sums(self, per_row: Floats) -> Floats:
        """Any columns of numbers per text added up by group, shape [groups, columns]."""
        summed = np.zeros((self.groups, per_row.shape[1]))
        np.add.at(summed, self.group_of_row, per_row)
        return summed

    def figures(self, draws: Floats | None = None) -> dict[str, Floats]:
        """Every figure on every sample, by name; without `draws`, on the texts as they are.

        `draws` says how often each group counts, shape [samples, groups]. Figures of all categories together
        have the shape [samples], and `precision`, `recall` and `f1` [samples, k]; they are NaN where
        undefined.
        """
        sums = self._sums.sum(axis=0, keepdims=True) if draws is None else draws @ self._sums
        texts, right = sums[:, 0], sums[:, 1]
        hits, false_alarms, misses = np.split(sums[:, 2:], 3, axis=1)
        support, by_category = hits + misses, f1(hits, false_alarms, misses)
        total, wrong, missed = (counts.sum(axis=1) for counts in (hits, false_alarms, misses))
        return {
            "precision": ratio(hits, hits + false_alarms),
            "recall": ratio(hits, support),
            "f1": by_category,
            "macro_f1": mean_defined(by_category),
            "micro_f1": f1(total, wrong, missed),
            "weighted_f1": ratio((np.nan_to_num(by_category) * support).sum(axis=1), support.sum(axis=1)),
            "micro_precision": ratio(total, total + wrong),
            "micro_recall": ratio(total, total + missed),
            "subset_accuracy": ratio(right, texts),
            "hamming_loss": ratio(wrong + missed, texts * self._categories),
        }
