"""Intervals that hold what they promise, whatever the predictions are worth."""

from __future__ import annotations

import numpy as np
import pytest

from rubricator.stats.bootstrap import Estimate
from rubricator.stats.prediction_powered import prediction_powered_share
from rubricator.stats.shares import wilson


def drawn(rng: np.random.Generator, share: float, skill: float, judged: int = 60, others: int = 1000):
    """Texts that are wrong at a share, and predictions that know it to some degree."""
    wrong = (rng.random(judged + others) < share).astype(float)
    noise = rng.random(judged + others)
    predictions = skill * (0.1 + 0.8 * wrong) + (1 - skill) * noise
    return wrong[:judged], predictions[:judged], predictions[judged:]


@pytest.mark.parametrize("skill", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("share", [0.03, 0.2, 0.5])
def test_the_interval_holds_the_share_as_often_as_it_says(share: float, skill: float) -> None:
    rng = np.random.default_rng(8)
    held = 0
    for _ in range(400):
        estimate = prediction_powered_share(*drawn(rng, share, skill))
        held += estimate.low <= share <= estimate.high
    assert held / 400 >= 0.9  # of 400 trials; in thousands it lies between 0.935 and 0.97


def test_good_predictions_narrow_the_interval_and_useless_ones_cost_nothing() -> None:
    rng = np.random.default_rng(3)
    widths = {skill: [] for skill in (0.0, 0.9)}
    classic = []
    for _ in range(100):
        for skill, found in widths.items():
            labels, predictions, others = drawn(rng, 0.3, skill)
            estimate = prediction_powered_share(labels, predictions, others)
            found.append(estimate.high - estimate.low)
        share = wilson(int(labels.sum()), len(labels))
        classic.append(share.high - share.low)
    assert np.mean(widths[0.9]) < 0.6 * np.mean(classic)
    assert np.mean(widths[0.0]) < 1.05 * np.mean(classic)


def test_the_figure_by_hand() -> None:
    labels = np.array([1.0, 0, 0, 1, 0, 0, 1, 0, 0, 0])
    predictions = np.array([0.9, 0.1, 0.2, 0.7, 0.1, 0.4, 0.8, 0.3, 0.2, 0.1])
    others = np.array([0.1, 0.2, 0.9, 0.4])
    shared, spread = np.cov(labels, predictions)[0, 1], np.concatenate([predictions, others]).var()
    power = min(shared / ((1 + 10 / 4) * spread), 1)
    estimate = prediction_powered_share(labels, predictions, others)
    assert estimate.value == pytest.approx(power * others.mean() + (labels - power * predictions).mean())


def test_few_or_equal_labels_get_the_interval_of_a_plain_share() -> None:
    others = np.linspace(0, 1, 50)
    assert prediction_powered_share(np.array([1.0, 0]), np.array([0.5, 0.5]), others) == wilson(1, 2)
    assert prediction_powered_share(np.zeros(20), np.full(20, 0.1), others) == wilson(0, 20)
    assert prediction_powered_share(np.zeros(0), np.zeros(0), others) == Estimate(None)


def test_copies_of_a_text_are_one_observation() -> None:
    labels, predictions, others = drawn(np.random.default_rng(1), 0.4, 0.7, judged=40)
    groups = [str(row) for row in range(40)]
    once = prediction_powered_share(labels, predictions, others, groups=groups)
    thrice = prediction_powered_share(np.tile(labels, 3), np.tile(predictions, 3), others, groups=groups * 3)
    assert (thrice.value, thrice.low, thrice.high) == pytest.approx((once.value, once.low, once.high))
