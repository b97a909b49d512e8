"""Groups of texts that say the same: a group never crosses a split or a fold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rubricator.config import Duplicates
from rubricator.dataset.near_copies import (
    FEWEST_WORDS,
    Shingles,
    Sketches,
    exact_key,
    jaccard,
    shingles_of,
    words_of,
)
from rubricator.errors import DataError
from rubricator.progress import Progress, silent
from rubricator.records import Text

_BLOCK = 1024
# So many members stand for a group: thousands of copies of one advertisement are not all compared.
_CROWD = 30

_Done = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Groups:
    """The group of each text by id, named by the id of its first text.

    `exact` counts the texts with an earlier exact twin, `near` the others with an earlier near twin.
    """

    of: dict[str, str]
    exact: int
    near: int


def group_duplicates(
    texts: Sequence[Text],
    config: Duplicates,
    *,
    vectors: NDArray[np.float32] | None = None,
    together: Sequence[Mapping[str, str]] = (),
    progress: Progress = silent,
) -> Groups:
    """Group texts whose content is equal or nearly equal.

    Exact twins have the same words in the same order; case, punctuation and spaces do not count.
    Near twins are linked in pairs, and whatever is linked forms one group. `minhash` compares sets
    of three-word shingles (Broder, "On the resemblance and containment of documents", 1997), finds
    candidates by locality-sensitive hashing and checks each by its true Jaccard similarity;
    `embeddings` compares all pairs of vectors.

    Texts with one value in a mapping of `together`, which goes by text id, belong together too (a source, an
    author); a text that is not in it stands alone. `vectors` are L2-normalised, shape [texts, width].

    Raises:
        DataError: The method is `embeddings` and vectors are missing or of another number.
    """
    words = [words_of(text.content or text.original) for text in texts]
    links = _Links(len(texts))
    distinct = _link_exact(texts, words, links)
    exact = len(texts) - len(distinct)
    near = 0
    with progress("Looking for duplicates", total=len(distinct)) as done:
        if config.method == "embeddings":
            if vectors is None or len(vectors) != len(texts):
                raise DataError(
                    "Duplicates by embeddings need one vector per text.",
                    fix="Pass `vectors`, or write `duplicates.method: minhash`.",
                )
            near = _link_by_cosine(vectors[distinct], distinct, config.threshold, links, done)
        elif config.method == "minhash":
            near = _link_by_shingles(words, distinct, config.threshold, links, done)
    for value_of in together:
        first_rows: dict[str, int] = {}
        for row, text in enumerate(texts):
            if text.id in value_of:
                links.join(first_rows.setdefault(value_of[text.id], row), row)
    of = {text.id: texts[links.first(row)].id for row, text in enumerate(texts)}
    return Groups(of, exact, near)


class _Links:
    """Union-find whose root is always the smallest member."""

    def __init__(self, size: int) -> None:
        self._parent = list(range(size))

    def first(self, item: int) -> int:
        while self._parent[item] != item:
            self._parent[item] = self._parent[self._parent[item]]
            item = self._parent[item]
        return item

    def join(self, one: int, other: int) -> None:
        low, high = sorted((self.first(one), self.first(other)))
        self._parent[high] = low


def _link_exact(texts: Sequence[Text], words: list[list[str]], links: _Links) -> list[int]:
    """Link exact twins; returns the rows of first occurrences."""
    first_rows: dict[str, int] = {}
    for row, (text, own) in enumerate(zip(texts, words, strict=True)):
        key = exact_key(own, text.content or text.original)
        links.join(first_rows.setdefault(key, row), row)
    return list(first_rows.values())


def _link_by_shingles(
    words: list[list[str]], rows: list[int], threshold: float, links: _Links, done: _Done
) -> int:
    index = Sketches(threshold)
    shingles: dict[int, Shingles] = {}
    crowd: Counter[int] = Counter()
    near = 0
    for row in rows:
        if len(words[row]) >= FEWEST_WORDS:
            own = shingles[row] = shingles_of(words[row])
            sketch = index.sketch(own)
            near += _link_to_candidates(row, index.candidates(sketch), shingles, threshold, links)
            group = links.first(row)
            if crowd[group] < _CROWD:
                index.add(row, sketch)
                crowd[group] += 1
        done(1)
    return near


def _link_to_candidates(
    row: int, candidates: list[int], shingles: dict[int, Shingles], threshold: float, links: _Links
) -> bool:
    """Link a row to every group in which it has a near twin; one twin per group is enough."""
    has_twin = False
    for candidate in candidates:
        apart = links.first(candidate) != links.first(row)
        if apart and jaccard(shingles[row], shingles[candidate]) >= threshold:
            links.join(candidate, row)
            has_twin = True
    return has_twin


def _link_by_cosine(
    vectors: NDArray[np.float32], rows: list[int], threshold: float, links: _Links, done: _Done
) -> int:
    near = 0
    for start in range(0, len(rows), _BLOCK):
        block = vectors[start : start + _BLOCK]
        # Only pairs below the diagonal: each text against those before it.
        alike = np.tril(block @ vectors[: start + len(block)].T >= threshold, k=start - 1)
        near += int(alike.any(axis=1).sum())
        for late, early in np.argwhere(alike):
            links.join(rows[early], rows[start + late])
        done(len(block))
    return near
