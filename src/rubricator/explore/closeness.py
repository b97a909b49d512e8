"""Categories too close to tell apart: teachers take them for one another, or their texts lie together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from rubricator.explore.known import Known
from rubricator.pages.formatting import excerpt
from rubricator.stats.arrays import Bools, Floats, Indices, Vectors

CONFUSED, OVERLAPPING = 0.15, 0.25
_ENOUGH_OPINIONS, _ENOUGH_TEXTS = 20, 5
_EACH, _NEIGHBOURS, _BLOCK = 200, 10, 1024
_EXCERPT, _SHOWN = 200, 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Two categories.

    Attributes:
        confusion: Of the times that one opinion named the rarer of the two, the share in which another
            opinion on the same text named the other one instead; None where fewer than twenty were compared.
        compared: How many times that were.
        overlap: Of the ten texts most like one of either category, the share that has only the other one, as
            if both were equally large; None where a category has fewer than five labelled texts.
        suggestion: What to do about it; empty where they can be told apart.
        examples: Excerpts of texts between the two, with their ids.
    """

    one: str
    other: str
    confusion: float | None
    compared: int
    overlap: float | None
    suggestion: str = ""
    examples: tuple[tuple[str, str], ...] = ()

    @property
    def close(self) -> float:
        """How far the larger of the two figures exceeds what is said to be too close; 1 is on the line."""
        return max((self.confusion or 0) / CONFUSED, (self.overlap or 0) / OVERLAPPING)


def close_categories(known: Known, *, seed: int = 0) -> list[Pair]:
    """Every two categories of which something is known, the closest first.

    Opinions are those of the teachers and, as one more, those of people; what all agree on is none. Texts
    that have both categories, or that one opinion gives both, say nothing of the two.
    """
    taxonomy = known.taxonomy
    if taxonomy is None:
        return []
    confused, named = _confusion(_decisions(known), len(taxonomy.keys))
    overlap = _overlap(known, seed=seed)
    pairs = []
    for a, b in combinations(range(len(taxonomy.keys)), 2):
        compared = int(min(named[a], named[b]))
        confusion = float(confused[a, b] / compared) if compared >= _ENOUGH_OPINIONS else None
        shared = None if np.isnan(overlap[a, b]) else float(overlap[a, b])
        if confusion is not None or shared is not None:
            one, other = taxonomy.keys[a], taxonomy.keys[b]
            pair = Pair(one=one, other=other, confusion=confusion, compared=compared, overlap=shared)
            pairs.append((pair, a, b))
    pairs.sort(key=lambda row: -row[0].close)
    return [_advised(known, pair, a, b) if pair.close >= 1 else pair for pair, a, b in pairs]


def _decisions(known: Known) -> list[tuple[Bools, Bools]]:
    """What each opinion decides [texts, categories], and on which texts it has one."""
    assert known.taxonomy is not None
    space = known.taxonomy.space
    opinions = []
    for opinion in known.opinions:
        has: Bools = np.asarray(np.isfinite(opinion.probabilities).any(axis=1))
        opinions.append((space.decide(opinion.probabilities), has))
    if known.human.any():
        opinions.append((known.categories, known.human))
    return opinions


def _confusion(decisions: Sequence[tuple[Bools, Bools]], width: int) -> tuple[Indices, Indices]:
    """How often two opinions on one text name one category instead of another; and how often any is named."""
    confused, named = np.zeros((width, width), dtype=np.intp), np.zeros(width, dtype=np.intp)
    for (one, has_one), (other, has_other) in combinations(decisions, 2):
        both = has_one & has_other
        first, second = one[both], other[both]
        only_first, only_second = (first & ~second).astype(np.intp), (second & ~first).astype(np.intp)
        crossed = only_first.T @ only_second
        confused += crossed + crossed.T
        named += (first | second).sum(axis=0)
    return confused, named


def _overlap(known: Known, *, seed: int) -> Floats:
    """Share of each category's neighbourhood that the other holds, both ways averaged; NaN where unknown."""
    width = known.categories.shape[1]
    overlap = np.full((width, width), np.nan)
    rows = _sample(known, seed=seed)
    if known.vectors is None or len(rows) < 2:
        return overlap
    marks = known.categories[rows]
    sizes = marks.sum(axis=0)
    near = _neighbours(_centred(known.vectors[rows]), [known.groups[known.texts[row].id] for row in rows])
    enough = np.flatnonzero(sizes >= _ENOUGH_TEXTS)
    for a, b in combinations(enough.tolist(), 2):
        overlap[a, b] = overlap[b, a] = (
            _share(marks, sizes, near, a, b) + _share(marks, sizes, near, b, a)
        ) / 2
    return overlap


