"""Kernel ridge regression and nearest neighbours over labelled vectors that the model keeps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, Self

import numpy as np
from pydantic import Field
from scipy.special import logit

from rubricator.dataset.inputs import BASE, Inputs
from rubricator.errors import ArtifactError
from rubricator.models.base import Model
from rubricator.models.serialization import ARRAYS, FIX, About, Files, Layout
from rubricator.stats.arrays import Floats, Vectors

PRIOR = 0.5
"""How many neighbours the shares of the categories count for."""
_LEAST = 1e-3  # share of neighbours that a log-odds is taken of


class _About(About):
    kind: Literal["anchors"]
    encoder: str = Field(pattern=r"^[a-z]+$")
    gamma: float = Field(gt=0)
    neighbours: int = Field(ge=1)
    warmth: float = Field(gt=0)
    kernel_share: float = Field(ge=0, le=1)


_LAYOUT = Layout(
    _About,
    {
        "anchors": ("anchors", "width"),
        "centre": ("width",),
        "counts": ("anchors",),
        "targets": ("anchors", "categories"),
        "dual": ("anchors", "categories"),
        "intercept": ("categories",),
    },
    types={"anchors": "F32", "targets": "F32"},
)


@dataclass(frozen=True, slots=True, kw_only=True)
class AnchorsModel(Model):
    """Says of a text what is said of the labelled texts that it is like.

    The kernel part is `Σ dual · exp(-gamma · |x - anchor|²) + intercept`. The neighbours' part is the
    log-odds of their share that has a category, each counted by `exp(cosine / warmth)` of centred vectors.
    Each column depends on its own category alone.

    Attributes:
        anchors: Vectors of labelled texts, shape [anchors, width].
        centre: Mean of the vectors, from which neighbours see one another, shape [width].
        counts: How much each anchor counts as a neighbour, shape [anchors].
        targets: Which categories it has, in [0, 1], shape [anchors, categories].
        dual: What it adds to the logits of a text that equals it, shape [anchors, categories].
        intercept: Kernel logits of a text like nothing, shape [categories].
        gamma: How fast likeness falls with the squared distance.
        neighbours: How many anchors are asked.
        warmth: Difference of cosines that makes a neighbour count e times as much.
        kernel_share: Weight of the kernel part; that of the neighbours is the rest.
        encoder: Name of the encoder among those of the artifact.
    """

    kind: ClassVar[str] = "anchors"
    anchors: Vectors
    centre: Floats
    counts: Floats
    targets: Vectors
    dual: Floats
    intercept: Floats
    gamma: float
    neighbours: int
    warmth: float
    kernel_share: float
    encoder: str = BASE
    # Worked out once: a service is asked text by text.
    _directions: Vectors = field(init=False, repr=False, compare=False)
    _squares: Vectors = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_directions", directions(self.anchors, self.centre))
        object.__setattr__(self, "_squares", (self.anchors**2).sum(axis=1))

    @property
    def categories(self) -> int:
        """How many categories it knows."""
        return len(self.intercept)

    @property
    def encoders(self) -> Mapping[str, int]:
        """The one encoder it looks through, with its width."""
        return {self.encoder: self.anchors.shape[1]}

    def logits(self, inputs: Inputs) -> Floats:
        """Logits, shape [texts, categories]; those of a text do not depend on the texts beside it."""
        vectors = np.asarray(inputs.vectors(self.encoder), dtype=np.float32)
        logits = np.empty((len(vectors), self.categories))
        for row, vector in enumerate(vectors):
            # One text at a time: a product of all would round differently for other numbers of texts.
            distances = self._squares + (vector**2).sum() - 2 * (self.anchors @ vector)
            likeness = np.exp(-self.gamma * np.maximum(distances, 0)).astype(np.float64)
            z = self.kernel_share * (_sums(self.dual * likeness[:, None]) + self.intercept)
            if self.kernel_share < 1:
                cosines = self._directions @ directions(vector[None], self.centre)[0]
                share = neighbour_shares(
                    cosines[None], self.targets, self.counts, k=self.neighbours, warmth=self.warmth
                )
                z = z + (1 - self.kernel_share) * share[0]
            logits[row] = z
        return logits

    def files(self) -> Files:
        """`model.json` and the arrays."""
        about = _About(
            kind="anchors",
            encoder=self.encoder,
            gamma=self.gamma,
            neighbours=self.neighbours,
            warmth=self.warmth,
            kernel_share=self.kernel_share,
        )
        return _LAYOUT.write(about, {name: getattr(self, name) for name in _LAYOUT.arrays})

    @classmethod
    def of_files(cls, files: Files) -> Self:
        """The inverse of `files`."""
        about, arrays = _LAYOUT.read_about(files), _LAYOUT.read_arrays(files)
        _check(arrays["counts"], arrays["targets"])
        parts: dict[str, Any] = {**arrays, **about.model_dump(exclude={"kind"})}
        return cls(**parts)


def neighbour_shares(cosines: Floats, targets: Vectors, counts: Floats, *, k: int, warmth: float) -> Floats:
    """Log-odds that the nearest anchors have each category, shape [texts, categories].

    The shares of all anchors count like half a neighbour, so that none is 0 or 1.

    Args:
        cosines: Of texts and anchors, shape [texts, anchors]; -inf for an anchor that is not to be asked.
        targets: Categories of the anchors, shape [anchors, categories].
        counts: How much each anchor counts, shape [anchors].
        k: How many are asked.
        warmth: Difference of cosines that makes a neighbour count e times as much.
    """
    k = min(k, cosines.shape[1])
    rows = np.argpartition(-cosines, k - 1, axis=1)[:, :k]
    near = np.take_along_axis(cosines, rows, axis=1).astype(np.float64)
    weights = counts[rows] * np.exp((near - near.max(axis=1, keepdims=True)) / warmth)
    prior = _sums(counts[:, None] * targets) / counts.sum()
    having = _sums(weights[:, :, None] * targets[rows])
    share = (having + PRIOR * prior) / (weights.sum(axis=1, keepdims=True) + PRIOR)
    return np.asarray(logit(np.clip(share, _LEAST, 1 - _LEAST)))


def _sums(terms: Floats) -> Floats:
    """Sums over the last axis but one, each column added up in the same order however many there are.

    A product of matrices would round differently when a category is added, and so would a sum over columns,
    which NumPy adds up pairwise where there is one and row by row where there are several.
    """
    return np.asarray(np.ascontiguousarray(np.swapaxes(terms, -1, -2)).sum(axis=-1))


def _check(counts: Floats, targets: Vectors) -> None:
    if not len(counts):
        raise ArtifactError(f"{ARRAYS} holds no anchors.", fix=FIX)
    if counts.min() <= 0:
        raise ArtifactError(f"{ARRAYS}: counts holds numbers that are not above 0.", fix=FIX)
    if targets.size and not 0 <= targets.min() <= targets.max() <= 1:
        raise ArtifactError(f"{ARRAYS}: targets holds numbers outside of 0 to 1.", fix=FIX)


def directions(vectors: Vectors, centre: Floats) -> Vectors:
    """Vectors seen from the centre, brought to length 1."""
    centred = vectors - centre.astype(np.float32)
    length = np.linalg.norm(centred, axis=1, keepdims=True)
    unit: Vectors = centred / np.maximum(length, np.float32(1e-12))
    return unit
