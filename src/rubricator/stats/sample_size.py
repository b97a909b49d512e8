"""How many units an experiment of two equal arms takes, looked at once, at its end."""

from __future__ import annotations

import math

from scipy.stats import norm


def units_for_proportions(
    baseline: float, difference: float, *, alpha: float = 0.05, power: float = 0.8
) -> int:
    """Units per arm that show a difference between two shares (Fleiss, Levin & Paik, 2003, ch. 4, unpooled).

    Args:
        baseline: The share in the arm that stays as it is.
        difference: What the other arm's share is larger by, in the same unit; negative if smaller.
        alpha: How often a two-sided test may see a difference where there is none.
        power: How often it shall see this one.

    Raises:
        ValueError: A share is not between 0 and 1, or there is no difference.
    """
    other = baseline + difference
    if not (0 < baseline < 1 and 0 < other < 1):
        raise ValueError(f"shares must lie between 0 and 1, not {baseline:g} and {other:g}")
    variance = baseline * (1 - baseline) + other * (1 - other)
    return _units(variance, difference, alpha, power)


def units_for_means(deviation: float, difference: float, *, alpha: float = 0.05, power: float = 0.8) -> int:
    """Units per arm that show a difference between two means of one standard deviation.

    Raises:
        ValueError: The deviation is not above 0, or there is no difference.
    """
    if not deviation > 0:
        raise ValueError(f"a standard deviation must be above 0, not {deviation:g}")
    return _units(2 * deviation**2, difference, alpha, power)


def _units(variance: float, difference: float, alpha: float, power: float) -> int:
    if not difference:
        raise ValueError("without a difference no number of units is enough")
    z = norm.ppf(1 - alpha / 2) + norm.ppf(power)
    return math.ceil(float(z) ** 2 * variance / difference**2)
