"""How strongly conditions speak for categories, and which texts they speak about.

One category against the rest, as in separate-and-conquer learners (Cohen, "Fast effective rule
induction", 1995). But nothing is conquered: that a condition takes texts that another took before makes
it no worse, and on texts to come it may be the only one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csc_array
from scipy.special import betaincinv

from rubricator.stats.arrays import Floats, Indices
from rubricator.train.kinds.cascade.candidates import Candidates
from rubricator.train.logistic import Folds

_DOUBT = 0.2  # strength is the precision that would be missed with this probability
Prior = tuple[float | Floats, float | Floats]
"""For a condition, and against it: as if so many texts had been seen before."""
# What is believed of a keyword before any text was seen: that it is right nine times out of ten.
_KEYWORD: Prior = (1.8, 0.2)
_WEAKEST = 0.5


@dataclass(frozen=True, slots=True)
class Mined:
    """Conditions that speak for categories, strongest first."""

    condition: Indices  # place of the condition among the candidates, [mined]
    category: Indices  # what it speaks for, [mined]
    strength: Floats  # how surely, in [0, 1], [mined]


class Miner:
    """Mines the same candidates over and over, with some folds left out.

    A condition is considered if a share `purity` of its texts has the category, and a mined one if at least
    so many texts have.
    """

    def __init__(
        self,
        candidates: Candidates,
        targets: Floats,
        weights: Floats,
        folds: Folds,
        *,
        purity: float,
        at_least: int,
    ) -> None:
        self.candidates = candidates
        self._purity, self._at_least = purity, at_least
        self._categories = targets.shape[1]
        self._folds = folds
        self._across: dict[int, csc_array] = {}
        self._texts: dict[int, Floats] = {}
        self._right: dict[int, Floats] = {}
        self._share: dict[int, Floats] = {}
        rows = candidates.holds.tocsr()
        for fold in np.unique(folds).tolist():
            at = np.flatnonzero(folds == fold)
            self._across[fold] = rows[at].tocsc()
            across = self._across[fold].T
            self._texts[fold] = across @ weights[at]
            self._right[fold] = across @ (weights[at, None] * targets[at])
            self._share[fold] = np.append(weights[at] @ targets[at], weights[at].sum())

    def mine(self, without: Sequence[int] = ()) -> Mined:
        """What speaks for which category, told from all folds but some."""
        folds = [fold for fold in self._texts if fold not in without]
        texts = sum((self._texts[fold] for fold in folds), np.zeros(self.candidates.holds.shape[1]))
        right = sum((self._right[fold] for fold in folds), np.zeros((len(texts), self._categories)))
        *of_category, total = sum((self._share[fold] for fold in folds), np.zeros(self._categories + 1))
        share = np.asarray(of_category) / max(total, 1e-9)
        own = self.candidates.category
        if own is not None:
            return _ranked(np.arange(len(own)), own, texts, right, _KEYWORD)
        condition, category = np.nonzero((right >= self._at_least) & (right >= self._purity * texts[:, None]))
        return _ranked(condition, category, texts, right, (share[category], 1 - share[category]))

    def oof_strengths(self, *, besides: int | None = None) -> Floats:
        """Strengths on every row as told without its fold, and without one more; shape [n, categories]."""
        result = np.zeros((len(self._folds), self._categories))
        for fold in self._texts:
            left_out = [fold] if besides is None else [fold, besides]
            result[self._folds == fold] = self._strengths(self.mine(left_out), fold)
        return result

    def _strengths(self, mined: Mined, fold: int) -> Floats:
        """The strongest that speaks for each category in the texts of a fold; 0 where nothing does."""
        across = self._across[fold]
        result = np.zeros((across.shape[0], self._categories))
        for category in np.unique(mined.category).tolist():
            mine = mined.category == category
            matched = across[:, mined.condition[mine]]
            result[:, category] = matched.multiply(mined.strength[mine]).max(axis=1).toarray().ravel()
        return result


def _ranked(condition: Indices, category: Indices, texts: Floats, right: Floats, prior: Prior) -> Mined:
    """Conditions by the lower quantile of their precision, what is believed beforehand included."""
    for_it, against = prior
    hits = right[condition, category]
    wrong = np.maximum(texts[condition] - hits, 0)
    strength = betaincinv(np.maximum(hits + for_it, 1e-6), np.maximum(wrong + against, 1e-6), _DOUBT)
    order = np.argsort(-strength, kind="stable")
    order = order[strength[order] > _WEAKEST]
    return Mined(condition[order], category[order], strength[order])
