"""Losses of one category, text by text, with their slopes."""

from __future__ import annotations

import numpy as np
from scipy.special import expit

from rubricator.stats.arrays import Floats


def pointwise(logits: Floats, target: Floats, gamma: float | None) -> tuple[Floats, Floats]:
    """Loss of each text, and its derivative by the logit.

    Args:
        logits: Shape [n].
        target: Soft, in [0, 1], shape [n].
        gamma: Of the focal loss (Lin et al., "Focal loss for dense object detection", ICCV 2017), whose
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
