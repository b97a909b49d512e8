"""How like a category's description a text is, from the vectors of both.

Vectors of sentence encoders lie in a narrow cone, so the middle of the texts is taken out of the texts, that
of the phrasings out of the phrasings (compare Mu and Viswanath, "All-but-the-Top", ICLR 2018). Scores have a
row a text and a column a category.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rubricator.stats.arrays import Vectors

_BLOCK = 512  # texts compared with the whole corpus at a time: 512 × 140,000 cosines are 290 MB
_NEAREST_PIECES = 2


def centred(vectors: Vectors) -> Vectors:
    """Unit vectors as seen from their middle."""
    return _unit(vectors - vectors.mean(axis=0))


def whole_likeness(texts: Vectors, phrasings: Sequence[Vectors]) -> Vectors:
    """Cosines of centred texts and the mean phrasing of each category, seen from the middle of these."""
    described = np.stack([_unit(part.mean(axis=0)) for part in phrasings])
    scores: Vectors = texts @ centred(described).T
    return scores


def piece_likeness(texts: Vectors, pieces: Sequence[Vectors]) -> Vectors:
    """Means of the two highest cosines of each centred text and the pieces of each category.

    A text is about one or two of the things that a description lists, hardly ever about all. Every category
    counts as much for the middle, however many pieces it has.
    """
    middle = np.stack([part.mean(axis=0) for part in pieces]).mean(axis=0)
    return np.stack([_highest(texts @ _unit(part - middle).T) for part in pieces], axis=1)


def standardised(scores: Vectors) -> Vectors:
    """Scores with mean 0 and standard deviation 1 over all texts and categories; 0 where all are equal.

    One mean and one deviation for all categories: which of them is nearest to a text stays as it was.
    """
    apart = scores - scores.mean()
    deviation = float(apart.std())
    return apart / np.float32(deviation) if deviation > 1e-6 else np.zeros_like(scores)


def smoothed(scores: Vectors, texts: Vectors, neighbours: int) -> Vectors:
    """Means over each text and its nearest ones by cosine: they lend one another the words that they lack."""
    nearest = min(neighbours + 1, len(texts))
    means = np.empty_like(scores)
    for start in range(0, len(texts), _BLOCK):
        cosines = texts[start : start + _BLOCK] @ texts.T
        # The text itself is among its nearest: nothing is more like it.
        rows = np.argpartition(-cosines, nearest - 1, axis=1)[:, :nearest]
        means[start : start + _BLOCK] = scores[rows].mean(axis=1)
    return means


def _highest(cosines: Vectors) -> Vectors:
    count = min(_NEAREST_PIECES, cosines.shape[1])
    highest: Vectors = np.partition(cosines, -count, axis=1)[:, -count:].mean(axis=1)
    return highest


def _unit(vectors: Vectors) -> Vectors:
    # A vector equal to the mean stays zero: it is like nothing in particular.
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    unit: Vectors = np.divide(vectors, length, out=np.zeros_like(vectors), where=length > 1e-6)
    return unit
