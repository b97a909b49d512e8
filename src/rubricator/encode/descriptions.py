"""Where a category lies as its description has it: one direction for each, in the space of an encoder."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rubricator.encode.cache import VectorCache
from rubricator.encode.phrasings import pieces
from rubricator.progress import Progress, silent
from rubricator.stats.arrays import Floats
from rubricator.taxonomy import Category


def description_directions(
    categories: Sequence[Category], cache: VectorCache, *, progress: Progress = silent
) -> Floats:
    """Mean vector of each category's pieces, seen from the middle of all, shape [categories, width]."""
    listed = [pieces(category) for category in categories]
    vectors = cache.encode([piece for of_one in listed for piece in of_one], progress=progress)
    ends = np.cumsum([len(of_one) for of_one in listed])[:-1]
    means = np.stack([part.mean(axis=0, dtype=np.float64) for part in np.split(vectors, ends)])
    return np.asarray(means - means.mean(axis=0))
