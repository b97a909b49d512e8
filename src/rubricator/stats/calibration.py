"""Lines that turn logits into calibrated ones, and how far probabilities are from what they say."""

from __future__ import annotations

import numpy as np
from scipy.special import expit, logsumexp, softmax

from rubricator.stats.arrays import Bools, Floats

# Standard deviations of the Gaussian prior around the identity.
_LOG_SLOPE = 0.5
_INTERCEPT = 0.5
_BINS = 10


def fit_platt(logits: Floats, target: Floats, weights: Floats) -> tuple[float, float]:
    """Slope and intercept that calibrate the logits of one category.

    Platt's smoothed targets ("Probabilistic outputs for support vector machines", 1999) and a prior
    on log slope and intercept pull to the identity; a handful of positives cannot overrule it. The
    slope is positive, so the order of texts stays.

    The logits are those of texts not trained on and the targets lie in [0, 1]; all have the shape [n].
    """
    from scipy.optimize import minimize  # a third of a second to import

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

    solution = minimize(objective, np.zeros(2), jac=True, method="L-BFGS-B")
    return float(np.exp(solution.x[0])), float(solution.x[1])


def fit_temperature(
    logits: Floats,
    targets: Floats,
    weights: Floats | None = None,
    *,
    log_slope: float = _LOG_SLOPE,
    intercept: float = _INTERCEPT,
) -> tuple[float, Floats]:
    """One slope for all of several exclusive categories, and an intercept for each.

    Temperature scaling (Guo et al., "On calibration of modern neural networks", 2017) with a small bias per
    category, pulled to the identity by a Gaussian prior, which few positives cannot overrule; `log_slope` and
    `intercept` are its standard deviations.

    The logits are those of texts not trained on and the targets lie in [0, 1], shape [n, categories]; the
    weights, shape [n], are one by default.
    """
    from scipy.optimize import minimize  # a third of a second to import

    weights = np.ones(len(logits)) if weights is None else weights
    spread = np.array([log_slope] + [intercept] * logits.shape[1])

    def objective(place: Floats) -> tuple[float, Floats]:
        slope = np.exp(place[0])
        scaled = slope * logits + place[1:]
        loss = weights @ (logsumexp(scaled, axis=1) * targets.sum(axis=1) - (targets * scaled).sum(axis=1))
        pull = weights[:, None] * (softmax(scaled, axis=1) * targets.sum(axis=1, keepdims=True) - targets)
        gradient = np.concatenate([[slope * (pull * logits).sum()], pull.sum(axis=0)])
        prior = place / spread**2
        return float(loss + prior @ place / 2), gradient + prior

    solution = minimize(objective, np.zeros(len(spread)), jac=True, method="L-BFGS-B")
    return float(np.exp(solution.x[0])), np.asarray(solution.x[1:])


def fit_line(x: Floats, target: Floats | Bools, centre: Floats, spread: Floats) -> Floats:
    """Most probable [slope, intercept] of a logistic regression on one number, by Newton's method.

    Number and target, which lies in [0, 1], have the shape [n]; `centre` and `spread` are mean and standard
    deviations of the Gaussian prior on [slope, intercept].
    """
    design = np.stack([x, np.ones_like(x)], axis=1)
    line = centre.copy()
    for _ in range(50):
        probability = expit(design @ line)
        gradient = design.T @ (probability - target) + (line - centre) / spread**2
        curvature = (design.T * (probability * (1 - probability))) @ design + np.diag(1 / spread**2)
        step = np.linalg.solve(curvature, gradient)
        line -= np.clip(step, -1, 1)
        if np.abs(step).max() < 1e-8:
            break
    return line


def calibration_error(truth: Bools, probabilities: Floats) -> float:
    """Expected calibration error of one category in ten bins of equal width, both arguments [n]."""
    bins = np.minimum((probabilities * _BINS).astype(int), _BINS - 1)
    gaps = np.bincount(bins, weights=probabilities - truth, minlength=_BINS)
    return float(np.abs(gaps).sum() / len(truth))
