"""How precise rules are, told from the texts they take: many rules say together what one alone cannot.

A rule that took 20 texts and was right on all of them may well be right on 90 % of others. But if 30 rules
found in the same way are hardly ever wrong, then so, most likely, is this one. The hierarchical model of
Gelman et al. (Bayesian Data Analysis, chapter 5) weighs both: the precision of each rule is drawn from a Beta
distribution whose two parameters are unknown themselves, and are summed over a grid.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, log

import numpy as np
from scipy.special import betainc, betaln

from rubricator.stats.arrays import Floats

# Mean precision uniform from 0 to 1, how alike the rules are uniform on a log scale. No rule is believed
# to be nearly always right before it was seen: that takes half an error more than were made (Jeffreys).
_GRID = np.array(
    [
        (mean * strength, (1 - mean) * strength)
        for strength in np.geomspace(2.0, 200.0, 9)
        for mean in (np.arange(50) + 0.5) / 50
        if min(mean, 1 - mean) * strength >= 0.5
    ]
).T
_BISECTIONS = 30


@dataclass(frozen=True, slots=True)
class PrecisionPosterior:
    """What counts of texts say about the precision of several rules."""

    right: Floats  # texts on which each rule was right, [rules]
    taken: Floats  # texts it took, [rules]

    def mean(self) -> Floats:
        """Expected precision, shape [rules]."""
        a, b, weight = self._posterior()
        return np.asarray((weight * a / (a + b)).sum(axis=1))

    def chance(self, precision: float) -> Floats:
        """Probability that the precision is at least so high, shape [rules]."""
        a, b, weight = self._posterior()
        return np.asarray((weight * (1 - betainc(a, b, precision))).sum(axis=1))

    def bound(self, confidence: float) -> Floats:
        """Precision that is reached with this probability, shape [rules]."""
        a, b, weight = self._posterior()
        low, high = np.zeros(len(a)), np.ones(len(a))
        for _ in range(_BISECTIONS):
            middle = (low + high) / 2
            below = (weight * betainc(a, b, middle[:, None])).sum(axis=1) <= 1 - confidence
            low, high = np.where(below, middle, low), np.where(below, high, middle)
        return low

    def _posterior(self) -> tuple[Floats, Floats, Floats]:
        """Parameters of the Beta distributions, shape [rules, grid], and the weight of each, [1, grid]."""
        before_a, before_b = _GRID
        a = before_a + self.right[:, None]
        b = before_b + (self.taken - self.right)[:, None]
        likelihood = (betaln(a, b) - betaln(before_a, before_b)).sum(axis=0)
        weight = np.exp(likelihood - likelihood.max())
        return a, b, (weight / weight.sum())[None]


def texts_needed(precision: float, confidence: float) -> int:
    """How many texts a rule that stands alone must take without an error to prove its precision."""
    return ceil(log(1 - confidence) / log(precision))
