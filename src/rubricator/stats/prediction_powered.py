"""A mean known for few texts and predicted for many: the predictions narrow the interval, however wrong."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rubricator.stats.arrays import Floats
from rubricator.stats.bootstrap import Estimate
from rubricator.stats.shares import wilson

_FEW = 10
"""With fewer texts a normal interval cannot be trusted."""


def prediction_powered_share(
    labels: Floats,
    predictions: Floats,
    others: Floats,
    *,
    groups: Sequence[str] | None = None,
    confidence: float = 0.95,
) -> Estimate:
    """A share from texts that people judged at random, sharpened by predictions about all others.

    Prediction-powered inference (Angelopoulos, Bates, Fannjiang, Jordan & Zrnic, "Prediction-powered
    inference", Science 2023): the mean prediction of the other texts, corrected by how wrong predictions are
    where people judged. How far predictions are used, from not at all to wholly, makes the variance least
    (Angelopoulos, Duchi & Zrnic, "PPI++: efficient prediction-powered inference", 2023): useless
    predictions cost nothing. The interval is Wilson's for as many texts as would be equally sure alone.

    With fewer than ten groups, and where all labels are the same, the interval is Wilson's of the labels
    alone; without labels it is undefined.

    Args:
        labels: What is true of each judged text, 0 or 1, shape [n].
        predictions: What was predicted of them, in [0, 1], shape [n].
        others: What was predicted of texts that nobody judged, shape [m].
        groups: Group of near-duplicates of each judged text; texts of a group are one observation.
        confidence: How often such intervals hold the share.
    """
    truth, predicted = _group_means(labels, groups), _group_means(predictions, groups)
    count = len(truth)
    if count < _FEW or np.ptp(truth) == 0:
        return wilson(round(float(truth.sum())), count, confidence=confidence)
    use = power(truth, predicted, others)
    rest = others if len(others) else predicted
    residuals = truth - use * predicted
    value = use * float(rest.mean()) + float(residuals.mean())
    variance = residuals.var(ddof=1) / count
    if len(others) > 1:
        variance += use**2 * others.var(ddof=1) / len(others)
    value = min(max(value, 0.0), 1.0)
    if not 0 < value < 1 or not variance:
        return wilson(round(float(truth.sum())), count, confidence=confidence)
    # As many texts as would be this sure alone: Wilson's interval of them is honest for skewed shares, too.
    effective = max(round(value * (1 - value) / variance), count)
    interval = wilson(round(value * effective), effective, confidence=confidence)
    return Estimate(value, interval.low, interval.high)


def power(truth: Floats, predicted: Floats, others: Floats) -> float:
    """How far predictions are used, between 0 and 1: what makes the variance of a mean least (PPI++)."""
    spread = float(np.concatenate([predicted, others]).var())
    if not spread or not len(others):
        return 0.0
    shared = float(np.cov(truth, predicted, ddof=1)[0, 1])
    return min(max(shared / ((1 + len(truth) / len(others)) * spread), 0.0), 1.0)


def _group_means(values: Floats, groups: Sequence[str] | None) -> Floats:
    if groups is None:
        return np.asarray(values, dtype=np.float64)
    _, number = np.unique(np.asarray(groups, dtype=object), return_inverse=True)
    return np.asarray(np.bincount(number, weights=values) / np.bincount(number))
