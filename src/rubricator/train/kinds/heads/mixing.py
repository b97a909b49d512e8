"""How much each of several opinions counts: weights by the log-loss of out-of-fold logits.

Stacking with weights that cannot be negative (Breiman, "Stacked regressions", 1996), the same for all
categories: few numbers to fit, asked of all categories together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rubricator.label_space import LabelSpace
from rubricator.stats.arrays import Floats
from rubricator.train.logistic import Folds

_PENALTY = 1e-3  # of a squared weight, so that opinions which say the same share it
_TRIFLE = 0.02  # a part below that share of all is left out


@dataclass(frozen=True, slots=True)
class Mix:
    """Opinions put together: `Σ weight · logits + intercept`.

    `oof_logits` [n, categories] are mixed by weights that the other folds gave, `losses` [n] are theirs.
    """

    weights: Floats  # of each opinion, [opinions]
    intercept: Floats  # [categories]
    oof_logits: Floats
    losses: Floats

    def shares(self, opinions: Sequence[Floats]) -> Floats:
        """How much of the mixed logits' spread each opinion brings, [opinions]; they sum to 1."""
        return _shares(self.weights, opinions)


def mixed(
    opinions: Sequence[Floats], targets: Floats, weights: Floats, folds: Folds, *, space: LabelSpace
) -> Mix:
    """Mix the out-of-fold logits [n, categories] of several models by what gives the least log-loss."""
    stack = np.stack(opinions)
    weight, intercept = _least_loss(stack, targets, weights, space)
    kept = _shares(weight, opinions) >= _TRIFLE
    if kept.any() and not kept.all():
        weight = np.zeros(len(stack))
        weight[kept], intercept = _least_loss(stack[kept], targets, weights, space)
    oof = np.empty_like(stack[0])
    for fold in np.unique(folds):
        inside, held_out = folds != fold, folds == fold
        w, b = _least_loss(stack[:, inside], targets[inside], weights[inside], space)
        oof[held_out] = np.tensordot(w, stack[:, held_out], 1) + b
    return Mix(weight, intercept, oof, _losses(oof, targets, space)[0])


def _shares(weights: Floats, opinions: Sequence[Floats]) -> Floats:
    spread = weights * np.array([z.std() for z in opinions])
    return np.asarray(spread / max(spread.sum(), 1e-12))


def _least_loss(stack: Floats, targets: Floats, weights: Floats, space: LabelSpace) -> tuple[Floats, Floats]:
    from scipy.optimize import minimize  # a third of a second to import

    opinions, _, categories = stack.shape
    counted = weights / weights.sum()
    scale = np.array([max(float(z[weights > 0].std()), 1e-12) for z in stack])
    scaled = stack / scale[:, None, None]

    def objective(line: Floats) -> tuple[float, Floats]:
        weight, intercept = line[:opinions], line[opinions:]
        losses, slopes = _losses(np.tensordot(weight, scaled, 1) + intercept, targets, space)
        slopes = slopes * counted[:, None]
        loss = counted @ losses + _PENALTY * (weight @ weight + intercept @ intercept / categories)
        pull = np.tensordot(scaled, slopes, 2) + 2 * _PENALTY * weight
        return float(loss), np.concatenate([pull, slopes.sum(axis=0) + 2 * _PENALTY * intercept / categories])

    start = np.concatenate([np.full(opinions, 1 / opinions), np.zeros(categories)])
    bounds = [(0.0, None)] * opinions + [(None, None)] * categories
    line = minimize(objective, start, jac=True, method="L-BFGS-B", bounds=bounds).x
    return line[:opinions] / scale, line[opinions:]


def _losses(logits: Floats, targets: Floats, space: LabelSpace) -> tuple[Floats, Floats]:
    """Log-loss of each text [n], and its derivative by the logits [n, categories]."""
    p = space.probabilities(logits)
    if space.single:
        return -(targets * np.log(np.maximum(p, 1e-300))).sum(axis=1), p - targets
    losses = (np.logaddexp(0, logits) - targets * logits).sum(axis=1)
    return losses, p - targets
