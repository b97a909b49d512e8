"""Gradient boosting by scikit-learn, and its trees as plain arrays."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from rubricator.config import Imbalance
from rubricator.decision import Floats
from rubricator.models.trees import Trees
from rubricator.train.imbalance import all_at_once, cell_weights, offsets, row_weights, smoothed

if TYPE_CHECKING:
    from sklearn.ensemble import HistGradientBoostingClassifier

_SETTINGS = {
    "learning_rate": 0.06,
    "max_leaf_nodes": 8,
    "min_samples_leaf": 10,
    "l2_regularization": 5.0,
    "max_features": 0.3,
}


@dataclass(frozen=True, slots=True)
class _Booster:
    """A fitted booster and what its raw predictions add to.

    Attributes:
        fitted: By scikit-learn.
        base: Where its raw predictions start, shape [outputs].
        spread: How much of each raw prediction each category gets, shape [outputs, categories].
    """

    fitted: HistGradientBoostingClassifier
    base: Floats
    spread: Floats


@dataclass(frozen=True, slots=True)
class Boosters:
    """Boosters that speak of all categories together.

    Attributes:
        parts: Single-label one for all categories, multi-label one for each that has two sides.
        base: Logits where no booster speaks, shape [categories].
    """

    parts: Sequence[_Booster]
    base: Floats

    def stages(self, rows: Floats) -> Iterator[Floats]:
        """Logits after one round, two and so on, each of shape [n, categories]."""
        rounds = zip(*(part.fitted._staged_raw_predict(rows) for part in self.parts), strict=True)
        for raw in rounds:
            yield self.base + sum(
                ((z.reshape(len(rows), -1) - part.base) @ part.spread)
                for z, part in zip(raw, self.parts, strict=True)
            )
