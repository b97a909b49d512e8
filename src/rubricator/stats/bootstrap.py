"""Bootstrap over groups of texts: how far a figure could move with another sample of the same kind."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from rubricator.stats.arrays import Floats

# Rows drawn at a time: bounds memory at 100 x groups counts whatever the number of draws.
CHUNK = 100


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure with the ends of its interval; None where it is undefined, never a made-up 0 or 1."""

    value: float | None
    low: float | None = None
    high: float | None = None


def resample_groups(groups: int, *, draws: int, seed: int) -> Iterator[Floats]:
    """Resample groups with replacement; the same seed gives the same samples.

    Near-duplicates share a group and would make single texts look more independent than they are,
    so whole groups are drawn (cluster bootstrap: Davison & Hinkley, "Bootstrap Methods and their
    Application", 1997, section 3.8).

    Yields:
        How often each group was drawn, shape [up to 100 samples, groups].
    """
    random = np.random.default_rng(seed)
    for start in range(0, draws, CHUNK):
        size = min(CHUNK, draws - start)
        picks = random.integers(groups, size=(size, groups)) + np.arange(size)[:, None] * groups
        counts = np.bincount(picks.ravel(), minlength=size * groups)
        yield counts.reshape(size, groups).astype(np.float64)


def percentile_interval(samples: Floats, *, confidence: float) -> tuple[float | None, float | None]:
    """The percentile interval (Efron & Tibshirani, "An Introduction to the Bootstrap", 1993, ch. 13).

    Both ends are None when the figure was undefined (NaN) on more than half of the samples: what is left
    would tell of the lucky ones only.
    """
    defined = samples[~np.isnan(samples)]
    if 2 * len(defined) < len(samples) or not len(defined):
        return None, None
    tail = (1 - confidence) / 2
    low, high = np.quantile(defined, (tail, 1 - tail))
    return float(low), float(high)
