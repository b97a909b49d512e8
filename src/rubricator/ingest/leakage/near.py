"""Near twins across parts among any number of texts, from hashes of their sketches."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from rubricator.dataset.near_copies import Shingles, jaccard, shingles_of, words_of
from rubricator.ingest.leakage.index import Index
from rubricator.ingest.leakage.source import Source
from rubricator.progress import Progress, silent
from rubricator.stats.arrays import Bools, Floats, Indices

# So many twins of another part are compared in each bucket of a band: copies of one advertisement fill one.
_CROWD = 8
_SLACK = 0.15  # by which an estimate from 128 bytes may lie below the true similarity: three standard errors
_AT_ONCE = 100_000  # pairs that are compared at a time

Pairs = NDArray[np.int64]


def near_pairs(
    index: Index, source: Source, *, threshold: float, progress: Progress = silent
) -> tuple[Indices, Indices, Floats]:
    """Pairs of texts of different parts that are nearly equal, and their Jaccard similarities.

    Of texts with the same words in one part the first stands for all. The text of the later part (see
    `PARTS`) comes first in a pair.
    """
    heads = np.zeros(len(index), dtype=bool)
    keys = np.column_stack([index.exact, index.part.astype(np.uint64)])
    heads[np.unique(keys, axis=0, return_index=True)[1]] = True
    pairs = _candidates(index, np.flatnonzero(heads & index.long), threshold)
    similarity = _similarities(source, pairs, progress)
    near = similarity >= threshold
    return pairs[near, 0], pairs[near, 1], similarity[near]


def _candidates(index: Index, rows: Indices, threshold: float) -> Pairs:
    """Pairs that share a bucket of some band and may be near twins, later part first, each once."""
    found = np.zeros((0, 2), dtype=np.int64)
    for band in range(index.bands.shape[1]):
        own = index.bands[rows, band]
        order = np.lexsort((index.part[rows], own))
        pairs = np.concatenate([found[:0], *_in_buckets(rows[order], own[order], index.part[rows[order]])])
        pairs = np.unique(pairs, axis=0)
        pairs = pairs[index.exact[pairs[:, 0]] != index.exact[pairs[:, 1]]]
        pairs = pairs[_estimated(index, pairs) >= threshold - _SLACK]
        found = np.unique(np.concatenate([found, pairs]), axis=0)
    return found


def _in_buckets(rows: Indices, bucket: NDArray[np.uint32], part: NDArray[np.uint8]) -> Iterator[Pairs]:
    """Pairs of texts of different parts in one bucket; both are sorted by bucket, then by part.

    Each text is paired with at most `_CROWD` of each other part, so that their number stays linear.
    """
    starts_bucket = np.flatnonzero(np.r_[True, bucket[1:] != bucket[:-1]])
    starts_run = np.flatnonzero(np.r_[True, (bucket[1:] != bucket[:-1]) | (part[1:] != part[:-1])])
    ends_run = np.r_[starts_run[1:], len(rows)] if len(rows) else starts_run
    bucket_of_run = np.searchsorted(starts_bucket, starts_run, side="right")
    # Runs of one bucket follow one another; a part has one run in a bucket.
    for gap in range(1, int(part.max(initial=0)) + 1):
        early = np.flatnonzero(bucket_of_run[:-gap] == bucket_of_run[gap:])
        yield _paired(rows, starts_run, ends_run, early, early + gap)[:, ::-1]
        yield _paired(rows, starts_run, ends_run, early + gap, early)


def _paired(rows: Indices, starts: Indices, ends: Indices, one: Indices, other: Indices) -> Pairs:
    """All texts of the runs `one`, each with the first `_CROWD` of the run in `other` beside it."""
    size = ends[one] - starts[one]
    run = np.repeat(np.arange(len(one)), size)
    own = np.repeat(starts[one], size) + np.arange(len(run)) - np.repeat(np.cumsum(size) - size, size)
    found = []
    for place in range(_CROWD):
        twin = starts[other][run] + place
        there = twin < ends[other][run]
        found.append(np.column_stack([rows[own[there]], rows[twin[there]]]))
    return np.concatenate(found).astype(np.int64)


def _estimated(index: Index, pairs: Pairs) -> Floats:
    """Similarity from the share of equal bytes, less the one in 256 that are equal by chance."""
    equal = np.empty(len(pairs))
    for start in range(0, len(pairs), _AT_ONCE):
        late, early = pairs[start : start + _AT_ONCE].T
        equal[start : start + _AT_ONCE] = (index.sketch[late] == index.sketch[early]).mean(axis=1)
    return (equal - 1 / 256) / (1 - 1 / 256)


def _similarities(source: Source, pairs: Pairs, progress: Progress) -> Floats:
    similarity = np.zeros(len(pairs))
    with progress("Checking near-duplicates", total=len(pairs)) as done:
        for chosen in _portions(pairs):
            wanted = np.unique(pairs[chosen]).tolist()
            shingles: dict[int, Shingles] = {
                row: shingles_of(words_of(text.content)) for row, text in source.picked(wanted).items()
            }
            for pair in np.flatnonzero(chosen).tolist():
                late, early = pairs[pair].tolist()
                similarity[pair] = jaccard(shingles[late], shingles[early])
            done(int(chosen.sum()))
    return similarity


def _portions(pairs: Pairs) -> Iterator[Bools]:
    """Masks of pairs so few that their texts fit into memory."""
    portion = np.arange(len(pairs)) // _AT_ONCE
    for number in range(int(portion.max(initial=-1)) + 1):
        yield np.asarray(portion == number)
