"""Platt scaling of one category: the line that turns a logit into a calibrated one."""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit

from rubricator.stats.arrays import Floats

# Standard deviations of the Gaussian prior around the identity.
_LOG_SLOPE = 0.5
_INTERCEPT = 0.5


def fit_platt(logits: Floats, target: Floats, weights: Floats) -> tuple[float, float]:
    """Slope and intercept that calibrate the logits of one category.

    Platt's smoothed targets ("Probabilistic outputs for support vector machines", 1999) and a prior
    on log slope and intercept pull to the identity; a handful of positives cannot overrule it. The
    slope is positive, so the order of texts stays.

    Args:
        logits: Of texts not trained on, shape [n].
        target: In [0, 1], shape [n].
        weights: Shape [n].
    """
    positives, negatives = weights @ target, weights @ (1 - target)
    high, low = (positives + 1) / (positives + 2), 1 / (negatives + 2)
    smoothed = low + (high - low) * target
    spread = np.array([_LOG_SLOPE, _INTERCEPT])

    def objective(place: Floats) -> tuple[float, Floats]:
        slope = np.exp(place[0])
        scaled = slope * logits + place[1]
        loss = weights @ (np.logaddexp(0, scaled) - smoothed * scaled)
        pull = weights * (expit(scaled) - smoothed)
        gradient = np.array([slope * (pull @ logits), pull.sum()])
        prior = place / spread**2
        return float(loss + prior @ place / 2), gradient + prior

    found = minimize(objective, np.zeros(2), jac=True, method="L-BFGS-B")
    return float(np.exp(found.x[0])), float(found.x[1])
