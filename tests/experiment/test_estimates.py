"""Estimates are held to statsmodels, to tea-tasting asked directly, and to arithmetic."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
import tea_tasting as tt
from scipy.stats import binomtest, norm
from statsmodels.stats.proportion import confint_proportions_2indep
from statsmodels.stats.weightstats import CompareMeans, DescrStatsW

from rubricator.experiment.estimates import Sums, sample_ratio_p
from rubricator.experiment.plan import Metric


@pytest.fixture(scope="module")
def frame():
    """3,000 units of uneven arms, with a mean, a ratio and a covariate."""
    rng = np.random.default_rng(3)
    treated = rng.random(3000) < 0.4
    before = rng.gamma(2.0, 3.0, 3000)
    views = 1.0 + rng.poisson(4, 3000)
    clicks = rng.binomial(views.astype(int), 0.2 + 0.03 * treated)
    return pl.DataFrame(
        {
            "arm": np.where(treated, "treatment", "control"),
            "complete": np.linspace(0, 10, 3000),
            "converted": (rng.random(3000) < 0.1 + 0.02 * treated).astype(float),
            "spent": before + rng.normal(0, 2, 3000) + 0.5 * treated,
            "rate": clicks.astype(float),
            "rate/over": views,
            "before": before,
        }
    )


def effect_of(frame, look=-1, looks=(10.0,), **metric):
    found = Sums(Metric(event="e", **metric), frame, looks).effect(look)
    assert found is not None
    return found


def split(frame, column):
    return [frame.filter(pl.col("arm") == arm)[column].to_numpy() for arm in ("control", "treatment")]


def test_proportions_are_those_of_statsmodels(frame):
    effect = effect_of(frame, name="converted")
    control, treatment = split(frame, "converted")
    counts = int(treatment.sum()), len(treatment), int(control.sum()), len(control)
    low, high = confint_proportions_2indep(*counts, method="wald", compare="diff")
    interval = effect.absolute(norm.isf(0.025))
    assert (interval.low, interval.high) == pytest.approx((low, high), rel=1e-9)
    low, high = confint_proportions_2indep(*counts, method="log", compare="ratio")
    relative = effect.relative(norm.isf(0.025))
    assert (relative.low, relative.high) == pytest.approx((low - 1, high - 1), rel=1e-9)


def test_means_are_welchs_of_statsmodels(frame):
    effect = effect_of(frame, name="spent", kind="mean")
    control, treatment = split(frame, "spent")
    compared = CompareMeans(DescrStatsW(treatment), DescrStatsW(control))
    interval = effect.absolute(norm.isf(0.025))
    expected = compared.zconfint_diff(usevar="unequal")
    assert (interval.low, interval.high) == pytest.approx(expected, rel=1e-9)
    assert effect.fixed_p == pytest.approx(compared.ztest_ind(usevar="unequal")[1], rel=1e-9)


def test_ratios_are_those_of_the_delta_method(frame):
    effect = effect_of(frame, name="rate", kind="ratio", over="view")
    variances, ratios = [], []
    for clicks, views in zip(split(frame, "rate"), split(frame, "rate/over"), strict=True):
        ratio = clicks.sum() / views.sum()
        # The linearised metric: what a unit adds beyond the ratio (Deng et al., KDD 2018).
        added = (clicks - ratio * views) / views.mean()
        variances.append(added.var(ddof=1) / len(added))
        ratios.append(ratio)
    assert effect.difference == pytest.approx(ratios[1] - ratios[0], rel=1e-12)
    assert effect.error == pytest.approx(np.sqrt(sum(variances)), rel=1e-9)


def test_cuped_narrows_as_tea_tasting_says(frame):
    told = frame.rename({"before": "spent/before"})
    plain, adjusted = (effect_of(one, name="spent", kind="mean") for one in (frame, told))
    assert adjusted.error < 0.6 * plain.error
    analysis = tt.Experiment(
        spent=tt.Mean("spent", "before", use_t=False, equal_var=False), variant="arm"
    ).analyze(frame, control="control")["spent"]
    assert adjusted.difference == pytest.approx(analysis.effect_size, rel=1e-9)
    assert adjusted.fixed_p == pytest.approx(analysis.pvalue, rel=1e-6)


def test_a_look_sees_only_what_was_complete_by_then(frame):
    early = frame.filter(pl.col("complete") <= 4.0)
    looks = (2.0, 4.0, 10.0)
    seen = effect_of(frame, look=1, looks=looks, name="spent", kind="mean")
    alone = effect_of(early, looks=(4.0,), name="spent", kind="mean")
    assert (seen.difference, seen.error) == pytest.approx((alone.difference, alone.error), rel=1e-12)
    assert seen.difference != pytest.approx(effect_of(frame, name="spent", kind="mean").difference, rel=1e-3)


def test_a_deviation_is_what_a_plan_asks_for(frame):
    effect = effect_of(frame, name="spent", kind="mean")
    pooled = np.mean([arm.std() for arm in split(frame, "spent")])
    assert effect.deviation == pytest.approx(pooled, rel=0.02)


@pytest.mark.parametrize("values", [[0.0] * 6, [1.0] * 6, [0.0, 0, 0, 1, 1, 1]])
def test_without_any_spread_there_is_no_estimate(values):
    arms = ["control"] * 3 + ["treatment"] * 3
    frame = pl.DataFrame({"arm": arms, "complete": [1.0] * 6, "m": values, "m/over": [0.0] * 6})
    assert Sums(Metric(name="m", event="e"), frame, [1.0]).effect() is None
    assert Sums(Metric(name="m", event="e", kind="ratio", over="v"), frame, [1.0]).effect() is None


def test_one_arm_without_any_hit_has_a_difference_and_no_ratio():
    values = [0.0] * 300 + [0.0, 1.0] * 150
    frame = pl.DataFrame(
        {"arm": ["control"] * 300 + ["treatment"] * 300, "complete": [1.0] * 600, "m": values}
    )
    effect = effect_of(frame, name="m")
    assert (effect.difference, effect.relative(2.0).value) == (0.5, None)


def test_sizes_of_arms_are_tested_as_scipy_does():
    assert sample_ratio_p(400, 450, share=0.5) == pytest.approx(binomtest(450, 850, 0.5).pvalue, rel=1e-9)
    assert sample_ratio_p(90_000, 10_000, share=0.1) > 0.9
    assert sample_ratio_p(50_000, 51_500, share=0.5) < 0.001
    assert sample_ratio_p(0, 0, share=0.5) == 1
