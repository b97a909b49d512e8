"""Fits the two parts of an `AnchorsModel`: kernel ridge regression, and the nearest labelled neighbours.

Ridge regression on soft targets classifies about as well as its logistic sister (Rifkin, Yeo & Poggio,
"Regularized least-squares classification", 2003) and has a closed form, a column for each category.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.linalg import cho_factor, cho_solve
from threadpoolctl import threadpool_limits

from rubricator.models.anchors import AnchorsModel, directions, neighbour_shares
from rubricator.progress import Progress, silent
from rubricator.stats.arrays import Floats, Indices, Vectors
from rubricator.train.logistic import Folds

# One setting for everybody, chosen by folds of training texts on six sets of texts.
_GAMMA = 0.6  # on vectors whose mean squared distance from their centre is 1
_PENALTY = 0.1
_NEIGHBOURS = 15
_WARMTH = 0.1

KEPT = 4000
"""Labelled texts up to which each is an anchor; above it a kernel of `LANDMARKS` of them stands for all."""
LANDMARKS = 2048
_BLOCK = 4096  # rows of a kernel at a time
_JITTER = 1e-8
_COLUMNS = 16  # categories at a time


@dataclass(frozen=True, slots=True)
class AnchorsFit:
    """Both parts, fitted: `oof_kernel` and `oof_neighbours` are logits [n, categories] by other folds.

    `oof_neighbours` is None where the texts are too many to be kept as neighbours.
    """

    model: AnchorsModel  # of the kernel alone
    oof_kernel: Floats
    oof_neighbours: Floats | None


def fit_anchors(
    vectors: Vectors,
    targets: Floats,
    weights: Floats,
    *,
    folds: Folds,
    encoder: str,
    seed: int,
    progress: Progress = silent,
) -> AnchorsFit:
    """Fit a kernel machine and look up neighbours among the rows with weight.

    Up to `KEPT` labelled texts the solution is exact; above it `LANDMARKS` texts drawn by lot span it
    (Smola & Schölkopf, "Sparse greedy matrix approximation for machine learning", 2000), so that memory stays
    within `LANDMARKS`² numbers for each fold and time grows with n alone.

    Args:
        vectors: Shape [n, width].
        targets: Shape [n, categories], in [0, 1].
        weights: Shape [n]; rows of weight 0 are predicted but not learnt from.
        folds: Fold of each row, shape [n]; at least two different ones among rows with weight.
        encoder: Name under which the model asks for its vectors.
        seed: Of the lot.
        progress: Shown where the texts are too many to be anchors each.
    """
    used = np.flatnonzero(weights > 0)
    centre = vectors[used].mean(axis=0, dtype=np.float64)
    spread = float(((vectors[used] - centre) ** 2).sum(axis=1).mean()) or 1.0
    gamma = _GAMMA / spread
    mean = np.array([np.average(column[used], weights=weights[used]) for column in targets.T])
    intercept, aims = 2 * mean - 1, 2 * (targets - mean)
    with threadpool_limits(limits=1, user_api="blas"):
        if len(used) <= KEPT:
            anchors = used
            dual, oof = _exact(_kernel(vectors, vectors[used], gamma), aims, weights, folds, used)
            near = _oof_neighbours(vectors, targets, weights, folds, used, centre)
        else:
            anchors = np.sort(np.random.default_rng(seed).choice(used, LANDMARKS, replace=False))
            dual, oof = _spanned(vectors, anchors, gamma, aims, weights, folds, progress)
            near = None
    model = AnchorsModel(
        anchors=vectors[anchors],
        centre=centre,
        counts=weights[anchors].astype(np.float64),
        targets=targets[anchors].astype(np.float32),
        dual=dual,
        intercept=intercept,
        gamma=gamma,
        neighbours=_NEIGHBOURS,
        warmth=_WARMTH,
        kernel_share=1.0,
        encoder=encoder,
    )
    return AnchorsFit(model, oof + intercept, near)


def _exact(
    kernel: Floats, aims: Floats, weights: Floats, folds: Folds, used: Indices
) -> tuple[Floats, Floats]:
    """The dual solution [used, categories] and what the folds say of all rows; `kernel` is [n, used]."""
    oof = np.empty_like(aims)

    def fitted(inside: Indices) -> Floats:
        rows = used[inside]
        square = kernel[np.ix_(rows, inside)] + np.diag(_PENALTY / weights[rows])
        return _solved(square, aims[rows])

    for fold in np.unique(folds):
        inside, held_out = np.flatnonzero(folds[used] != fold), np.flatnonzero(folds == fold)
        oof[held_out] = _product(kernel[np.ix_(held_out, inside)], fitted(inside))
    return fitted(np.arange(len(used))), oof


def _spanned(
    vectors: Vectors,
    anchors: Indices,
    gamma: float,
    aims: Floats,
    weights: Floats,
    folds: Folds,
    progress: Progress,
) -> tuple[Floats, Floats]:
    """The solution among combinations of the anchors [anchors, categories], and what the folds say."""
    among = _kernel(vectors[anchors], vectors[anchors], gamma)
    among[np.diag_indices(len(anchors))] += _JITTER
    squares, sums = {}, {}
    oof = np.empty_like(aims)
    with progress("Kernel over landmarks", total=2 * len(aims)) as step:
        for fold in np.unique(folds):
            squares[fold], sums[fold] = np.zeros_like(among), np.zeros((len(anchors), aims.shape[1]))
            for rows in _blocks(np.flatnonzero((folds == fold) & (weights > 0))):
                kernel = _kernel(vectors[rows], vectors[anchors], gamma)
                counted = kernel * weights[rows, None]
                squares[fold] += counted.T @ kernel
                sums[fold] += _product(counted.T, aims[rows])
                step(len(rows))

        def fitted(without: object) -> Floats:
            names = [fold for fold in squares if fold != without]
            square = sum((squares[fold] for fold in names), _PENALTY * among)
            return _solved(square, np.asarray(sum(sums[fold] for fold in names)))

        for fold in squares:
            dual = fitted(fold)
            for rows in _blocks(np.flatnonzero(folds == fold)):
                oof[rows] = _product(_kernel(vectors[rows], vectors[anchors], gamma), dual)
                step(len(rows))
    return fitted(None), oof


def _oof_neighbours(
    vectors: Vectors, targets: Floats, weights: Floats, folds: Folds, used: Indices, centre: Floats
) -> Floats:
    unit = directions(vectors, centre)
    found = np.zeros(targets.shape)
    labels = targets.astype(np.float32)
    for fold in np.unique(folds):
        others = used[folds[used] != fold]
        if not len(others):
            continue
        for rows in _blocks(np.flatnonzero(folds == fold)):
            found[rows] = neighbour_shares(
                unit[rows] @ unit[others].T, labels[others], weights[others], k=_NEIGHBOURS, warmth=_WARMTH
            )
    return found


def _kernel(vectors: Vectors, anchors: Vectors, gamma: float) -> Floats:
    """RBF kernel, shape [vectors, anchors]."""
    x, a = vectors.astype(np.float64), anchors.astype(np.float64)
    distances = (x**2).sum(axis=1)[:, None] + (a**2).sum(axis=1) - 2 * x @ a.T
    return np.asarray(np.exp(-gamma * np.maximum(distances, 0)))


def _solved(square: Floats, right: Floats) -> Floats:
    """What `square`, positive definite, must be multiplied by to give `right` [n, categories]."""
    factor = cho_factor(square, overwrite_a=True)
    return _by_columns(lambda columns: cho_solve(factor, columns), right)


def _product(left: Floats, right: Floats) -> Floats:
    return _by_columns(lambda columns: left @ columns, right)


def _by_columns(work: Callable[[Floats], Floats], right: Floats) -> Floats:
    """`work` on so many columns at a time, with zeros where there are fewer.

    BLAS rounds by the shape of a matrix, so that otherwise a new category would change the others' last bits.
    """
    found = []
    for start in range(0, right.shape[1], _COLUMNS):
        columns = right[:, start : start + _COLUMNS]
        whole = np.zeros((len(right), _COLUMNS))
        whole[:, : columns.shape[1]] = columns
        found.append(work(whole)[:, : columns.shape[1]])
    return np.hstack(found)


def _blocks(rows: Indices) -> list[Indices]:
    return [rows[start : start + _BLOCK] for start in range(0, len(rows), _BLOCK)]
