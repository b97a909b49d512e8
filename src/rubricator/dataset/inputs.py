"""What models look at: contents, features, and vectors that are computed when first asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rubricator.config import ENCODER_NAMES
from rubricator.records import Feature
from rubricator.stats.arrays import Floats, Vectors

BASE = ENCODER_NAMES[0]
"""The first encoder of the config, which needs no training; a fine-tuned one is named after its kind."""

Features = Mapping[str, Feature]
EncodeTexts = Callable[[Sequence[str]], Vectors]


class Inputs:
    """Texts on their way to logits.

    Members of an ensemble share one: each encoder runs once, however many models look at its vectors.

    Args:
        contents: Cleaned texts.
        features: Extra columns of each text, by name; a name that is absent is a missing value.
        encoders: By name, what turns contents into unit vectors of shape [texts, width].
        vectors: Vectors already at hand, by the name of their encoder.
    """

    def __init__(
        self,
        contents: Sequence[str],
        features: Sequence[Features] | None = None,
        *,
        encoders: Mapping[str, EncodeTexts] | None = None,
        vectors: Mapping[str, NDArray[Any]] | None = None,
    ) -> None:
        self.contents = contents
        self.features: Sequence[Features] = [{}] * len(contents) if features is None else features
        if len(self.features) != len(contents):
            raise ValueError(f"{len(contents)} contents, but features of {len(self.features)} texts")
        self._encoders = encoders or {}
        self._vectors = dict(vectors or {})
        self._results: dict[int, tuple[object, Floats]] = {}

    def __len__(self) -> int:
        return len(self.contents)

    def vectors(self, encoder: str) -> NDArray[Any]:
        """Unit vectors by the encoder of that name, shape [texts, width]."""
        if encoder not in self._vectors:
            self._vectors[encoder] = self._encoders[encoder](self.contents)
        return self._vectors[encoder]

    def known(self, encoder: str) -> NDArray[Any] | None:
        """Vectors by the encoder of that name, if they are at hand already."""
        return self._vectors.get(encoder)

    def once(self, key: object, compute: Callable[[Inputs], Floats]) -> Floats:
        """What `compute` makes of contents and vectors, worked out once for each `key`.

        Features must not matter to it: `with_features` keeps the result. Keys are told apart by identity, and
        kept alive so that no other takes their place.
        """
        if id(key) not in self._results:
            self._results[id(key)] = key, compute(self)
        return self._results[id(key)][1]

    def with_contents(self, contents: Sequence[str], features: Sequence[Features]) -> Inputs:
        """Other texts that go through the same encoders."""
        return Inputs(contents, features, encoders=self._encoders)

    def with_features(self, features: Sequence[Features]) -> Inputs:
        """The same texts with other features; vectors and results already at hand stay."""
        changed = Inputs(self.contents, features, encoders=self._encoders, vectors=self._vectors)
        changed._results = self._results
        return changed

    def subset(self, rows: NDArray[np.intp]) -> Inputs:
        """The texts of these rows, with the vectors already at hand."""
        index = rows.tolist()
        return Inputs(
            [self.contents[i] for i in index],
            [self.features[i] for i in index],
            encoders=self._encoders,
            vectors={name: vectors[index] for name, vectors in self._vectors.items()},
        )