def _sample(known: Known, *, seed: int) -> Indices:
    """Rows of labelled texts: people's labels where a category has enough of them, at most so many each."""
    random = np.random.default_rng(seed)
    chosen: set[int] = set()
    for column in known.categories.T:
        people = np.flatnonzero(column & known.human)
        own = people if len(people) >= _ENOUGH_TEXTS else np.flatnonzero(column & known.labelled)
        chosen.update(random.permutation(own)[:_EACH].tolist())
    return np.array(sorted(chosen), dtype=np.intp)


def _centred(vectors: Vectors) -> Vectors:
    # All texts of one kind share a direction, which hides what tells them apart.
    moved = vectors - vectors.mean(axis=0)
    return np.asarray(moved / np.maximum(np.linalg.norm(moved, axis=1, keepdims=True), 1e-9))


def _neighbours(vectors: Vectors, groups: Sequence[str]) -> tuple[Indices, Bools]:
    """Rows of the nearest texts, and whether they are no duplicates, both of shape [texts, neighbours]."""
    count = min(_NEIGHBOURS, len(vectors) - 1)
    number = np.unique(np.array(groups), return_inverse=True)[1]
    nearest = np.empty((len(vectors), count), dtype=np.intp)
    sound = np.empty((len(vectors), count), dtype=bool)
    for start in range(0, len(vectors), _BLOCK):
        block = slice(start, start + _BLOCK)
        likeness = vectors[block] @ vectors.T
        likeness[number[block, None] == number[None, :]] = -np.inf
        nearest[block] = np.argpartition(-likeness, count - 1, axis=1)[:, :count]
        sound[block] = np.isfinite(np.take_along_axis(likeness, nearest[block], axis=1))
    return nearest, sound


def _share(marks: Bools, sizes: Indices, near: tuple[Indices, Bools], a: int, b: int) -> float:
    """Of the neighbours of texts with a and not b: those with b only, both categories weighing the same."""
    own = marks[:, a] & ~marks[:, b]
    around = marks[near[0][own]] & near[1][own][..., None]
    of_a = (around[..., a] & ~around[..., b]).sum(axis=1) / sizes[a]
    of_b = (around[..., b] & ~around[..., a]).sum(axis=1) / sizes[b]
    either = of_a + of_b
    return float((of_b[either > 0] / either[either > 0]).mean()) if (either > 0).any() else 0.0


def _advised(known: Known, pair: Pair, a: int, b: int) -> Pair:
    assert known.taxonomy is not None
    one, other = known.taxonomy.categories[a], known.taxonomy.categories[b]
    confused, alike = (pair.confusion or 0) >= CONFUSED, (pair.overlap or 0) >= OVERLAPPING
    bare = [category.title for category in (one, other) if not category.description.strip()]
    if bare:
        advice = f"Describe {' and '.join(bare)}: nothing says yet what belongs there."
    elif confused and alike:
        advice = (
            "Teachers mix them up and their texts lie together. If nobody uses the difference, merge them; "
            "if somebody does, say in both descriptions what decides, and label texts that lie between."
        )
    elif confused:
        advice = (
            "Their texts differ, and yet teachers mix them up: sharpen the descriptions, naming in each what "
            "belongs to the other."
        )
    else:
        advice = "Their texts lie together: a model will need more labelled texts that lie between the two."
    return Pair(
        one=pair.one,
        other=pair.other,
        confusion=pair.confusion,
        compared=pair.compared,
        overlap=pair.overlap,
        suggestion=advice,
        examples=tuple(_between(known, a, b)),
    )


def _between(known: Known, a: int, b: int) -> Iterator[tuple[str, str]]:
    """Texts on which opinions are split between the two, one of each group of duplicates."""
    split = np.zeros(len(known.texts), dtype=bool)
    for (one, has_one), (other, has_other) in combinations(_decisions(known), 2):
        first = one[:, a] & ~one[:, b] & other[:, b] & ~other[:, a]
        second = one[:, b] & ~one[:, a] & other[:, a] & ~other[:, b]
        split |= (first | second) & has_one & has_other
    groups: set[str] = set()
    for row in np.flatnonzero(split).tolist():
        text = known.texts[row]
        if known.groups[text.id] not in groups:
            groups.add(known.groups[text.id])
            yield text.id, excerpt(" ".join(text.content.split()), _EXCERPT)
        if len(groups) == _SHOWN:
            return
