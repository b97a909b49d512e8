"""Intervals for an experiment that hold at every look, so that looking early costs nothing but width.

Howard, Ramdas, McAuliffe and Sekhon, "Time-uniform, nonparametric, nonasymptotic confidence sequences",
Annals of Statistics 2021: the two-sided normal mixture, here for estimates that are normal in large samples
(Waudby-Smith et al., "Time-uniform central limit theory and asymptotic confidence sequences", 2024).

Information is 1 / (standard error)² of an estimate: it grows as observations come, whatever the metric.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import brentq
from scipy.special import lambertw
from scipy.stats import norm

from rubricator.stats.arrays import Floats

_PATHS = 20_000
_SEED = 13


def always_valid_width(information: ArrayLike, *, planned: float, confidence: float = 0.95) -> Floats:
    """Half the width of the interval in standard errors, for every information.

    The interval is the narrowest at the `planned` information; it holds at all others at once.

    Raises:
        ValueError: Information is not above zero, or the confidence is not between 0 and 1.
    """
    share = _share(information, planned, confidence)
    return np.sqrt((share + 1) / share * np.log((share + 1) / (1 - confidence) ** 2))


def always_valid_p(
    z: ArrayLike, information: ArrayLike, *, planned: float, confidence: float = 0.95
) -> Floats:
    """P-value of "no effect" after each look, given z = estimate / standard error at every look so far.

    It only falls. At or below 1 - `confidence` exactly where some interval so far left zero out.

    Raises:
        ValueError: As `always_valid_width`.
    """
    share = _share(information, planned, confidence)
    at_look = np.sqrt(share + 1) * np.exp(-np.square(z) * share / (2 * (share + 1)))
    return np.minimum.accumulate(np.minimum(at_look, 1.0))


def sequential_power(drift: float, *, looks: int, confidence: float = 0.95) -> tuple[float, float]:
    """Power of an experiment looked at equally often along its planned length, and where it stops on average.

    `drift` is the effect in standard errors of the planned end. The second figure is a share of the planned
    length, experiments that find nothing counted whole. By 20,000 simulated paths, always the same.
    """
    times, paths = _brownian(looks)
    bounds = always_valid_width(times, planned=1.0, confidence=confidence)
    outside = np.abs((paths + drift * times) / np.sqrt(times)) > bounds
    found = outside.any(axis=1)
    stopped = np.where(found, times[outside.argmax(axis=1)], 1.0)
    return float(found.mean()), float(stopped.mean())


def inflation(power: float, *, looks: int, confidence: float = 0.95) -> float:
    """How many times the sample of a fixed two-sided test gives an experiment with looks the same power."""
    drift = brentq(
        lambda some: sequential_power(some, looks=looks, confidence=confidence)[0] - power,
        0.1,
        12.0,
        xtol=1e-3,
    )
    fixed = norm.isf((1 - confidence) / 2) + norm.isf(1 - power)
    return float((drift / fixed) ** 2)


def _share(information: ArrayLike, planned: float, confidence: float) -> Floats:
    """Information over the mixture's variance, chosen so that the width is least at the planned one."""
    information = np.asarray(information, dtype=np.float64)
    if not 0 < confidence < 1:
        raise ValueError(f"confidence must be between 0 and 1, not {confidence}")
    if planned <= 0 or np.any(information <= 0):
        raise ValueError("information must be above zero")
    best = -lambertw(-((1 - confidence) ** 2) / np.e, -1).real - 1
    return np.asarray(information / planned * best)


@lru_cache(maxsize=4)
def _brownian(looks: int) -> tuple[Floats, Floats]:
    times = np.arange(1, looks + 1) / looks
    steps = np.random.default_rng(_SEED).standard_normal((_PATHS, looks)) / np.sqrt(looks)
    return times, np.cumsum(steps, axis=1)
