"""How many texts need no person: the surest first, as long as enough of them are right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rubricator.stats.arrays import Bools, Floats
from rubricator.stats.bootstrap import Estimate
from rubricator.stats.shares import wilson

COVERAGE = "coverage"
"""What the points on validation are called among the metrics of an artifact."""
PRECISIONS = (0.8, 0.85, 0.9, 0.95, 0.98, 0.99)
FEWEST = 20  # texts below which a share that is right is not called reached


@dataclass(frozen=True, slots=True, kw_only=True)
class CoveragePoint:
    """How many texts need no person if so large a share of them must be right.

    Attributes:
        precision: Share that must be right: of a text, all its categories.
        coverage: Largest share of texts that reaches it, the surest first; 0 if none does.
        confidence: Least confidence of those texts; None if there are none.
        reached: Share of them that is right, with its interval (Wilson).
    """

    precision: float
    coverage: float
    confidence: float | None
    reached: Estimate


def precision_by_coverage(confidence: Floats, right: Bools) -> tuple[Floats, Floats, Floats]:
    """Of the surest texts, how many are right (El-Yaniv & Wiener, "Selective classification", JMLR 2010).

    Returns:
        Coverage, precision and the least confidence at each place where a threshold can stand, ascending in
        coverage.
    """
    order = np.argsort(-confidence, kind="stable")
    ranked, taken = confidence[order], np.arange(1, len(order) + 1)
    # Only between two different confidences can a threshold stand.
    last = np.append(ranked[:-1] > ranked[1:], True)
    return taken[last] / len(order), (np.cumsum(right[order]) / taken)[last], ranked[last]


def coverage_points(
    confidence: Floats, right: Bools, precisions: Sequence[float] = PRECISIONS
) -> tuple[CoveragePoint, ...]:
    """The largest coverage at each precision, by confidence [texts] and whether a text is right [texts]."""
    coverage, precision, least = precision_by_coverage(confidence, right)
    texts = np.rint(coverage * len(right)).astype(int)
    points = []
    for wanted in precisions:
        reached = np.flatnonzero((precision >= wanted) & (texts >= FEWEST))
        if not len(reached):
            points.append(
                CoveragePoint(precision=wanted, coverage=0.0, confidence=None, reached=Estimate(None))
            )
            continue
        place, number = reached[-1], int(texts[reached[-1]])
        points.append(
            CoveragePoint(
                precision=wanted,
                coverage=float(coverage[place]),
                confidence=float(least[place]),
                reached=wilson(round(float(precision[place]) * number), number),
            )
        )
    return tuple(points)
