"""Sample sizes, held to statsmodels and to what they promise."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm
from statsmodels.stats.power import NormalIndPower

from rubricator.stats.sample_size import units_for_means, units_for_proportions


def test_a_click_rate_of_three_in_a_thousand_takes_548_000_impressions() -> None:
    assert units_for_proportions(0.003, 0.0003) == pytest.approx(548_000, rel=1e-3)


@pytest.mark.parametrize(("deviation", "difference"), [(8.0, -2.0), (1.0, 0.1), (30.0, 5.0)])
def test_means_agree_with_statsmodels(deviation: float, difference: float) -> None:
    peer = NormalIndPower().solve_power(abs(difference) / deviation, alpha=0.05, power=0.8)
    assert units_for_means(deviation, difference) == pytest.approx(peer, abs=1)


def test_the_power_is_what_was_asked() -> None:
    units = units_for_proportions(0.12, 0.012, power=0.9)
    random = np.random.default_rng(5)
    arms = random.binomial(units, [0.12, 0.132], size=(4000, 2)) / units
    error = np.sqrt((arms * (1 - arms)).sum(axis=1) / units)
    shown = np.abs(arms[:, 1] - arms[:, 0]) / error > norm.ppf(0.975)
    assert shown.mean() == pytest.approx(0.9, abs=0.02)


def test_what_cannot_be_shown_is_refused() -> None:
    with pytest.raises(ValueError, match="difference"):
        units_for_means(1.0, 0.0)
    with pytest.raises(ValueError, match="between 0 and 1"):
        units_for_proportions(0.95, 0.1)
    with pytest.raises(ValueError, match="above 0"):
        units_for_means(0.0, 1.0)
