"""Thresholds from what mistakes cost, instead of from F1."""

from __future__ import annotations

import numpy as np

from rubricator.config.decision import Cost
from rubricator.label_space import LabelSpace
from rubricator.stats.arrays import Floats


def cost_thresholds(cost: Cost | None, space: LabelSpace) -> Floats | None:
    """Thresholds at which calibrated probabilities cost least, shape [categories]; None without costs.

    Elkan, "The foundations of cost-sensitive learning", 2001: give a category from wrong / (wrong + missed)
    on. Where one category wins, the expected cost is least for the largest p · (wrong + missed), which
    is p against a threshold in inverse proportion to that.
    """
    if cost is None:
        return None
    wrong, missed = np.array([cost.of(key) for key in space.keys]).T
    if space.single:
        return np.asarray(0.5 * (wrong + missed).min() / (wrong + missed))
    return np.asarray(wrong / (wrong + missed))
