"""All texts of a split as hashes: some 350 bytes each, whatever their length."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rubricator.dataset.near_copies import FEWEST_WORDS, Sketches, exact_key, shingles_of, words_of
from rubricator.ingest.leakage.source import PARTS, PartText, Source
from rubricator.progress import Progress, silent
from rubricator.records import content_hash
from rubricator.stats.arrays import Bools, Floats

Hashes = NDArray[np.uint64]
NO_HASH = np.uint64(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Index:
    """Columns about all texts, one row a text in the order of the source.

    Attributes:
        parts: Names of the parts, `train` before `validation` before `test` before others.
        part: Place of each text's part in `parts`.
        exact: The same for texts of the same words.
        bands: Hashes of bands of the MinHash sketch, shape [texts, bands]; see `long`.
        sketch: The lowest byte of each of its values (b-bit minwise hashing: Li and König, 2010), from which
            the similarity of a pair is estimated, shape [texts, permutations].
        long: Texts with enough words to have near twins.
        id: Hash of the id; `group` of the group, `NO_HASH` where there is none.
        family: The same for a text and what was made from it, `NO_HASH` where nothing was.
        time: Seconds, NaN where there is none.
        label: Number of the cell of labels in `labels`, -1 where it is blank.
    """

    parts: tuple[str, ...]
    part: NDArray[np.uint8]
    exact: Hashes
    bands: NDArray[np.uint32]
    sketch: NDArray[np.uint8]
    long: Bools
    id: Hashes
    group: Hashes
    family: Hashes
    time: Floats
    label: NDArray[np.int32]
    labels: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.part)

    def of_part(self, name: str) -> Bools:
        """The texts of a part, none if there is no such part."""
        return np.asarray(self.part == (self.parts.index(name) if name in self.parts else 255))


def index_texts(source: Source, *, threshold: float, progress: Progress = silent) -> Index:
    """Read all texts of a split once and keep what is compared; `threshold` is that of near-duplicates."""
    sketches = _Bands(threshold)
    names: dict[str, int] = {}
    labels: dict[str, int] = {}
    columns: dict[str, list[NDArray[np.generic]]] = {}
    children: list[tuple[int, tuple[int, ...]]] = []
    count = 0
    with progress("Comparing texts", total=source.rows) as done:
        for batch in source.texts():
            children += [
                (row, tuple(_hash(parent) for parent in text.parents))
                for row, text in enumerate(batch, start=count)
                if text.parents
            ]
            for name, column in _columns(batch, names, labels, sketches).items():
                columns.setdefault(name, []).append(column)
            count += len(batch)
            done(len(batch))
    whole = {name: np.concatenate(columns.pop(name)) for name in list(columns)}
    order = sorted(names, key=lambda name: PARTS.index(name) if name in PARTS else len(PARTS))
    place = np.array([order.index(name) for name in names], dtype=np.uint8)
    return Index(
        parts=tuple(order),
        family=_families(whole["id"], children),
        labels=tuple(labels),
        **(whole | {"part": place[whole["part"]]}),
    )


def _columns(
    batch: list[PartText], names: dict[str, int], labels: dict[str, int], sketches: _Bands
) -> dict[str, NDArray[np.generic]]:
    words = [words_of(text.content) for text in batch]
    exact = [int(exact_key(own, text.content)[:16], 16) for own, text in zip(words, batch, strict=True)]
    bands, sketch = sketches.of(words)
    moments = [np.nan if text.time is None else text.time.timestamp() for text in batch]
    cells = [labels.setdefault(text.label, len(labels)) if text.label else -1 for text in batch]
    return {
        "part": np.array([names.setdefault(text.part, len(names)) for text in batch], dtype=np.uint8),
        "exact": np.array(exact, dtype=np.uint64),
        "bands": bands,
        "sketch": sketch,
        "long": np.array([len(own) >= FEWEST_WORDS for own in words]),
        "id": _hashes(text.id for text in batch),
        "group": _hashes(text.group for text in batch),
        "time": np.array(moments),
        "label": np.array(cells, dtype=np.int32),
    }


class _Bands:
    """Sketches of many texts, cut down to what is kept."""

    def __init__(self, threshold: float) -> None:
        self._sketches = Sketches(threshold)
        self._bands, self._rows = self._sketches.bands
        # Odd numbers, so that no bit of a value is lost.
        self._factors = np.random.default_rng(1).integers(0, 2**63, self._rows, dtype=np.uint64) * 2 + 1

    def of(self, words: list[list[str]]) -> tuple[NDArray[np.uint32], NDArray[np.uint8]]:
        values = np.stack([self._values(own) for own in words])
        used = values[:, : self._bands * self._rows].reshape(len(words), self._bands, self._rows)
        mixed = (used.astype(np.uint64) * self._factors).sum(axis=2, dtype=np.uint64)
        return (mixed >> np.uint64(32)).astype(np.uint32), (values & 0xFF).astype(np.uint8)

    def _values(self, words: list[str]) -> NDArray[np.uint32]:
        shingles = shingles_of(words) if len(words) >= FEWEST_WORDS else np.zeros(0, dtype=np.uint32)
        return np.asarray(self._sketches.sketch(shingles).hashvalues, dtype=np.uint32)


def _hash(value: str) -> int:
    return int(content_hash("leakage:1", value)[:16], 16) or 1 if value else int(NO_HASH)


def _hashes(values: Iterable[str]) -> Hashes:
    return np.array([_hash(value) for value in values], dtype=np.uint64)


def _families(ids: Hashes, children: list[tuple[int, tuple[int, ...]]]) -> Hashes:
    """One hash for every text and all that was made from it, from that, and so on."""
    root: dict[int, int] = {}

    def first(item: int) -> int:
        while (above := root.setdefault(item, item)) != item:
            root[item] = item = root[above]
        return item

    for row, parents in children:
        for parent in parents:
            root[first(parent)] = first(int(ids[row]))
    if not root:
        return np.zeros_like(ids)
    families = np.zeros_like(ids)
    involved = np.isin(ids, np.fromiter(root, dtype=np.uint64))
    families[involved] = [first(int(one)) for one in ids[involved]]
    return families
