"""Predictions side by side, in columns: what a reference and a window both are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rubricator.label_space import LabelSpace
from rubricator.monitor.observe import WIDTH, unpacked
from rubricator.records import Feature
from rubricator.stats.arrays import Bools, Floats, Indices

if TYPE_CHECKING:  # databases, which a reference need not wait for
    from rubricator.store.predictions import LoggedPrediction


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """Predictions of one model, one row a text.

    Attributes:
        at: Seconds since 1970 of each answer, shape [n]; NaN where unknown.
        probabilities: Calibrated ones, shape [n, k].
        decided: Categories decided on, shape [n, k].
        characters: Length of the cleaned text, shape [n].
        unknown: Share of unknown words, shape [n]; NaN where not told.
        languages: ISO 639-1, shape [n]; empty where not told. So are `sources`.
        vectors: Projected ones, shape [n, 32]; NaN where there are none.
        features: By name, one value a row.
    """

    ids: NDArray[np.str_]
    at: Floats
    probabilities: Floats
    decided: Bools
    characters: Floats
    unknown: Floats
    languages: NDArray[np.str_]
    sources: NDArray[np.str_]
    vectors: Floats
    features: Mapping[str, NDArray[np.object_]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.ids)

    def take(self, rows: Indices | Bools) -> Sample:
        """Some rows, by their numbers or marks."""
        arrays = {name: getattr(self, name)[rows] for name in self.__dataclass_fields__ if name != "features"}
        return Sample(**arrays, features={name: values[rows] for name, values in self.features.items()})


def sample_of(rows: Sequence[LoggedPrediction], space: LabelSpace) -> Sample:
    """Logged predictions in columns; a category that a row does not name has the probability 0 there."""
    names = sorted({name for row in rows for name in row.features})
    vectors = np.full((len(rows), WIDTH), np.nan)
    for number, row in enumerate(rows):
        if (vector := unpacked(row.vector)) is not None:
            vectors[number] = vector
    probabilities = [[row.probabilities.get(key, 0.0) for key in space.keys] for row in rows]
    return Sample(
        ids=np.array([row.text_id for row in rows], dtype=np.str_),
        at=np.array([row.at.timestamp() for row in rows], dtype=np.float64),
        probabilities=np.array(probabilities, dtype=np.float64).reshape(len(rows), len(space)),
        decided=space.indicators([row.categories for row in rows]),
        characters=np.array([row.characters for row in rows], dtype=np.float64),
        unknown=np.array([np.nan if row.unknown is None else row.unknown for row in rows], dtype=np.float64),
        languages=np.array([row.language for row in rows], dtype=np.str_),
        sources=np.array([row.source for row in rows], dtype=np.str_),
        vectors=vectors,
        features={name: column([row.features.get(name) for row in rows]) for name in names},
    )


def column(values: Sequence[Feature]) -> NDArray[np.object_]:
    """Values of a feature as an array of objects."""
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array
