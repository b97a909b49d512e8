"""Texts in the order of one category's probability, and the area under what that order finds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rubricator.stats.arrays import Bools, Floats, Indices
from rubricator.stats.counts import ratio


@dataclass(frozen=True, slots=True)
class Ranking:
    """One category's texts from the highest probability to the lowest.

    Attributes:
        order: Row numbers in that order, shape [n].
        positive: Truth in that order, as 0 and 1, shape [n].
        ends: Last position of each run of equal probabilities; ties are taken or left together.
    """

    order: Indices
    positive: Floats
    ends: Indices

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
