"""Text models whose opinions gradient boosting weighs: ridge regression, cheap enough to be fitted often.

Least squares on soft targets classifies about as well as logistic regression (Rifkin, Yeo & Poggio,
"Regularized least-squares classification", 2003) and has a closed form. The trees put its scores on
their own scale, so that nothing is lost by it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from scipy.linalg import cho_factor, cho_solve
from scipy.sparse import csr_array
from threadpoolctl import threadpool_limits

from rubricator.models.heads import HeadsModel
from rubricator.models.linear import LinearModel, side_by_side
from rubricator.stats.arrays import Bools, Floats, Vectors
from rubricator.train.kinds.hybrid.task import HybridTask
from rubricator.train.kinds.linear.fit import ngram_features

_PENALTIES = (0.3, 1.0, 3.0)


@dataclass(frozen=True, slots=True)
class BaseLearners:
    """What a text model says of every row, never having seen it.

    Attributes:
        without: By fold: scores of all rows, shape [n, categories]. Those of the fold are by a model that
            did not see it, those of another fold by one that saw neither.
    """

    model: HeadsModel | LinearModel  # fitted on all rows with weight, as it is served
    without: dict[int, Floats]
    oof_logits: Floats  # scores of every row by a model that did not see its fold


def vector_learner(task: HybridTask) -> BaseLearners:
    """Opinions from the vectors."""
    vectors = task.vectors.astype(np.float64)
    used = vectors[task.used]
    centre = used.mean(axis=0)
    spread = float(np.sqrt(((used - centre) ** 2).sum(axis=1).mean())) or 1.0
    x = (vectors - centre) / spread
    weights = task.examples.weights
    mean = _mean(task)
    counted = x * weights[:, None]
    aim = task.examples.targets - mean
    # What folds add to the normal equations is summed once, and taken out again fold by fold.
    squares, sums = {}, {}
    for fold in np.unique(task.folds):
        rows = task.folds == fold
        squares[fold], sums[fold] = counted[rows].T @ x[rows], counted[rows].T @ aim[rows]

    def solve(excluded: Sequence[int], penalty: float) -> tuple[Floats, Floats]:
        included = [fold for fold in squares if fold not in excluded]
        square = sum(squares[fold] for fold in included) + penalty * np.eye(x.shape[1])
        coef = cho_solve(cho_factor(square), sum(sums[fold] for fold in included))
        return coef.T, x @ coef + mean

    with threadpool_limits(limits=1, user_api="blas"):
        coef, without, oof_logits = _fit(task, solve)
        coef = coef / spread
        return BaseLearners(HeadsModel(coef, mean - coef @ centre), without, oof_logits)


def term_learner(task: HybridTask) -> BaseLearners:
    """Opinions from TF-IDF of words and characters, in dual form: terms outnumber texts.

    Raises:
        TrainingError: The texts hold no words.
    """
    contents = task.examples.subset(task.used).contents
    ngrams, _ = ngram_features(contents, np.ones(len(contents), dtype=bool))
    terms = side_by_side([block.vectorizer().transform(task.examples.contents) for block in ngrams])
    products = csr_array(terms @ terms.T).toarray()
    weights, mean = task.examples.weights, _mean(task)

    def solve(excluded: Sequence[int], penalty: float) -> tuple[Floats, Floats]:
        rows = np.flatnonzero(task.used & ~np.isin(task.folds, excluded))
        square = products[np.ix_(rows, rows)] + np.diag(penalty / weights[rows])
        dual = np.zeros_like(task.examples.targets, dtype=np.float64)
        dual[rows] = cho_solve(cho_factor(square), task.examples.targets[rows] - mean)
        return dual, products @ dual + mean

    with threadpool_limits(limits=1, user_api="blas"):
        dual, without, oof_logits = _fit(task, solve)
        coef = np.ascontiguousarray((terms.T @ dual).T)
        return BaseLearners(LinearModel(ngrams, coef, mean), without, oof_logits)


def main_axes(vectors: Vectors, used: Bools, *, most: int) -> Floats:
    """The directions in which the vectors vary most, shape [axes, width] (principal components)."""
    chosen = vectors[used].astype(np.float64)
    with threadpool_limits(limits=1, user_api="blas"):
        _, axes = np.linalg.eigh(np.cov(chosen, rowvar=False, bias=True).reshape(chosen.shape[1], -1))
    return np.ascontiguousarray(axes[:, ::-1][:, : min(most, len(chosen))].T)


def _fit(
    task: HybridTask, solve: Callable[[Sequence[int], float], tuple[Floats, Floats]]
) -> tuple[Floats, dict[int, Floats], Floats]:
    """Fit what the folds and their pairs ask for.

    `solve` gives, for folds to leave out and a penalty, the solution and the scores of all rows. Returned are
    the solution for all rows, and `without` and `oof_logits` of `BaseLearners`. The penalty is the one of the
    least squared error over the folds.
    """
    targets, judging, folds = task.examples.targets, task.examples.judging, task.folds
    names = np.unique(folds).tolist()

    def held_out(penalty: float) -> Floats:
        result = np.empty(targets.shape)
        for fold in names:
            result[folds == fold] = solve([fold], penalty)[1][folds == fold]
        return result

    tried = {penalty: held_out(penalty) for penalty in _PENALTIES}
    penalty = min(tried, key=lambda p: float(judging @ ((tried[p] - targets) ** 2).sum(axis=1)))
    without = {fold: tried[penalty].copy() for fold in names}
    for one, other in combinations(names, 2):
        both = solve([one, other], penalty)[1]
        without[one][folds == other] = both[folds == other]
        without[other][folds == one] = both[folds == one]
    return solve([], penalty)[0], without, tried[penalty]


def _mean(task: HybridTask) -> Floats:
    return np.asarray(np.average(task.examples.targets, axis=0, weights=task.examples.weights))
