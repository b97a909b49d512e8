"""Gradient boosting by scikit-learn, and its trees as plain arrays."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import logit
from threadpoolctl import threadpool_limits

from rubricator.models.trees import Trees
from rubricator.stats.arrays import Floats, Indices
from rubricator.train.imbalance import all_at_once, cell_weights, offsets, row_weights, smoothed
from rubricator.train.kinds.hybrid.task import HybridTask

if TYPE_CHECKING:
    from sklearn.ensemble import HistGradientBoostingClassifier

SETTINGS = {
    "learning_rate": 0.1,
    "max_leaf_nodes": 8,
    "min_samples_leaf": 10,
    "l2_regularization": 5.0,
    "max_features": 0.3,
    "early_stopping": False,
}


@dataclass(frozen=True, slots=True)
class Boosters:
    """Boosters that speak of all categories together."""

    # Single-label one for all categories, multi-label one for each with two sides.
    fitted: Sequence[HistGradientBoostingClassifier]
    spread: Sequence[Floats]  # how much of each output goes to each category, [outputs, categories]
    base: Floats  # logits before any of them speaks, [categories]

    def stages(self, rows: Floats) -> Iterator[Floats]:
        """Logits after one round, after two and so on, each of shape [n, categories]."""
        with threadpool_limits(limits=1, user_api="openmp"):
            for outputs in zip(*(one.staged_decision_function(rows) for one in self.fitted), strict=True):
                added = (z.reshape(len(rows), -1) @ s for z, s in zip(outputs, self.spread, strict=True))
                yield sum(added, self.base)

    def trees(self) -> Trees:
        """The same as arrays."""
        base, grown = self.base.copy(), []
        for fitted, spread in zip(self.fitted, self.spread, strict=True):
            base += fitted._baseline_prediction.reshape(-1) @ spread  # noqa: SLF001 - nothing public has it
            for trees in fitted._predictors:  # noqa: SLF001
                for tree, shares in zip(trees, spread, strict=True):
                    grown += [(tree.nodes, int(c), float(shares[c])) for c in np.flatnonzero(shares)]
        return _as_arrays(base, grown)


def boost(task: HybridTask, numbers: Floats, rows: Indices, *, rounds: int) -> Boosters:
    """Fit boosters on some rows of `numbers` [n, width], with so many `rounds` of trees per category.

    Single-label they share a softmax, multi-label each category has its own. A soft target is a text
    given once per category (or once as positive, once as negative) with its probability as weight. Logit
    adjustment is applied afterwards, by subtraction (Menon et al., 2021, section 4.1): the two are
    equal where the loss is fitted well. Focal loss is not to be had.
    """
    settings, space = all_at_once(task.context.settings.imbalance), task.context.space
    targets, weights = task.examples.targets[rows], task.examples.weights[rows]
    soft = smoothed(targets, settings, space=space)
    base = -offsets(targets, weights, settings, space=space)
    count = targets.shape[1]
    mass = weights @ targets
    if space.single:
        present = np.flatnonzero(mass > 0)
        # Categories without a text start below all others, by Laplace's rule.
        logs = np.log(mass[present] / mass.sum())
        base[mass == 0] += np.log(1 / (mass.sum() + count)) - logs.mean()
        worth = row_weights(targets, weights, settings, space=space)
        jobs = (
            [(soft[:, present], worth[:, None], _single_spread(present, count))] if len(present) > 1 else []
        )
    else:
        cells = cell_weights(targets, weights, settings, space=space)
        two_sided = (mass > 0) & (mass < weights.sum())
        base[~two_sided] += logit((mass[~two_sided] + 1) / (weights.sum() + 2))
        jobs = [
            (np.stack([1 - soft[:, j], soft[:, j]], axis=1), cells[:, [j]], np.eye(count)[[j]])
            for j in np.flatnonzero(two_sided)
        ]
    seed = task.context.seed
    fitted = [_fit(numbers[rows], y, w, rounds=rounds, seed=seed) for y, w, _ in jobs]
    return Boosters(fitted, [spread for _, _, spread in jobs], base)


def _single_spread(present: Indices, count: int) -> Floats:
    # Of two categories scikit-learn gives one logit, that of the second against the first.
    if len(present) == 2:
        return np.asarray((np.eye(count)[present[1]] - np.eye(count)[present[0]])[None] / 2)
    return np.eye(count)[present]


def _fit(x: Floats, y: Floats, w: Floats, *, rounds: int, seed: int) -> HistGradientBoostingClassifier:
    from sklearn.ensemble import HistGradientBoostingClassifier  # a second to import

    row, column = np.nonzero(y * w > 0)
    weights = (y * w)[row, column]
    booster = HistGradientBoostingClassifier(max_iter=rounds, random_state=seed, **SETTINGS)
    # Histograms summed by several threads differ in their last bits from run to run.
    with threadpool_limits(limits=1, user_api="openmp"):
        # Quantiles of weighted numbers take scikit-learn longer than all trees do.
        return booster.fit(x[row], column, sample_weight=None if (weights == 1).all() else weights)


def _as_arrays(base: Floats, grown: Sequence[tuple[NDArray[Any], int, float]]) -> Trees:
    """Trees one after the other, each given by its nodes, its category and what multiplies its values."""
    sizes = np.array([len(nodes) for nodes, _, _ in grown], dtype=np.int64)
    root = np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.int64)[: len(grown)]
    nodes = np.concatenate([nodes for nodes, _, _ in grown]) if grown else np.zeros(0, dtype=_NODE)
    own, start = np.arange(len(nodes)), np.repeat(root, sizes)
    leaf = nodes["is_leaf"].astype(bool)
    share = np.repeat([share for _, _, share in grown], sizes)
    arrays = {
        "base": base,
        "root": root,
        "category": np.array([category for _, category, _ in grown], dtype=np.int64),
        "feature": np.where(leaf, 0, nodes["feature_idx"]).astype(np.int64),
        # A split by missing or not has an infinite threshold, which no array of a model may hold.
        "threshold": np.nan_to_num(np.where(leaf, 0.0, nodes["num_threshold"])),
        "missing_left": np.where(leaf, 0, nodes["missing_go_to_left"]).astype(np.int8),
        "left": np.where(leaf, own, start + nodes["left"]).astype(np.int64),
        "right": np.where(leaf, own, start + nodes["right"]).astype(np.int64),
        "value": np.where(leaf, nodes["value"] * share, 0.0).astype(np.float64),
    }
    return Trees.of_arrays(arrays, width=int(arrays["feature"].max(initial=0)) + 1)


_NODE = np.dtype(
    {
        "names": ["is_leaf", "feature_idx", "num_threshold", "missing_go_to_left", "left", "right", "value"],
        "formats": ["u1", "i8", "f8", "u1", "i8", "i8", "f8"],
    }
)
