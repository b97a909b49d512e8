"""What a model learns from: contents, vectors, soft targets, weights and groups, row by row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rubricator.dataset.inputs import BASE, EncodeTexts, Features, Inputs
from rubricator.label_space import LabelSpace
from rubricator.stats.arrays import Bools, Floats, Vectors


@dataclass(frozen=True, slots=True, kw_only=True)
class Examples:
    """Labelled texts as arrays, one row a text.

    Attributes:
        contents: Cleaned texts, n of them.
        vectors: L2-normalised vectors of the first encoder, shape [n, width]; None where none is used.
        targets: Probability that the text has the category, shape [n, categories], in [0, 1].
        weights: How much each text counts, shape [n]; 0 leaves it out of training.
        groups: Group of each text; near-duplicates share one.
        features: Extra columns of each text, by name; empty where none are used.
        more_vectors: Those of every further encoder by its name, each of shape [n, its width].
        synthetic: Which rows nobody wrote, shape [n]: they teach and judge nothing; None where all are real.
    """

    contents: Sequence[str]
    vectors: Vectors | None
    targets: Floats
    weights: Floats
    groups: Sequence[str]
    features: Sequence[Features] = ()
    more_vectors: Mapping[str, Vectors] = field(default_factory=dict)
    synthetic: Bools | None = None

    def __post_init__(self) -> None:
        counts = {name: len(getattr(self, name)) for name in ("contents", "targets", "weights", "groups")}
        if self.vectors is not None:
            counts["vectors"] = len(self.vectors)
        counts |= {f"vectors of {name}": len(vectors) for name, vectors in self.more_vectors.items()}
        if self.features:
            counts["features"] = len(self.features)
        if self.synthetic is not None:
            counts["synthetic"] = len(self.synthetic)
        if len(set(counts.values())) > 1:
            raise ValueError(f"examples are not aligned, row counts differ: {counts}")
        if BASE in self.more_vectors:
            raise ValueError(f"the vectors of '{BASE}' are `vectors`, not among `more_vectors`")
        if self.targets.ndim != 2:
            raise ValueError(f"targets must be [texts, categories], found shape {self.targets.shape}")

    def __len__(self) -> int:
        return len(self.contents)

    @property
    def categories(self) -> int:
        """Number of categories."""
        return int(self.targets.shape[1])

    @property
    def judging(self) -> Floats:
        """How much each row counts where something is chosen or calibrated, [n]; synthetic ones do not."""
        return self.weights if self.synthetic is None else np.where(self.synthetic, 0.0, self.weights)

    def by(self, encoder: str) -> Vectors:
        """Vectors by the encoder of that name.

        Raises:
            KeyError: There are none.
        """
        at_hand = self.more_vectors if self.vectors is None else {BASE: self.vectors, **self.more_vectors}
        return at_hand[encoder]

    def subset(self, rows: NDArray[Any]) -> Examples:
        """The examples picked by a boolean mask over all rows or by row indices, in that order."""
        index = np.arange(len(self))[rows].tolist()
        return Examples(
            contents=[self.contents[i] for i in index],
            vectors=None if self.vectors is None else self.vectors[index],
            targets=self.targets[index],
            weights=self.weights[index],
            groups=[self.groups[i] for i in index],
            features=[self.features[i] for i in index] if self.features else (),
            more_vectors={name: vectors[index] for name, vectors in self.more_vectors.items()},
            synthetic=None if self.synthetic is None else self.synthetic[index],
        )

    def hardened(self, space: LabelSpace) -> Examples:
        """The examples as models learn from them, see `LabelSpace.harden`."""
        return replace(self, targets=space.harden(self.targets))

    def inputs(self, encoders: Mapping[str, EncodeTexts] | None = None) -> Inputs:
        """What served models look at, with the vectors at hand and, by name, encoders that were trained."""
        at_hand = dict(self.more_vectors)
        if self.vectors is not None:
            at_hand[BASE] = self.vectors
        return Inputs(self.contents, self.features or None, encoders=encoders, vectors=at_hand)


def joined(first: Examples, second: Examples) -> Examples:
    """The rows of both, one after the other, with the vectors that both have."""
    both_encoded = first.vectors is not None and second.vectors is not None
    return Examples(
        contents=[*first.contents, *second.contents],
        vectors=np.concatenate([first.vectors, second.vectors]) if both_encoded else None,
        targets=np.concatenate([first.targets, second.targets]),
        weights=np.concatenate([first.weights, second.weights]),
        groups=[*first.groups, *second.groups],
        features=[*first.features, *second.features],
        more_vectors={
            name: np.concatenate([vectors, second.more_vectors[name]])
            for name, vectors in first.more_vectors.items()
            if name in second.more_vectors
        },
        synthetic=_joined_masks(first, second),
    )


def _joined_masks(first: Examples, second: Examples) -> Bools | None:
    masks = [first.synthetic, second.synthetic]
    if all(mask is None for mask in masks):
        return None
    sizes = len(first), len(second)
    return np.concatenate(
        [np.zeros(size, bool) if mask is None else mask for mask, size in zip(masks, sizes, strict=True)]
    )
