"""What makes two texts the same, or nearly: their words, shingles of these, and sketches of the shingles."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import regex
from numpy.typing import NDArray

from rubricator.records import content_hash

if TYPE_CHECKING:
    from datasketch import MinHash, MinHashLSH

FEWEST_WORDS = 8
"""Below this, three shared words are already most of the text: only exact twins count."""
_WORD = regex.compile(r"\w+")
_SHINGLE = 3
_PERMUTATIONS = 128
# Candidates are compared exactly afterwards, so that a missed one costs more than a wrong one: at a threshold
# of 0.7 these settings find 99 % of the pairs that lie right on it.
_MARGIN = 0.1
_WEIGHTS = (0.1, 0.9)

Shingles = NDArray[np.uint32]


def words_of(content: str) -> list[str]:
    """Words as they are compared: without case and punctuation."""
    return _WORD.findall(content.casefold())


def exact_key(words: list[str], content: str) -> str:
    """The same for texts of the same words in the same order."""
    # A text of smileys has no words; its characters are compared instead.
    return content_hash("duplicate:1", " ".join(words) or content)


def shingles_of(words: list[str]) -> Shingles:
    """Distinct hashes of three words in a row, in ascending order."""
    runs = zip(*(words[offset:] for offset in range(_SHINGLE)), strict=False)
    return np.unique(np.array([zlib.crc32(" ".join(run).encode()) for run in runs], dtype=np.uint32))


def jaccard(one: Shingles, other: Shingles) -> float:
    """Share of the shingles of either text that both have."""
    shared = len(np.intersect1d(one, other, assume_unique=True))
    return shared / (len(one) + len(other) - shared)


def lsh(threshold: float) -> MinHashLSH:
    """An empty index that finds candidates for pairs of at least this similarity."""
    from datasketch import MinHashLSH

    return MinHashLSH(threshold=max(0.05, threshold - _MARGIN), num_perm=_PERMUTATIONS, weights=_WEIGHTS)


def sketcher() -> Callable[[Shingles], MinHash]:
    """What makes the sketch of a set of shingles (Broder, 1997)."""
    from datasketch import MinHash

    start = MinHash(num_perm=_PERMUTATIONS, hashfunc=int)

    def sketched(shingles: Shingles) -> MinHash:
        sketch = start.copy()
        sketch.update_batch(shingles.tolist())
        return sketch

    return sketched
