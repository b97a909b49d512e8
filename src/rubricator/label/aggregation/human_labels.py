"""What people said of the texts of a run, and what their word may be used for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rubricator.pipeline.read import Dataset
from rubricator.pipeline.split import DatasetSplit
from rubricator.review.reviews import Review, label_of
from rubricator.taxonomy import Taxonomy


@dataclass(frozen=True, slots=True)
class HumanLabels:
    """The labels that people gave.

    Attributes:
        known: Categories by text id: of golden texts, and of other texts that were reviewed.
        teaching: Ids of those that models may learn from.
        unbiased: Ids of those among them that are a fair sample of the texts: golden texts, and reviewed
            ones that were drawn at random. Only these correct teachers, calibrate and choose models:
            texts reviewed for being doubtful would make everybody look worse than they are.
        reviewed: Ids of the texts that have a review and no golden label.
    """

    known: Mapping[str, tuple[str, ...]]
    teaching: frozenset[str]
    unbiased: frozenset[str]
    reviewed: frozenset[str]


def collect_human_labels(
    dataset: Dataset, split: DatasetSplit, reviews: Mapping[str, Review], taxonomy: Taxonomy
) -> HumanLabels:
    """Golden labels and reviews together; a golden label outranks a review of the same text.

    Reviews that leave a category open are left out. Reviewed texts of the test part teach nobody,
    nor do duplicates of golden texts that are measured by cross-validation.
    """
    said = {id_: label_of(review, taxonomy) for id_, review in reviews.items() if id_ not in dataset.golden}
    reviewed = {id_: categories for id_, categories in said.items() if categories is not None}
    teaching = {id_ for id_ in reviewed if split.part[id_] != "test" and id_ not in split.fold}
    drawn = {id_ for id_ in teaching if reviews[id_].chosen == "random"}
    return HumanLabels(
        known={**reviewed, **dataset.golden},
        teaching=split.teaching | teaching,
        unbiased=split.teaching | drawn,
        reviewed=frozenset(reviewed),
    )
