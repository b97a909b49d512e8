"""How far a share could be from the one that was counted."""

from __future__ import annotations

from rubricator.stats.bootstrap import Estimate


def wilson(hits: int, count: int, *, confidence: float = 0.95) -> Estimate:
    """A share with its interval, honest for few texts and for shares near 0 and 1; undefined of nothing.

    Wilson, "Probable inference, the law of succession, and statistical inference", 1927.
    """
    from scipy.stats import binomtest  # half a second to import

    if not count:
        return Estimate(None)
    interval = binomtest(hits, count).proportion_ci(confidence, method="wilson")
    return Estimate(hits / count, float(interval.low), float(interval.high))
