"""Which texts say the same: equal words, or most of their runs of three words."""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import regex
from numpy.typing import NDArray

from rubricator.records import content_hash

if TYPE_CHECKING:
    from datasketch import MinHash, MinHashLSH

Shingles = NDArray[np.uint32]
FEWEST_WORDS = 8
"""Below this, three shared words are already most of the text: only exact twins count."""
_WORD = regex.compile(r"\w+")
_SHINGLE = 3
_PERMUTATIONS = 128
# Candidates are compared exactly afterwards, so that a missed one costs more than a wrong one: at a threshold
# of 0.7 these settings find 99 % of the pairs that lie right on it.
_MARGIN = 0.1
_WEIGHTS = (0.1, 0.9)


def words_of(content: str) -> list[str]:
    """The words of a text as they are compared: case, punctuation and spaces do not count."""
    return _WORD.findall(content.casefold())


def exact_key(words: list[str], content: str) -> str:
    """What exact twins share; a text of smileys has no words, its characters are compared instead."""
    return content_hash("duplicate:1", " ".join(words) or content)


def shingles_of(words: list[str]) -> Shingles:
    """Distinct hashes of three words in a row."""
    runs = zip(*(words[offset:] for offset in range(_SHINGLE)), strict=False)
    return np.unique(np.array([zlib.crc32(" ".join(run).encode()) for run in runs], dtype=np.uint32))


def jaccard(one: Shingles, other: Shingles) -> float:
    """Share of common shingles among all of two texts (Broder, 1997)."""
    shared = len(np.intersect1d(one, other, assume_unique=True))
    return shared / (len(one) + len(other) - shared)


class Sketches:
    """Sets of shingles by number, found by likeness: MinHash with locality-sensitive hashing."""

    def __init__(self, threshold: float) -> None:
        from datasketch import MinHash, MinHashLSH

        self._index: MinHashLSH = MinHashLSH(
            threshold=max(0.05, threshold - _MARGIN), num_perm=_PERMUTATIONS, weights=_WEIGHTS
        )
        self._start: MinHash = MinHash(num_perm=_PERMUTATIONS, hashfunc=int)

    @property
    def bands(self) -> tuple[int, int]:
        """How many bands of a sketch are looked up, and of how many values each is."""
        return self._index.b, self._index.r

    def sketch(self, shingles: Shingles) -> MinHash:
        """What stands for a set of shingles."""
        sketch = self._start.copy()
        sketch.update_batch(shingles.tolist())
        return sketch

    def candidates(self, sketch: MinHash) -> list[int]:
        """Numbers of those that are probably alike, in order."""
        return sorted(self._index.query(sketch))

    def add(self, number: int, sketch: MinHash) -> None:
        """Let a set be found."""
        self._index.insert(number, sketch, check_duplication=False)


@dataclass
class NearCopies:
    """Texts of which a new one may be no near-copy.

    Args:
        contents: The texts to begin with.
        threshold: Share of common shingles from which on two texts say the same.
    """

    contents: Iterable[str]
    threshold: float
    _exact: set[str] = field(default_factory=set)
    _bags: set[frozenset[str]] = field(default_factory=set)
    _shingles: list[Shingles] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._sketches = Sketches(self.threshold)
        for content in self.contents:
            self.add(content)

    def has(self, content: str) -> bool:
        """Whether one of the texts says the same; short ones do that have the same words in any order."""
        words = words_of(content)
        if exact_key(words, content) in self._exact:
            return True
        if len(words) < FEWEST_WORDS:
            return bool(words) and frozenset(words) in self._bags
        own = shingles_of(words)
        found = self._sketches.candidates(self._sketches.sketch(own))
        return any(jaccard(own, self._shingles[number]) >= self.threshold for number in found)

    def add(self, content: str) -> None:
        """Take a text in."""
        words = words_of(content)
        self._exact.add(exact_key(words, content))
        if len(words) < FEWEST_WORDS:
            self._bags.add(frozenset(words))
            return
        own = shingles_of(words)
        self._sketches.add(len(self._shingles), self._sketches.sketch(own))
        self._shingles.append(own)


def contained(content: str, other: str) -> float:
    """Share of a text's runs of three words, or of its words where it is short, that another one has."""
    words, others = words_of(content), words_of(other)
    if min(len(words), len(others)) < FEWEST_WORDS:
        own, rest = set(words), set(others)
        return len(own & rest) / max(1, len(own))
    own_runs = shingles_of(words)
    return len(np.intersect1d(own_runs, shingles_of(others), assume_unique=True)) / len(own_runs)
