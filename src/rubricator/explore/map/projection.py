"""Vectors → places on a plane, near for texts that are alike; the same for the same seed."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Literal

import numpy as np

from rubricator.errors import MissingExtraError
from rubricator.explore.directions import directions, drawn, nearest
from rubricator.progress import Progress, silent
from rubricator.stats.arrays import Floats, Vectors

Method = Literal["auto", "umap", "tsne", "pca"]
_PACKAGES: dict[str, str] = {"umap": "umap-learn", "tsne": "openTSNE"}
_MODULES = {"umap": "umap", "tsne": "openTSNE"}
_NAMES = {"umap": "UMAP", "tsne": "openTSNE", "pca": "PCA"}

_NEIGHBOURS = 15
_LAID_OUT = 15_000  # points laid out themselves; the others are put among their neighbours
_NEAREST, _SHARPNESS = 5, 20.0


@dataclass(frozen=True, slots=True)
class Projection:
    """Where the points are, shape [points, 2], and by which method."""

    positions: Floats
    method: str


def project(
    vectors: Vectors, *, method: Method = "auto", seed: int = 0, progress: Progress = silent
) -> Projection:
    """Lay vectors out on a plane so that those alike lie together; how far groups lie apart means little.

    UMAP (McInnes, Healy and Melville, "UMAP: Uniform manifold approximation and projection", 2018) where it
    is installed, else openTSNE (Poličar, Stražar and Zupan, 2019), else the first two principal components.
    Of more than 15,000 vectors so many, drawn at random, are laid out; each of the others is put at the
    weighted mean of its five nearest among them, which bounds the time.

    Raises:
        MissingExtraError: The method that was asked for is not installed.
    """
    chosen = _method(method)
    count = len(vectors)
    reduced = directions(vectors, seed=seed)
    if chosen == "pca" or count <= _NEIGHBOURS + 1:
        return Projection(_two(reduced), _NAMES["pca"])
    with progress("Laying out the map", total=count) as step:
        step(0, f"{_NAMES[chosen]} gets ready")
        laid_out = drawn(count, _LAID_OUT, seed)
        positions = np.empty((count, 2))
        positions[laid_out] = (_umap if chosen == "umap" else _tsne)(reduced[laid_out], seed)
        step(int(laid_out.sum()), "")
        positions[~laid_out] = _among(reduced[~laid_out], reduced[laid_out], positions[laid_out])
        step(int((~laid_out).sum()))
    return Projection(positions, _NAMES[chosen])


def _method(asked: Method) -> str:
    installed = [name for name, module in _MODULES.items() if find_spec(module)]
    if asked == "auto":
        return installed[0] if installed else "pca"
    if asked != "pca" and asked not in installed:
        raise MissingExtraError(_PACKAGES[asked], extra="explore", purpose=f"A map by {_NAMES[asked]}")
    return asked


def _two(reduced: Floats) -> Floats:
    missing = max(0, 2 - reduced.shape[1])
    return np.pad(reduced[:, :2], ((0, 0), (0, missing)))


def _umap(reduced: Floats, seed: int) -> Floats:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of numba and scikit-learn, about versions of one another
        from umap import UMAP

        layout = UMAP(n_neighbors=_NEIGHBOURS, min_dist=0.1, n_jobs=1, random_state=seed, low_memory=True)
        return np.asarray(layout.fit_transform(reduced), dtype=np.float64)


def _tsne(reduced: Floats, seed: int) -> Floats:
    from openTSNE import TSNE

    perplexity = min(30.0, (len(reduced) - 1) / 3)
    return np.asarray(TSNE(perplexity=perplexity, random_state=seed, n_jobs=1).fit(reduced), dtype=np.float64)


def _among(rows: Floats, known: Floats, layout: Floats) -> Floats:
    """The places of vectors by their nearest known ones, the nearest counting most."""
    near, likeness = nearest(rows, known, _NEAREST)
    weights = np.exp((likeness - likeness.max(axis=1, keepdims=True)) * _SHARPNESS)
    weights /= weights.sum(axis=1, keepdims=True)
    return np.asarray((layout[near] * weights[:, :, None]).sum(axis=1))
