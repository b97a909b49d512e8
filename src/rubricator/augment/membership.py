"""Whether a text is of a category, by what the run already knows: its model, or vectors of its texts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
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


@dataclass(frozen=True)
class _Centres:
    """Mean vectors of categories, [categories, width], seen from the middle of all labelled texts.

    `has` says which categories have texts, and `floor` how near to its centre one in ten of them is not.
    """

    middle: Floats
    directions: Floats
    has: Bools
    floor: Floats

    @classmethod
    def of(cls, vectors: Floats, belongs: Bools) -> _Centres:
        middle = vectors.mean(axis=0)
        centred = _unit(vectors - middle)
        sums = belongs.T @ centred
        floor = np.full(belongs.shape[1], -1.0)
        for place in np.flatnonzero(belongs.sum(axis=0) > 1).tolist():
            own = centred[belongs[:, place]]
            # Without itself, or a rare category's own texts would all seem near.
            apart = _unit(sums[place] - own)
            floor[place] = np.quantile((apart * own).sum(axis=1), _FLOOR)
        return cls(middle, _unit(sums), np.asarray(belongs.any(axis=0)), floor)


@dataclass
class NearestCentre:
    """Stands in for a model where the run has none: the category whose texts' mean vector is nearest.

    Vectors are taken from the mean of all labelled texts (nearest centroid; Rocchio, 1971). In multi-label
    work the two nearest categories count, and nothing does that is further from its centre than nearly all
    of the texts that have the category. Nothing is encoded before it is asked.
    """

    embed: Embed
    material: Material
    about: str = "vectors"

    def likeness(self, contents: Sequence[str]) -> Floats:
        """Cosine to each centre, -1 where a category has no text; shape [texts, categories]."""
        if not contents:
            return np.zeros((0, len(self.material.taxonomy.keys)))
        vectors = np.asarray(self.embed(contents), dtype=np.float64)
        cosines = _unit(vectors - self._centres.middle) @ self._centres.directions.T
        return np.where(self._centres.has, cosines, -1.0)

    def decides(self, likeness: Floats) -> Bools:
        """The nearest category, or the two nearest in multi-label work; none that is too far."""
        count = 1 if self.material.taxonomy.single else 2
        nearest = np.argsort(-likeness, axis=1)[:, :count]
        decided = np.zeros(likeness.shape, dtype=bool)
        np.put_along_axis(decided, nearest, True, axis=1)
        return decided & (likeness >= self._centres.floor)

    @cached_property
    def _centres(self) -> _Centres:
        rows = np.flatnonzero(self.material.labelled)
        vectors = np.asarray(self.embed(self.material.contents(rows.tolist())), dtype=np.float64)
        return _Centres.of(vectors, self.material.belongs[rows])


_FLOOR = 0.1


def _unit(rows: Floats) -> Floats:
    lengths = np.linalg.norm(rows, axis=-1, keepdims=True)
    return np.asarray(rows / np.where(lengths > 0, lengths, 1.0), dtype=np.float64)
