"""Vectors without what all texts share: the form in which clusters and maps see them."""

from __future__ import annotations

import numpy as np

from rubricator.stats.arrays import Bools, Floats, Indices, Vectors

_DIMENSIONS = 50  # what is left out is mostly noise
_BLOCK = 2_000
_NOTHING = 1e-6  # rounding of single precision, which is no direction


def directions(vectors: Vectors, *, seed: int = 0) -> Floats:
    """Directions from the middle of all texts in their first principal components, shape [texts, 50 at most].

    Sentence vectors lie in a narrow cone, so that likeness is seen from its middle (Mu and Viswanath,
    "All-but-the-top", ICLR 2018). Lengths are 1, or 0 where a text lies in the middle.
    """
    from sklearn.utils.extmath import randomized_svd  # a second to import

    width = min(_DIMENSIONS, *vectors.shape)
    if not width:
        return np.zeros((len(vectors), 2))
    axes, strengths, _ = randomized_svd(vectors - vectors.mean(axis=0), width, random_state=seed)
    kept = np.asarray(axes * strengths, dtype=np.float64)
    lengths = np.linalg.norm(kept, axis=1, keepdims=True)
    return np.asarray(kept / np.maximum(lengths, _NOTHING))


def nearest(rows: Floats, known: Floats, count: int) -> tuple[Indices, Floats]:
    """For each row its nearest known directions and how like they are, shapes [rows, count], in no order."""
    count = min(count, len(known))
    found = np.empty((len(rows), count), dtype=np.intp)
    likeness = np.empty((len(rows), count))
    for at in range(0, len(rows), _BLOCK):
        block = slice(at, at + _BLOCK)
        like = rows[block] @ known.T
        found[block] = np.argpartition(-like, count - 1, axis=1)[:, :count]
        likeness[block] = np.take_along_axis(like, found[block], axis=1)
    return found, likeness


def drawn(count: int, most: int, seed: int) -> Bools:
    """Which rows of `count` stand for all of them: every one, or so many drawn at random."""
    rows = np.zeros(count, dtype=bool)
    rows[np.random.default_rng(seed).permutation(count)[:most]] = True
    return rows
