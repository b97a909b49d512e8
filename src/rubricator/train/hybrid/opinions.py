"""Text models whose opinions gradient boosting weighs: ridge regression, cheap enough to be fitted often.

Least squares on soft targets classifies about as well as logistic regression (Rifkin, Yeo & Poggio,
"Regularized least-squares classification", 2003) and has a closed form. The trees put its scores on
their own scale, so that nothing is lost by it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from scipy.linalg import cho_factor, cho_solve
from scipy.sparse import csr_array
from threadpoolctl import threadpool_limits

from rubricator.decision import Bools, Floats
from rubricator.models.heads import HeadsModel
from rubricator.models.linear import LinearModel, side_by_side
from rubricator.train.examples import Vectors
from rubricator.train.hybrid.way import Task
from rubricator.train.linear import learn_ngrams

_PENALTIES = (0.3, 1.0, 3.0, 10.0, 30.0)


@dataclass(frozen=True, slots=True)
class Opinions:
    """What a text model says of every row, never having seen it.

    Attributes:
        model: Fitted on all rows with weight, as it is served.
        without: By fold: scores of all rows, shape [n, categories]. Those of the fold are by a model that
            did not see it, those of another fold by one that saw neither.
        held_out: Scores of every row by a model that did not see its fold, same shape.
    """

    model: HeadsModel | LinearModel
    without: dict[int, Floats]
    held_out: Floats


def heads_opinions(task: Task) -> Opinions:
    """Opinions from the vectors."""
    vectors = task.vectors.astype(np.float64)
    used = vectors[task.used]
    centre = used.mean(axis=0)
    spread = float(np.sqrt(((used - centre) ** 2).sum(axis=1).mean())) or 1.0
    with threadpool_limits(limits=1, user_api="blas"):
        centred = (vectors - centre) / spread
        ridge = _Ridge.of(centred @ centred.T, task)
        coef = (ridge.final.T @ centred[task.used]) / spread
        return ridge.opinions(HeadsModel(coef, ridge.mean - coef @ centre))


def linear_opinions(task: Task) -> Opinions:
    """Opinions from TF-IDF of words and characters.

    Raises:
        TrainingError: The texts hold no words.
    """
    contents = task.examples.contents
    ngrams = learn_ngrams(task.examples.subset(task.used).contents)
    terms = side_by_side([block.vectorizer().transform(contents) for block in ngrams])
    with threadpool_limits(limits=1, user_api="blas"):
        ridge = _Ridge.of(csr_array(terms @ terms.T).toarray(), task)
        coef = np.ascontiguousarray((terms[task.used].T @ ridge.final).T)
        return ridge.opinions(LinearModel(ngrams, coef, ridge.mean))


def main_axes(vectors: Vectors, used: Bools, *, most: int) -> Floats:
    """The directions in which the vectors vary most, shape [axes, width] (principal components)."""
    seen = vectors[used].astype(np.float64)
    with threadpool_limits(limits=1, user_api="blas"):
        _, axes = np.linalg.eigh(np.cov(seen, rowvar=False, bias=True).reshape(seen.shape[1], -1))
    return np.ascontiguousarray(axes[:, ::-1][:, : min(most, len(seen))].T)


@dataclass(frozen=True, slots=True)
class _Ridge:
    """Ridge regression in dual form: everything follows from the products of all pairs of rows."""

    mean: Floats
    final: Floats
    without: dict[int, Floats]
    held_out: Floats

    @classmethod
    def of(cls, products: Floats, task: Task) -> _Ridge:
        """Fit what the folds and their pairs ask for; the penalty by the squared error of the folds.

        Args:
            products: Dot products of all rows, shape [n, n].
            task: Targets, weights and folds.
        """
        targets, weights, folds = task.examples.targets, task.examples.weights, task.folds
        used, names = task.used, np.unique(folds)
        mean = np.asarray(np.average(targets, axis=0, weights=weights))

        def scores(excluded: Sequence[int], penalty: float) -> tuple[Floats, Floats]:
            """Dual weights of the rows seen, and the scores of all rows."""
            seen = np.flatnonzero(used & ~np.isin(folds, excluded))
            square = products[np.ix_(seen, seen)] + np.diag(penalty / weights[seen])
            dual = cho_solve(cho_factor(square), targets[seen] - mean)
            return dual, products[:, seen] @ dual + mean

        def held(penalty: float) -> Floats:
            result = np.empty_like(targets, dtype=np.float64)
            for fold in names:
                result[folds == fold] = scores([fold], penalty)[1][folds == fold]
            return result

        tried = {penalty: held(penalty) for penalty in _PENALTIES}
        errors = {p: float(weights @ ((z - targets) ** 2).sum(axis=1)) for p, z in tried.items()}
        penalty = min(errors, key=lambda p: errors[p])
        without = {int(fold): tried[penalty].copy() for fold in names}
        for one, other in combinations(names, 2):
            both = scores([one, other], penalty)[1]
            without[int(one)][folds == other] = both[folds == other]
            without[int(other)][folds == one] = both[folds == one]
        return cls(mean, scores([], penalty)[0], without, tried[penalty])

    def opinions(self, model: HeadsModel | LinearModel) -> Opinions:
        """Them with their model."""
        return Opinions(model, self.without, self.held_out)
