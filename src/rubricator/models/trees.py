"""Gradient-boosted trees as plain arrays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from rubricator.errors import ArtifactError
from rubricator.models.serialization import FIX
from rubricator.stats.arrays import Bools, Floats, Indices

_ROWS = 256  # at a time: bounds memory at so many leaves per tree
_DEEPEST = 1000  # grown trees have a few dozen levels, and each costs every text a step


@dataclass(frozen=True, slots=True)
class Trees:
    """Boosted trees, each adding the value of the leaf a row falls into to one category.

    A row goes left where its number is at most the threshold, and where the number is missing (NaN) and
    `missing_left` is 1. A leaf has itself for both children; every other child comes after its parent, so
    no walk can go round in circles.
    """

    base: Floats  # what every row starts from, [categories]
    root: NDArray[np.int64]  # first node of each tree, [trees]
    category: NDArray[np.int64]  # what each tree adds to, [trees]
    feature: NDArray[np.int64]  # which number a node looks at, [nodes]
    threshold: Floats  # [nodes]
    missing_left: NDArray[np.int8]  # [nodes]
    left: NDArray[np.int64]  # [nodes]
    right: NDArray[np.int64]  # [nodes]
    value: Floats  # of leaves, in log-odds; 0 elsewhere; [nodes]
    steps: int  # most nodes between a root and a leaf

    def logits(self, rows: Floats) -> Floats:
        """Logits, shape [n, categories], of numbers [n, width]; a row's do not depend on other rows."""
        result = np.tile(self.base, (len(rows), 1))
        for start in range(0, len(rows), _ROWS):
            some = slice(start, start + _ROWS)
            for category, added in zip(self.category, self._leaves(rows[some]).T, strict=True):
                result[some, category] += added
        return result

    def _leaves(self, rows: Floats) -> Floats:
        node = np.tile(self.root, (len(rows), 1))
        places = np.arange(len(rows))[:, None]
        for _ in range(self.steps):
            numbers = rows[places, self.feature[node]]
            leftwards = np.where(
                np.isnan(numbers), self.missing_left[node] == 1, numbers <= self.threshold[node]
            )
            node = np.where(leftwards, self.left[node], self.right[node])
        return np.asarray(self.value[node])

    def arrays(self) -> dict[str, NDArray[Any]]:
        """What holds them, by name."""
        return {name: getattr(self, name) for name in TREE_ARRAYS}

    @classmethod
    def of_arrays(cls, arrays: Mapping[str, NDArray[Any]], *, width: int) -> Self:
        """The trees that `arrays` hold, checked; a row has `width` numbers.

        Raises:
            ArtifactError: A node, category or number is named that does not exist, or a walk could go
                round in circles.
        """
        by_name = {name: arrays[name] for name in TREE_ARRAYS}
        nodes, own = len(by_name["left"]), np.arange(len(by_name["left"]))
        inner = by_name["left"] != own
        limits = {"root": nodes, "category": len(by_name["base"]), "feature": width, "missing_left": 2}
        sound = all(_within(by_name[name], limit) for name, limit in limits.items()) and all(
            _after(by_name[side], own, inner) for side in ("left", "right")
        )
        if not sound:
            raise ArtifactError("The trees of the model name nodes or numbers that do not exist.", fix=FIX)
        steps = _depth(by_name["left"], by_name["right"], inner)
        if steps > _DEEPEST:
            raise ArtifactError(f"The trees of the model are {steps:,} nodes deep.", fix=FIX)
        return cls(steps=steps, **by_name)


TREE_ARRAYS: Mapping[str, tuple[str, ...]] = {
    "base": ("categories",),
    "root": ("trees",),
    "category": ("trees",),
    **dict.fromkeys(("feature", "threshold", "missing_left", "left", "right", "value"), ("nodes",)),
}
TREE_TYPES = {**dict.fromkeys(("root", "category", "feature", "left", "right"), "I64"), "missing_left": "I8"}
"""Types of the arrays that are not float64."""


def _within(numbers: NDArray[Any], limit: int) -> bool:
    whole = np.issubdtype(numbers.dtype, np.integer)
    return bool(whole and (numbers >= 0).all() and (numbers < limit).all())


def _after(child: NDArray[Any], own: Indices, inner: Bools) -> bool:
    return _within(child, len(own)) and bool(np.where(inner, child > own, child == own).all())


def _depth(left: NDArray[np.int64], right: NDArray[np.int64], inner: Bools) -> int:
    depth = np.zeros(len(left), dtype=np.int64)
    for node in np.flatnonzero(inner)[::-1]:  # children come later: they are known already
        depth[node] = 1 + max(depth[left[node]], depth[right[node]])
    return int(depth.max(initial=0))
