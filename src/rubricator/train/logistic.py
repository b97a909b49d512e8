"""One regularised logistic regression per category, on soft targets, its strength chosen by folds.

The objective of one category is `Σ weight · cross-entropy(target, sigmoid(x·coef + intercept)) +
|coef|² / 2C`. Soft targets enter it as they are, which equals giving every text twice, as positive with
weight `target` and as negative with weight `1 - target`, at half the cost; scikit-learn has no such
option. L-BFGS solves it, warm-started along the values of C.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.sparse import csr_array, hstack, issparse
from scipy.special import expit, logit
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from rubricator.decision import Floats
from rubricator.errors import TrainingError
from rubricator.train.platt import fit_platt

Folds = NDArray[np.integer]

_STEPS = 1000
_TOLERANCE = 1e-5  # of the gradient, per text


@dataclass(frozen=True, slots=True)
class Lines:
    """One separating line per category.

    Attributes:
        coef: Shape [categories, features].
        intercept: Shape [categories].
        c: Inverse regularisation strength chosen for each category, shape [categories].
        notes: What is unusual about a category, by its index: a clause without subject.
    """

    coef: Floats
    intercept: Floats
    c: Floats
    notes: Mapping[int, str]


def fit_lines(
    features: Floats | csr_array,
    targets: Floats,
    weights: Floats,
    *,
    folds: Folds,
    grid: Sequence[float],
) -> Lines:
    """Fit every category by itself, so that adding one leaves the others bit-identical.

    For each category the smallest C is taken whose weighted log-loss over the folds is about the best
    (every row scored by a line that did not see its fold); then all rows are fitted with it. A category
    without a positive or without a negative text gets zero coefficients and its smoothed share as
    a constant logit.

    Args:
        features: Shape [n, features].
        targets: Shape [n, categories], in [0, 1].
        weights: Shape [n]; rows of weight 0 are left out.
        folds: Fold of each row, shape [n]; with a single fold the middle of the grid is taken.
        grid: Values of C, ascending.

    Raises:
        TrainingError: No row has weight.
    """
    used = np.flatnonzero(weights > 0)
    if not len(used):
        raise TrainingError(
            "There is not a single labelled text to train on (all weights are 0).",
            fix="Add golden labels, or let agreed labels count: `train.agreed_weight: 1`.",
        )
    x, y, w = _design(features[used]), targets[used], weights[used]
    # The products are too small to share: a second thread mostly waits, the more on a busy machine.
    with threadpool_limits(limits=1, user_api="blas"):
        c = _choose_c(x, y, w, folds[used], grid)
        lines = np.array([_fit_path(x, y[:, j], w, [c[j]])[0] for j in range(y.shape[1])])
    notes = {
        j: f"has only {'positive' if y[0, j] else 'negative'} training texts: its probability never varies"
        for j in range(y.shape[1])
        if _one_sided(y[:, j], w)
    }
    return Lines(lines[:, :-1], lines[:, -1], c, notes)


def _choose_c(
    x: Floats | csr_array, targets: Floats, weights: Floats, folds: Folds, grid: Sequence[float]
) -> Floats:
    """C of each category by its out-of-fold logits."""
    names = np.unique(folds)
    if len(grid) == 1 or len(names) < 2:
        return np.full(targets.shape[1], float(grid[len(grid) // 2]))
    logits = np.empty((targets.shape[1], len(grid), len(targets)))
    for name in names:
        seen, held = np.flatnonzero(folds != name), np.flatnonzero(folds == name)
        x_seen, x_held = x[seen], x[held]
        for category, target in enumerate(targets.T):
            path = _fit_path(x_seen, target[seen], weights[seen], grid)
            logits[category, :, held] = x_held @ np.stack(path, axis=1)
    chosen = [_simplest(z, target, weights) for z, target in zip(logits, targets.T, strict=True)]
    return np.asarray(grid, dtype=np.float64)[chosen]


def _simplest(logits: Floats, target: Floats, weights: Floats) -> int:
    """Place in the grid of the smallest C that is about as good as the best one.

    Losses are compared after calibration, which every model gets anyway: a small C is not to be
    blamed for its timid logits. "About as good" is within half a standard error of the difference;
    the full one of Breiman et al. (Classification and Regression Trees, 1984, 3.4.3) cost rare categories.
    """
    losses = np.array([_calibrated_losses(z, target, weights) for z in logits])
    best = losses[losses.sum(axis=1).argmin()]
    excess = losses - best
    error = excess.std(axis=1) * np.sqrt(len(target))
    return int(np.flatnonzero(excess.sum(axis=1) <= error / 2)[0])


def _calibrated_losses(logits: Floats, target: Floats, weights: Floats) -> Floats:
    slope, intercept = fit_platt(logits, target, weights)
    z = slope * logits + intercept
    return np.asarray(weights * (np.logaddexp(0, z) - target * z))


def _fit_path(x: Floats | csr_array, target: Floats, weights: Floats, grid: Sequence[float]) -> list[Floats]:
    """Lines for ascending values of C, each started from the one before; the intercept comes last."""
    line = np.zeros(x.shape[1])
    # The smoothed share (Laplace's rule) is where the line starts, and all there is if one-sided.
    line[-1] = logit((weights @ target + 1) / (weights.sum() + 2))
    if _one_sided(target, weights):
        return [line] * len(grid)
    path = []
    for c in grid:
        line = _minimise(x, target, weights, c, line)
        path.append(line)
    return path


def _one_sided(target: Floats, weights: Floats) -> bool:
    return bool(weights @ target == 0 or weights @ (1 - target) == 0)


def _design(features: Floats | csr_array) -> Floats | csr_array:
    """Features with a last column of ones, which stands for the intercept."""
    ones = np.ones((features.shape[0], 1))
    if issparse(features):
        # Half the memory traffic, which is what the solver's time goes to.
        return csr_array(hstack([features, csr_array(ones)]), dtype=np.float32)
    return np.asarray(np.hstack([features, ones]), dtype=np.float64)


def _minimise(x: Floats | csr_array, target: Floats, weights: Floats, c: float, start: Floats) -> Floats:
    penalty = np.full(x.shape[1], 1 / c)
    penalty[-1] = 0.0
    # A sparse transpose is thrice as quick once its rows lie together.
    across = csr_array(x.T) if issparse(x) else x.T

    def objective(line: Floats) -> tuple[float, Floats]:
        z = (x @ line.astype(x.dtype)).astype(np.float64)
        loss = weights @ (np.logaddexp(0, z) - target * z) + penalty @ line**2 / 2
        pull = weights * (expit(z) - target)
        return float(loss), across @ pull.astype(x.dtype) + penalty * line

    options = {"maxiter": _STEPS, "maxfun": _STEPS, "gtol": _TOLERANCE * weights.sum()}
    found = minimize(objective, start, jac=True, method="L-BFGS-B", options=options)
    return np.asarray(found.x, dtype=np.float64)
