"""Whether two samples of vectors can be told apart, and how well."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rubricator.stats.arrays import Bools, Floats

_FOLDS = 5
_FEWEST = 2 * _FOLDS
_MOST = 1000  # of each sample: more take longer and say the same


@dataclass(frozen=True, slots=True)
class TwoSampleTest:
    """How well a classifier tells two samples apart.

    Attributes:
        auc: Area under the ROC curve on held-out vectors: 0.5 where nothing tells them apart, 1 at most.
        p_value: How often relabelled vectors are told apart at least so well.
        sizes: Vectors of each sample that were looked at.
    """

    auc: float
    p_value: float
    sizes: tuple[int, int]


def two_sample_test(
    one: Floats,
    other: Floats,
    groups: Sequence[str] | None = None,
    *,
    permutations: int = 400,
    seed: int = 0,
) -> TwoSampleTest | None:
    """Train a linear classifier to tell two samples apart, and measure it on vectors held out.

    The classifier two-sample test of Lopez-Paz & Oquab ("Revisiting classifier two-sample tests", ICLR 2017)
    with regularised least squares, which for two classes points where the linear discriminant does,
    cross-fitted; the p-value is that of a permutation test, exact whatever the sizes (Phipson & Smyth, 2010).

    Args:
        one: Shape [n, width].
        other: Shape [m, width].
        groups: Group of each vector of both, [n + m]; one group is held out together. Without it every vector
            is its own. What is alike across the samples must share one, or it is taken for its likeness.
        permutations: Relabellings for the p-value.
        seed: Of folds, relabellings and the sample where there are too many.

    Returns:
        None where a sample has too few vectors to hold some out.
    """
    random = np.random.default_rng(seed)
    prepared = _prepared(one, other, groups, _MOST, random)
    if prepared is None:
        return None
    vectors, folds, second = prepared
    predict, sizes = _held_out(vectors, folds), (int((~second).sum()), int(second.sum()))
    labels = np.stack([second, *(random.permutation(second) for _ in range(permutations))])
    aucs = _auc(labels, (2.0 * labels - 1) @ predict.T)
    as_far = int((aucs[1:] >= aucs[0] - 1e-12).sum())
    return TwoSampleTest(float(aucs[0]), (1 + as_far) / (1 + permutations), sizes)


def separability(
    one: Floats, other: Floats, *, most: int = _MOST, seed: int = 0
) -> tuple[float, tuple[int, int]] | None:
    """Only how well two samples are told apart: `auc` and `sizes` of `two_sample_test`, without its p-value.

    At most so many vectors of each are looked at; None where a sample has too few.
    """
    prepared = _prepared(one, other, None, most, np.random.default_rng(seed))
    if prepared is None:
        return None
    vectors, folds, second = prepared
    scores, labels = np.zeros(len(vectors)), 2.0 * second - 1
    for fold in np.unique(folds):
        rest, centred, held = _ridge(vectors, folds, fold)
        scores[folds == fold] = held(centred.T @ (labels[rest] - labels[rest].mean()))
    return float(_auc(second[None], scores[None])[0]), (int((~second).sum()), int(second.sum()))


def _prepared(
    one: Floats, other: Floats, groups: Sequence[str] | None, most: int, random: np.random.Generator
) -> tuple[Floats, NDArray[np.int64], Bools] | None:
    """The vectors that are looked at, the fold of each, and which of them are of the second sample."""
    drawn = [
        np.sort(random.permutation(len(part))[:most]) + start for part, start in ((one, 0), (other, len(one)))
    ]
    sizes = len(drawn[0]), len(drawn[1])
    if min(sizes) < _FEWEST:
        return None
    rows = np.concatenate(drawn)
    vectors = np.concatenate([one, other])[rows].astype(np.float64)
    of_row = rows if groups is None else np.unique(np.asarray(groups)[rows], return_inverse=True)[1]
    second = np.arange(len(vectors)) >= sizes[0]
    return vectors, (random.permutation(int(of_row.max()) + 1) % _FOLDS)[of_row], second


def _held_out(vectors: Floats, folds: NDArray[np.int64]) -> Floats:
    """What multiplied by labels gives the held-out scores of all rows, [n, n]: ridge is linear in them."""
    result = np.zeros((len(vectors), len(vectors)))
    for fold in np.unique(folds):
        rest, centred, held = _ridge(vectors, folds, fold)
        weights = held(centred.T)
        # The mean label of the others is taken away, so that folds of other shares do not differ by it.
        result[np.ix_(np.flatnonzero(folds == fold), rest)] = weights - weights.mean(axis=1, keepdims=True)
    return result


def _ridge(
    vectors: Floats, folds: NDArray[np.int64], fold: int
) -> tuple[NDArray[np.intp], Floats, Callable[[Floats], Floats]]:
    """Rows outside a fold, their centred vectors, and from vectors times labels to scores of the fold."""
    out, rest = np.flatnonzero(folds == fold), np.flatnonzero(folds != fold)
    centre = vectors[rest].mean(axis=0)
    x, held = vectors[rest] - centre, vectors[out] - centre
    square = x.T @ x
    square[np.diag_indices(len(square))] += max(np.trace(square) / len(square), 1e-12)
    return rest, x, lambda sums: np.asarray(held @ np.linalg.solve(square, sums))


def _auc(labels: Bools, scores: Floats) -> Floats:
    """Area under the ROC curve of each row of scores [k, n] against its labels [k, n]."""
    from scipy.stats import rankdata  # half a second to import

    ranks = rankdata(scores, axis=1)
    positive = labels.sum(axis=1)
    negative = labels.shape[1] - positive
    return np.asarray(((ranks * labels).sum(axis=1) - positive * (positive + 1) / 2) / (positive * negative))
