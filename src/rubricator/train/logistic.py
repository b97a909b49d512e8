"""One regularised logistic regression per category, on soft targets, its strength chosen by folds.

The objective of one category is `Σ weight · loss(target, x·coef + intercept + offset) + |coef|² / 2C`.
Soft targets enter it as they are, which equals giving every text twice, as positive with
weight `target` and as negative with weight `1 - target`, at half the cost; scikit-learn has no such
option. L-BFGS solves it, warm-started along the values of C.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, hstack, issparse
from scipy.special import logit
from threadpoolctl import threadpool_limits

from rubricator.config import Imbalance
from rubricator.errors import TrainingError
from rubricator.label_space import LabelSpace
from rubricator.stats.arrays import Bools, Floats, Indices
from rubricator.stats.calibration import fit_platt
from rubricator.stats.losses import pointwise
from rubricator.train.imbalance import all_at_once, cell_weights, offsets, smoothed

Folds = NDArray[np.integer]

_STEPS = 1000
_ROTATED = 1500  # texts up to which the rotation costs less than it saves
_TOLERANCE = 1e-5


def require_labelled(used: Bools) -> None:
    """Refuse, with a `TrainingError`, to train on nothing."""
    if not used.any():
        raise TrainingError(
            "There is not a single labelled text to train on (all weights are 0).",
            fix="Add golden labels, or let agreed labels count: `train.weak_label_weight: 1`.",
        )


@dataclass(frozen=True, slots=True)
class _Task:
    """What the line of one category is to learn; see `Imbalance` for what may differ from the label."""

    label: Floats  # soft target as it is, [n]
    taught: Floats  # soft target that the loss sees, [n]
    weights: Floats  # [n]
    offset: float  # added to the logits while training
    gamma: float | None  # of the focal loss; None for cross-entropy

    def rows(self, rows: Indices) -> _Task:
        return replace(self, label=self.label[rows], taught=self.taught[rows], weights=self.weights[rows])

    @property
    def one_sided(self) -> bool:
        return bool(self.weights @ self.label == 0 or self.weights @ (1 - self.label) == 0)

    @property
    def share(self) -> float:
        """The weighted share of positives, smoothed by Laplace's rule."""
        return float((self.weights @ self.label + 1) / (self.weights.sum() + 2))


@dataclass(frozen=True, slots=True)
class LogisticHeads:
    """One separating line per category.

    `oof_logits` are those of every row by lines with the chosen C that did not see its fold (Stone,
    "Cross-validatory choice", 1974).
    """

    coef: Floats  # [categories, features]
    intercept: Floats  # [categories]
    c: Floats  # inverse regularisation strength chosen for each category, [categories]
    oof_logits: Floats  # [n, categories]
    notes: Mapping[int, str]  # what is unusual about a category, by its index: a clause without subject


def fit_logistic(
    features: Floats | csr_array,
    targets: Floats,
    weights: Floats,
    *,
    folds: Folds,
    grid: Sequence[float],
    imbalance: Imbalance | None = None,
    space: LabelSpace | None = None,
    tolerance: float = _TOLERANCE,
    judging: Floats | None = None,
) -> LogisticHeads:
    """Fit every category by itself, so that adding one leaves the others bit-identical.

    For each category the smallest C is taken whose weighted log-loss over the folds is about the best
    (every row scored by a line that did not see its fold); then all rows are fitted with it. A category
    without a positive or without a negative text gets zero coefficients and its smoothed share as
    a constant logit.

    Args:
        features: Shape [n, features].
        targets: Shape [n, categories], in [0, 1].
        weights: Shape [n]; rows of weight 0 are not learnt from.
        folds: Fold of each row, shape [n]; at least two different ones among rows with weight.
        grid: Values of C, ascending.
        imbalance: How rare categories and doubtful labels are treated; None for as they are. C is chosen by
            labels and weights as they are, whatever this says.
        space: On which only `imbalance` depends; None for multi-label.
        tolerance: Of the gradient, per text.
        judging: How much each row counts in the choice of C, shape [n]; None for as much as it teaches.

    Raises:
        TrainingError: No row has weight, or all that have lie in one fold.
    """
    require_labelled(weights > 0)
    used = np.flatnonzero(weights > 0)
    if len(np.unique(folds[used])) < 2:
        raise TrainingError(
            "All labelled texts are in one fold, so no line could be fitted without them.",
            fix="Label more texts: each fold needs at least one group of its own.",
        )
    columns = range(targets.shape[1])
    # The products are too small to share: a second thread mostly waits, the more on a busy machine.
    with threadpool_limits(limits=1, user_api="blas"):
        x, restored = _design(features, used)
        space = space or LabelSpace.of_size(targets.shape[1], single=False)
        tasks = _tasks(targets, weights, imbalance or Imbalance(), space)
        tried = _oof_logits(x, tasks, weights, folds, grid, tolerance)
        judging = weights if judging is None else judging
        asked = np.flatnonzero(judging > 0)
        chosen = [_simplest(tried[j][:, asked], targets[asked, j], judging[asked]) for j in columns]
        c = np.asarray(grid, dtype=np.float64)[chosen]
        x, tasks = x[used], [task.rows(used) for task in tasks]
        lines = np.array([_fit_path(x, tasks[j], [c[j]], tolerance)[0] for j in columns])
        coef = restored(lines[:, :-1])
    notes = {
        j: f"has only {'positive' if tasks[j].label[0] else 'negative'} training texts: "
        "its probability never varies"
        for j in columns
        if tasks[j].one_sided
    }
    oof_logits = np.stack([tried[j][chosen[j]] for j in columns], axis=1)
    return LogisticHeads(coef, lines[:, -1], c, oof_logits, notes)


