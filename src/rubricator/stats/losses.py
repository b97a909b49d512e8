"""Losses text by text: cross-entropy of probabilities, and what logits are trained by."""

from __future__ import annotations

import numpy as np
from scipy.special import expit

from rubricator.stats.arrays import Bools, Floats

EPSILON = float(np.finfo(np.float64).eps)
"""Where scikit-learn clips, too."""


def pointwise(logits: Floats, target: Floats, gamma: float | None) -> tuple[Floats, Floats]:
    """Loss of each text, and its derivative by the logit, both [n]; the targets are soft, in [0, 1].

    `gamma` is that of the focal loss (Lin et al., "Focal loss for dense object detection", ICCV 2017), whose
    positive and negative parts count by the target; None for cross-entropy.
    """
    if gamma is None:
        return np.logaddexp(0, logits) - target * logits, expit(logits) - target
    p, q = expit(logits), expit(-logits)
    log_p, log_q = -np.logaddexp(0, -logits), -np.logaddexp(0, logits)
    easy_if_positive, easy_if_negative = q**gamma, p**gamma
    losses = -(target * easy_if_positive * log_p + (1 - target) * easy_if_negative * log_q)
    slopes = target * easy_if_positive * (gamma * p * log_p - q)
    slopes += (1 - target) * easy_if_negative * (p - gamma * q * log_q)
    return losses, slopes


def binary_cross_entropy(probabilities: Floats, targets: Floats | Bools, *, floor: float = EPSILON) -> Floats:
    """Cross-entropy of every single yes or no in nats, in the shape of the arguments.

    `floor` is the least probability that is reckoned with: a wrong 0 or 1 would be infinitely wrong.
    """
    yes, no = np.maximum(probabilities, floor), np.maximum(1 - np.asarray(probabilities), floor)
    truth = np.asarray(targets, dtype=np.float64)
    return np.asarray(-(truth * np.log(yes) + (1 - truth) * np.log(no)))


def categorical_cross_entropy(
    probabilities: Floats, targets: Floats | Bools, *, floor: float = EPSILON
) -> Floats:
    """Cross-entropy of each row's distribution in nats, shape [n], from arguments [n, categories]."""
    truth = np.asarray(targets, dtype=np.float64)
    return np.asarray(-(truth * np.log(np.maximum(probabilities, floor))).sum(axis=1))
