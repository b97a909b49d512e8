"""Who labelled each text, and what that label may be used for: the one place that says so."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from rubricator.dataset import files
from rubricator.dataset.dataset import Dataset
from rubricator.dataset.reviews import Review, label_of
from rubricator.dataset.split import TEACHING_PARTS, DatasetSplit
from rubricator.records import Origin
from rubricator.stats.arrays import Bools, Indices
from rubricator.taxonomy import Taxonomy

SOURCES = "stages/sources.parquet"
"""Where the table lies in the folder of a run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelSources:
    """One row a text, in the order of the dataset.

    Attributes:
        ids: Of the texts.
        origin: `golden` or `review` where a person labelled the text, `agreement` where only teachers did,
            empty where nobody did. A golden label outranks a review.
        categories: What the person said, shape [texts, categories]; all False where no person labelled.
        unbiased: Labels of people that may measure: golden ones, and reviews of texts that were drawn at
            random and shown blind. Texts reviewed for being doubtful would make everybody look worse than
            they are, and answers given beside a suggestion better.
        teaches: Labels of people that models may learn from: golden ones as `golden.use` says, reviews of
            texts outside test that repeat no golden text measured by cross-validation.
        part: Part of each text.
        fold: Fold of the golden cross-validation, of golden texts and of their duplicates; -1 elsewhere.
    """

    ids: tuple[str, ...]
    origin: NDArray[np.str_]
    categories: Bools
    unbiased: Bools
    teaches: Bools
    part: NDArray[np.str_]
    fold: Indices

    @property
    def human(self) -> Bools:
        """Texts that a person labelled."""
        return np.asarray(np.isin(self.origin, [Origin.GOLDEN, Origin.REVIEW]))

    @property
    def agreed(self) -> Bools:
        """Texts that only teachers labelled."""
        return np.asarray(self.origin == Origin.AGREEMENT)

    def without(self, rows: Bools) -> LabelSources:
        """The same as if these texts could not teach."""
        return replace(self, teaches=self.teaches & ~rows)

    def with_agreed(self, ids: Collection[str]) -> LabelSources:
        """The same once teachers labelled these texts; where a person did, that stays."""
        by_teachers = np.array([id_ in ids for id_ in self.ids], dtype=bool) & ~self.human
        return replace(self, origin=np.where(by_teachers, Origin.AGREEMENT, self.origin))

    def truth(self, rows: Bools) -> dict[int, Bools]:
        """Row of each of these texts → its categories, shape [categories]."""
        return {int(row): self.categories[row] for row in np.flatnonzero(rows)}


def label_sources(
    dataset: Dataset, split: DatasetSplit, reviews: Mapping[str, Review], taxonomy: Taxonomy
) -> LabelSources:
    """Golden labels and reviews in one table.

    Reviews that leave a category open are left out, and so are those of exact duplicates of golden texts: the
    golden label says what is so of that content, and counts once.
    """
    golden_contents = {text.content for text in dataset.texts if text.id in dataset.golden}
    copies = {text.id for text in dataset.texts if text.content in golden_contents}
    reviewed = {id_: label_of(review, taxonomy) for id_, review in reviews.items() if id_ not in copies}
    ids = tuple(text.id for text in dataset.texts)
    part = np.array([split.part[id_] for id_ in ids], dtype=np.str_)
    fold = np.array([split.fold.get(id_, -1) for id_ in ids], dtype=np.intp)
    golden = np.array([id_ in dataset.golden for id_ in ids], dtype=bool)
    review = ~golden & np.array([reviewed.get(id_) is not None for id_ in ids], dtype=bool)
    labels = [dataset.golden[id_] if id_ in dataset.golden else reviewed.get(id_) or () for id_ in ids]
    measures = np.array([id_ in reviews and reviews[id_].measures for id_ in ids], dtype=bool)
    taught = np.array([id_ in split.teaching for id_ in ids], dtype=bool)
    return LabelSources(
        ids=ids,
        origin=np.select([golden, review], [Origin.GOLDEN, Origin.REVIEW], ""),
        categories=taxonomy.space.indicators(labels),
        unbiased=golden | (review & measures),
        teaches=(golden & taught) | (review & np.isin(part, list(TEACHING_PARTS)) & (fold < 0)),
        part=part,
        fold=fold,
    )


def write_sources(folder: Path, sources: LabelSources, taxonomy: Taxonomy) -> None:
    """Write one row a text; what a person said as keys joined by commas, null where none did."""
    keys = np.array(taxonomy.keys)
    labels = [
        ",".join(keys[row]) if human else None
        for row, human in zip(sources.categories, sources.human, strict=True)
    ]
    columns = {name: getattr(sources, name) for name in ("origin", "unbiased", "teaches", "part", "fold")}
    frame = pl.DataFrame({"id": sources.ids, "labels": pl.Series(labels, dtype=pl.String), **columns})
    frame.write_parquet(folder / SOURCES)


def read_sources(folder: Path, taxonomy: Taxonomy) -> LabelSources:
    """Read what `write_sources` wrote."""
    table = pl.read_parquet(folder / SOURCES)
    return LabelSources(
        ids=tuple(table["id"]),
        origin=np.array(table["origin"].to_list(), dtype=np.str_),
        categories=taxonomy.space.indicators([files.split_keys(cell or "") for cell in table["labels"]]),
        unbiased=table["unbiased"].to_numpy().astype(bool),
        teaches=table["teaches"].to_numpy().astype(bool),
        part=np.array(table["part"].to_list(), dtype=np.str_),
        fold=table["fold"].to_numpy().astype(np.intp),
    )
