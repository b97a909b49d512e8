"""Probabilities find the new mix of categories, and stay where nothing changed."""

from __future__ import annotations

import numpy as np

from rubricator.stats.label_shift import adjusted_probabilities


def test_under_label_shift_the_adjusted_figures_are_nearer():
    random = np.random.default_rng(3)

    def drawn(share, count):
        positive = random.random(count) < share
        return positive, 1 / (1 + np.exp(-(random.normal(size=count) * 1.5 + np.where(positive, 1.5, -1.5))))

    # Calibrated at a share of one half; then the category becomes rare.
    _, before = drawn(0.5, 4000)
    positive, p = drawn(0.1, 4000)
    slope = 2 * 1.5 / 1.5**2
    calibrated = [1 / (1 + np.exp(-slope * np.log(x / (1 - x)))) for x in (before, p)]
    adjusted = adjusted_probabilities(calibrated[1][:, None], calibrated[0].mean(keepdims=True), single=False)
    assert abs(adjusted.mean() - 0.1) < 0.03 < abs(calibrated[1].mean() - 0.1)
    assert abs(positive.mean() - 0.1) < 0.03


def test_adjusting_changes_nothing_where_the_mix_stayed():
    random = np.random.default_rng(4)
    p = random.dirichlet([1, 1, 1], size=5000)
    adjusted = adjusted_probabilities(p, p.mean(axis=0), single=True)
    assert np.abs(adjusted - p).max() < 0.01
    assert np.allclose(adjusted.sum(axis=1), 1)
