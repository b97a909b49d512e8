"""Texts of one part that another part knows: equal, nearly equal, of one group, made from one another."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

import numpy as np

from rubricator.ingest.leakage.index import NO_HASH, Hashes, Index
from rubricator.ingest.leakage.near import near_pairs
from rubricator.ingest.leakage.source import Source
from rubricator.progress import Progress, silent
from rubricator.stats.arrays import Bools, Floats, Indices

Kind = Literal["exact", "near", "group", "relative", "time"]
KINDS: tuple[Kind, ...] = ("exact", "near", "group", "relative", "time")


@dataclass(frozen=True, slots=True, kw_only=True)
class Leak:
    """What part `other` knows of part `held`, in one way.

    Attributes:
        rows: Texts of `held` that are known, ascending; a text with an exact twin is not among the near ones.
        twins: One text of `other` for each of them, the most similar where they differ; -1 for times.
        numbers: How many such texts `other` has for each, at least 1; 0 for times.
        similarity: Jaccard similarity of shingles of near twins, 1 of exact ones, NaN of others.
        others: All texts of `other` that know one of `held`.
    """

    kind: Kind
    held: str
    other: str
    rows: Indices
    twins: Indices
    numbers: Indices
    similarity: Floats
    others: Indices


def find_leaks(index: Index, source: Source, *, threshold: float, progress: Progress = silent) -> list[Leak]:
    """All leaks between any two parts, in the order of `KINDS`; those of nothing are left out.

    Near twins are looked for by locality-sensitive hashing, and every candidate is checked by its true
    similarity, for which its text is read again.
    """
    twins = near_pairs(index, source, threshold=threshold, progress=progress)
    found: list[Leak] = []
    for first, second in combinations(range(len(index.parts)), 2):
        held, other = index.part == second, index.part == first
        names = index.parts[second], index.parts[first]
        exact = _by_key("exact", index.exact, held, other, names)
        found += [
            exact,
            _near(index, twins, held, other, exact, names),
            _by_key("group", index.group, held, other, names),
            _by_key("relative", index.family, held, other, names),
            *_of_times(index, held, other, names),
        ]
    return sorted((leak for leak in found if len(leak.rows)), key=lambda leak: KINDS.index(leak.kind))


def repeated_ids(index: Index) -> int:
    """How many ids stand in several parts."""
    pairs = np.unique(np.column_stack([index.id, index.part.astype(np.uint64)]), axis=0)
    return int((np.unique(pairs[:, 0], return_counts=True)[1] > 1).sum())


def _by_key(kind: Kind, keys: Hashes, held: Bools, other: Bools, names: tuple[str, str]) -> Leak:
    """Texts of `held` whose key `other` has, too."""
    there = np.flatnonzero(other & (keys != NO_HASH))
    here = np.flatnonzero(held & (keys != NO_HASH))
    known, first, number = np.unique(keys[there], return_index=True, return_counts=True)
    place = np.minimum(np.searchsorted(known, keys[here]), max(len(known) - 1, 0))
    hit = known[place] == keys[here] if len(known) else np.zeros(len(here), dtype=bool)
    rows, place = here[hit], place[hit]
    similarity = np.full(len(rows), 1.0 if kind == "exact" else np.nan)
    others = there[np.isin(keys[there], keys[rows])]
    return Leak(
        kind=kind,
        rows=rows,
        twins=there[first[place]],
        numbers=number[place],
        similarity=similarity,
        others=others,
        held=names[0],
        other=names[1],
    )


def _near(
    index: Index,
    twins: tuple[Indices, Indices, Floats],
    held: Bools,
    other: Bools,
    exact: Leak,
    names: tuple[str, str],
) -> Leak:
    """Near twins of texts that stand for all texts of the same words in their part."""
    late, early, similarity = twins
    between = held[late] & other[early]
    late, early, similarity = late[between], early[between], similarity[between]
    order = np.lexsort((early, -similarity, late))
    late, early, similarity = late[order], early[order], similarity[order]
    heads, first, number = np.unique(late, return_index=True, return_counts=True)
    # All texts of the words of a text that has a near twin have it too.
    by_words = {int(index.exact[head]): place for place, head in enumerate(heads)}
    rows = np.flatnonzero(held & np.isin(index.exact, index.exact[heads]))
    rows = rows[~np.isin(rows, exact.rows)]
    place = np.array([by_words[int(key)] for key in index.exact[rows]], dtype=np.intp)
    others = np.flatnonzero(other & np.isin(index.exact, index.exact[early]))
    return Leak(
        kind="near",
        rows=rows,
        twins=early[first[place]],
        numbers=number[place],
        similarity=similarity[first[place]],
        others=others[~np.isin(others, exact.others)] if len(rows) else others[:0],
        held=names[0],
        other=names[1],
    )


def _of_times(index: Index, held: Bools, other: Bools, names: tuple[str, str]) -> Iterator[Leak]:
    """Texts of `held` that are earlier than some text of `other`."""
    timed = ~np.isnan(index.time)
    if not ((held & timed).any() and (other & timed).any()):
        return
    rows = np.flatnonzero(held & (index.time < index.time[other & timed].max()))
    others = np.flatnonzero(other & (index.time > index.time[held & timed].min()))
    nothing = np.zeros(len(rows), dtype=np.intp)
    yield Leak(
        kind="time",
        rows=rows,
        twins=nothing - 1,
        numbers=nothing,
        similarity=np.full(len(rows), np.nan),
        others=others,
        held=names[0],
        other=names[1],
    )
