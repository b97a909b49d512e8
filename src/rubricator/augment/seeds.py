"""Which real training texts a prompt shows: all of one fold, so that what they become trains elsewhere."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from rubricator.errors import DataError
from rubricator.records import Text
from rubricator.stats.arrays import Bools, Floats, Indices
from rubricator.taxonomy import Taxonomy

ENOUGH = 5
"""With so many texts labelled by people, a category takes seeds from them alone."""
_POOL = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """All texts of a run, and what augmentation may know of them; arrays follow the order of the texts.

    Attributes:
        texts: Cleaned, of every part; only those of `train` are ever shown to a model.
        groups: Group of near-duplicates by text id.
        train: Texts of the training part.
        labelled: Texts of `train` whose label models learn from.
        belongs: Labels of those, shape [texts, categories]; False elsewhere.
        human: Where the label is a person's.
        disputed: Where people disagree about a category of a text, shape [texts, categories].
        fold: Fold of model validation; -1 where a text is never held out.
    """

    texts: Sequence[Text]
    groups: Mapping[str, str]
    taxonomy: Taxonomy
    train: Bools
    labelled: Bools
    belongs: Bools
    human: Bools
    disputed: Bools
    fold: Indices

    def __post_init__(self) -> None:
        if (self.labelled & ~self.train).any() or (self.belongs.any(axis=1) & ~self.labelled).any():
            raise ValueError("labels are given for texts outside of train")

    def contents(self, rows: Sequence[int]) -> list[str]:
        """Contents of these texts."""
        return [self.texts[row].content for row in rows]

    def groups_of(self, rows: Sequence[int]) -> tuple[str, ...]:
        """Groups of these texts, each once."""
        return tuple(dict.fromkeys(self.groups[self.texts[row].id] for row in rows))

    def real(self) -> dict[str, int]:
        """Different real training texts by category, near-duplicates counted once."""
        counts = {}
        for place, key in enumerate(self.taxonomy.keys):
            if key != self.taxonomy.none:
                rows = np.flatnonzero(self.belongs[:, place]).tolist()
                counts[key] = len(self.groups_of(rows))
        return counts

    def disputes(self) -> dict[str, float]:
        """Share of the texts labelled by people with a category that others judged otherwise."""
        shares = {}
        for place, key in enumerate(self.taxonomy.keys):
            judged = self.human & (self.belongs[:, place] | self.disputed[:, place])
            shares[key] = float(self.disputed[judged, place].mean()) if judged.sum() > 1 else 0.0
        return shares


class SeedPool:
    """The seeds of one category, by fold.

    Texts that people labelled come first; disputed ones and, where there are others, those with further
    categories are left out.

    Raises:
        DataError: No text is left to start from.
    """

    def __init__(self, material: Material, key: str) -> None:
        self._material = material
        place = material.taxonomy.keys.index(key)
        rows = material.belongs[:, place] & ~material.disputed[:, place]
        for better in (material.belongs.sum(axis=1) == 1, material.human):
            if len(_one_of_each(material, np.flatnonzero(rows & better))) >= ENOUGH:
                rows = rows & better
        self.rows = _one_of_each(material, np.flatnonzero(rows))
        if not self.rows:
            raise DataError(
                f"The category '{key}' has no text to start from: people disagree about all of them.",
                fix="Settle its description and review its texts, or leave it out of `augment.categories`.",
            )
        self._by_fold: dict[int, list[int]] = defaultdict(list)
        for row in self.rows:
            self._by_fold[int(material.fold[row])].append(row)

    def draw(self, count: int, rng: random.Random) -> list[int]:
        """Rows of `count` seeds of one fold, drawn with replacement; each is named once.

        Folds are drawn as often as they have seeds.
        """
        fold = int(self._material.fold[rng.choice(self.rows)])
        drawn = rng.choices(self._by_fold[fold], k=count)
        return list(dict.fromkeys(drawn))

    def draw_in(self, fold: int, count: int, rng: random.Random) -> list[int]:
        """The same from this fold, or from any where the fold is -1; nothing where it has no seeds."""
        if fold < 0:
            return self.draw(count, rng)
        seeds = self._by_fold.get(fold, [])
        return list(dict.fromkeys(rng.choices(seeds, k=count))) if seeds else []


class StylePool:
    """Real training texts of any category that show how people write here, by fold."""

    def __init__(self, material: Material) -> None:
        self._material = material
        self._by_fold: dict[int, list[int]] = defaultdict(list)
        for row in np.flatnonzero(material.train).tolist():
            self._by_fold[int(material.fold[row])].append(row)

    def draw(self, parents: Sequence[int], source: str, count: int, rng: random.Random) -> list[int]:
        """Rows of texts from the parents' fold and source, where there are any, else of any source."""
        fold = int(self._material.fold[parents[0]])
        near = self._by_fold[fold] or list(parents)
        same = [row for row in near if self._material.texts[row].source == source]
        return rng.sample(same or near, k=min(count, len(same or near)))


class NearMisses:
    """Texts of train that nobody labelled and that almost belong to a category, the nearest first.

    `likeness` says how like every text is to every category, shape [texts, categories].
    """

    def __init__(
        self, material: Material, pool: SeedPool, key: str, likeness: Floats, *, wanted: int
    ) -> None:
        self._material = material
        self._pool = pool
        place = material.taxonomy.keys.index(key)
        taken = material.belongs[:, place] | material.human | material.disputed[:, place]
        rows = np.flatnonzero(material.train & ~taken)
        ordered = rows[np.argsort(-likeness[rows, place], kind="stable")]
        folds = {int(material.fold[row]) for row in pool.rows}
        near = _one_of_each(material, ordered)
        usable = [row for row in near if material.fold[row] < 0 or int(material.fold[row]) in folds]
        self.rows = usable[: max(ENOUGH, _POOL * wanted)]
        if not self.rows:
            raise DataError(
                f"There is no near-miss to change for the category '{key}': every training text has it, or "
                "people labelled it.",
                fix="Set `augment.way: write`, or add texts that nobody labelled.",
            )

    def draw(self, seeds: int, rng: random.Random) -> tuple[int, list[int]]:
        """Row of a near-miss, and rows of seeds of its fold."""
        row = rng.choice(self.rows)
        return row, self._pool.draw_in(int(self._material.fold[row]), seeds, rng)


def _one_of_each(material: Material, rows: Indices) -> list[int]:
    """The first row of every group, in order."""
    first: dict[str, int] = {}
    for row in rows.tolist():
        first.setdefault(material.groups[material.texts[row].id], row)
    return list(first.values())
