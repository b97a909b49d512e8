"""Whether a text is of a category, by what the run already knows: its model, or vectors of its texts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from rubricator.augment.seeds import Material
from rubricator.stats.arrays import Bools, Floats, Vectors

Embed = Callable[[Sequence[str]], Vectors]


class Membership(Protocol):
    """Says how like texts are to categories.

    Attributes:
        about: What says so, for people.
    """

    about: str

    def likeness(self, contents: Sequence[str]) -> Floats:
        """Shape [texts, categories]; probabilities where a model says so."""

    def decides(self, likeness: Floats) -> Bools:
        """Which categories that comes to, same shape."""


@dataclass
class NearestCentre:
    """Stands in for a model where the run has none: the category whose texts' mean vector is nearest.

    Vectors are taken from the mean of all labelled texts (nearest centroid; Rocchio, 1971). In multi-label
    work the two nearest categories count, and nothing does that is further from its centre than nearly all
    of the texts that have the category.
    """

    embed: Embed
    material: Material
    about: str = "vectors"

    def __post_init__(self) -> None:
        rows = np.flatnonzero(self.material.labelled)
        self._vectors = np.asarray(self.embed(self.material.contents(rows.tolist())), dtype=np.float64)
        belongs = self.material.belongs[rows]
        self._middle = self._vectors.mean(axis=0)
        centred = _unit(self._vectors - self._middle)
        sums = belongs.T @ centred
        self._centres = _unit(sums)
        self._has: Bools = np.asarray(belongs.any(axis=0))
        self._floor = np.full(belongs.shape[1], -1.0)
        for place in np.flatnonzero(belongs.sum(axis=0) > 1).tolist():
            own = centred[belongs[:, place]]
            # Without itself, or a rare category's own texts would all seem near.
            apart = _unit(sums[place] - own)
            self._floor[place] = np.quantile((apart * own).sum(axis=1), _FLOOR)

    def likeness(self, contents: Sequence[str]) -> Floats:
        """Cosine to each centre, -1 where a category has no text; shape [texts, categories]."""
        if not contents:
            return np.zeros((0, len(self._has)))
        vectors = np.asarray(self.embed(contents), dtype=np.float64)
        cosines = _unit(vectors - self._middle) @ self._centres.T
        return np.where(self._has, cosines, -1.0)

    def decides(self, likeness: Floats) -> Bools:
        """The nearest category, or the two nearest in multi-label work; none that is too far."""
        count = 1 if self.material.taxonomy.single else 2
        nearest = np.argsort(-likeness, axis=1)[:, :count]
        decided = np.zeros(likeness.shape, dtype=bool)
        np.put_along_axis(decided, nearest, True, axis=1)
        return decided & (likeness >= self._floor)


_FLOOR = 0.1


def _unit(rows: Floats) -> Floats:
    lengths = np.linalg.norm(rows, axis=-1, keepdims=True)
    return np.asarray(rows / np.where(lengths > 0, lengths, 1.0), dtype=np.float64)