def _tasks(targets: Floats, weights: Floats, imbalance: Imbalance, space: LabelSpace) -> list[_Task]:
    settings = all_at_once(imbalance)
    taught = smoothed(targets, settings, space=space)
    cells = cell_weights(targets, weights, settings, space=space)
    # A line tells its category from all others, whether a text has one or several.
    added = offsets(targets, weights, settings, space=replace(space, single=False))
    gamma = settings.gamma if settings.loss == "focal" else None
    return [
        _Task(targets[:, j], taught[:, j], cells[:, j], float(added[j]), gamma)
        for j in range(targets.shape[1])
    ]


def _oof_logits(
    x: Floats | csr_array,
    tasks: Sequence[_Task],
    weights: Floats,
    folds: Folds,
    grid: Sequence[float],
    tolerance: float,
) -> list[Floats]:
    # Of each category, shape [grid, n].
    logits = [np.empty((len(grid), len(weights))) for _ in tasks]
    for fold in np.unique(folds):
        rest, held_out = np.flatnonzero((folds != fold) & (weights > 0)), np.flatnonzero(folds == fold)
        x_rest, x_held_out = x[rest], x[held_out]
        for path_logits, task in zip(logits, tasks, strict=True):
            path = _fit_path(x_rest, task.rows(rest), grid, tolerance)
            path_logits[:, held_out] = (x_held_out @ np.stack(path, axis=1)).T
    return logits


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


def _fit_path(x: Floats | csr_array, task: _Task, grid: Sequence[float], tolerance: float) -> list[Floats]:
    """Lines for ascending values of C, each started from the one before; the intercept comes last."""
    line = np.zeros(x.shape[1])
    # The share is where the line starts, and all there is if one-sided.
    line[-1] = logit(task.share)
    if task.one_sided:
        return [line] * len(grid)
    path = []
    for c in grid:
        line = _minimise(x, task, c, line, tolerance)
        path.append(line)
    return path


def _design(
    features: Floats | csr_array, used: Indices
) -> tuple[Floats | csr_array, Callable[[Floats], Floats]]:
    """Features with a last column of ones for the intercept, and the way back for coefficients.

    Few texts with many terms are first rotated into the space the texts span: the penalty does not
    change under rotation and the best line lies in that space, so the solution is the same, in as
    many dimensions as there are texts (Hastie & Tibshirani, "Efficient quadratic regularization
    for expression arrays", 2004).
    """
    from scipy.linalg import eigh

    if not issparse(features):
        return _with_ones(features), lambda coef: coef
    if len(used) > min(_ROTATED, features.shape[1]):
        # Half the memory traffic, which is what the solver's time goes to.
        ones = csr_array(np.ones((features.shape[0], 1)))
        return csr_array(hstack([features, ones]), dtype=np.float32), lambda coef: coef
    labelled = features[used]
    values, vectors = eigh(csr_array(labelled @ labelled.T).toarray())
    positive = values > values[-1] * 1e-10
    basis = vectors[:, positive] / np.sqrt(values[positive])

    def back(coef: Floats) -> Floats:
        # One category at a time: a common product would round differently when one is added.
        return np.array([labelled.T @ (basis @ line) for line in coef])

    return _with_ones((features @ labelled.T) @ basis), back


def _with_ones(features: Floats) -> Floats:
    return np.asarray(np.hstack([features, np.ones((len(features), 1))]), dtype=np.float64)


def _minimise(x: Floats | csr_array, task: _Task, c: float, start: Floats, tolerance: float) -> Floats:
    from scipy.optimize import minimize  # a third of a second to import

    penalty = np.full(x.shape[1], 1 / c)
    penalty[-1] = 0.0
    # A sparse transpose is thrice as quick once its rows lie together.
    across = csr_array(x.T) if issparse(x) else x.T

    def objective(line: Floats) -> tuple[float, Floats]:
        z = (x @ line.astype(x.dtype)).astype(np.float64) + task.offset
        losses, slopes = pointwise(z, task.taught, task.gamma)
        loss = task.weights @ losses + penalty @ line**2 / 2
        pull = task.weights * slopes
        return float(loss), across @ pull.astype(x.dtype) + penalty * line

    options = {"maxiter": _STEPS, "maxfun": _STEPS, "gtol": tolerance * task.weights.sum()}
    result = minimize(objective, start, jac=True, method="L-BFGS-B", options=options)
    return np.asarray(result.x, dtype=np.float64)
