"""How far a figure about a teacher could move with other golden texts of the same kind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rubricator.stats.arrays import Bools, Floats

_DRAWS = 1000
_TAILS = (0.025, 0.975)
_Z = 1.959964


@dataclass(frozen=True, slots=True)
class Interval:
    """Both ends of a 95% interval."""

    low: float
    high: float


def wilson(hits: int, count: int) -> Interval | None:
    """Interval of a share; None of nothing.

    Wilson, "Probable inference, the law of succession, and statistical inference" (1927): unlike the
    bootstrap it stays honest where all of a few texts are right.
    """
    if not count:
        return None
    share = hits / count
    centre = share + _Z**2 / (2 * count)
    half = _Z * np.sqrt(share * (1 - share) / count + (_Z / (2 * count)) ** 2)
    below = 1 + _Z**2 / count
    return Interval(max(0.0, float((centre - half) / below)), min(1.0, float((centre + half) / below)))


def f1_intervals(
    decided: Bools, known: Bools, groups: Sequence[str], *, seed: int
) -> tuple[Interval | None, list[Interval | None]]:
    """Percentile bootstrap over whole groups of near-duplicates, of the macro-F1 and of every F1.

    Args:
        decided: What the teacher gave, shape [texts, categories].
        known: What is true, same shape.
        groups: Group of each text.
        seed: Same seed, same intervals.

    Returns:
        For macro-F1, and by category; None where the figure is undefined on most samples.
    """
    names, of_text = np.unique(np.asarray(groups, dtype=object), return_inverse=True)
    per_text = np.hstack([decided & known, decided, known]).astype(np.float64)
    per_group = np.zeros((len(names), per_text.shape[1]))
    np.add.at(per_group, of_text, per_text)
    drawn = np.random.default_rng(seed).multinomial(len(names), np.full(len(names), 1 / len(names)), _DRAWS)
    both, said, support = np.split(drawn @ per_group, 3, axis=1)
    some = said + support > 0
    f1 = np.divide(2 * both, said + support, out=np.full(both.shape, np.nan), where=some)
    macro = np.where(some, f1, 0.0).sum(axis=1) / np.maximum(some.sum(axis=1), 1)
    return _percentile(np.where(some.any(axis=1), macro, np.nan)), [_percentile(column) for column in f1.T]


def _percentile(samples: Floats) -> Interval | None:
    defined = samples[np.isfinite(samples)]
    if 2 * len(defined) < len(samples):
        return None
    low, high = np.quantile(defined, _TAILS)
    return Interval(float(low), float(high))
