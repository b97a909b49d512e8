"""Whom the agreement believes, and why, in figures and sentences that people read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from rubricator.dataset.annotations import TeacherWeight
from rubricator.label.aggregation.dawid_skene import Judgement
from rubricator.pages.formatting import percent
from rubricator.stats.arrays import Floats
from rubricator.taxonomy import Taxonomy


@dataclass(frozen=True, slots=True)
class Weights:
    """Whom the agreement believes: one figure per teacher, and what the figures are, in a sentence."""

    meaning: str
    teachers: list[TeacherWeight]


def vote_weights(teachers: Sequence[str], taxonomy: Taxonomy) -> Weights:
    """Of a majority vote."""
    even = np.ones(len(taxonomy.keys))
    weights = [_weight(teacher, even, taxonomy) for teacher in teachers]
    return Weights("Every teacher that has an opinion has one vote.", weights)


def pool_weights(weights: Mapping[str, Floats], taxonomy: Taxonomy, *, golden: int) -> Weights:
    """Of the opinion pool (see `log_pool.weigh`), measured on so many golden texts."""
    meaning = "No golden text may set weights, so all teachers count the same."
    if golden:
        meaning = (
            f"The weight of a teacher's word, measured on {golden:,} texts labelled by people: the "
            "share of the uncertainty about a text that its opinion takes away."
        )
    return Weights(meaning, [_weight(teacher, weight, taxonomy) for teacher, weight in weights.items()])


def confusion_weights(judgement: Judgement, taxonomy: Taxonomy, *, golden: int) -> Weights:
    """Of Dawid and Skene's method, which learned from so many texts labelled by people."""
    beside = f" and {golden:,} texts labelled by people" if golden else " alone"
    confusion = judgement.confusion
    if taxonomy.single:
        what = "how often it is right about texts of the category"
        weights = [_single(teacher, rates, judgement.share, taxonomy) for teacher, rates in confusion.items()]
    else:
        what = "the mean of how often it is right about texts with and without the category"
        weights = [
            _weight(teacher, np.trace(rates, axis1=1, axis2=2) / 2, taxonomy)
            for teacher, rates in confusion.items()
        ]
    return Weights(f"Estimated from the answers{beside} (Dawid and Skene): {what}.", weights)


def _weight(teacher: str, categories: Floats, taxonomy: Taxonomy) -> TeacherWeight:
    by_key = dict(zip(taxonomy.keys, categories.tolist(), strict=True))
    return TeacherWeight(teacher, float(categories.mean()), by_key)


def _single(teacher: str, confusion: Floats, share: Floats, taxonomy: Taxonomy) -> TeacherWeight:
    right = np.diag(confusion)
    mixed = share[:, None] * confusion * (1 - np.eye(len(right)))
    true, answer = np.unravel_index(int(mixed.argmax()), mixed.shape)
    true_title, answer_title = (taxonomy.categories[place].title for place in (true, answer))
    why = (
        f"Its commonest error: “{true_title}” taken for “{answer_title}” "
        f"({percent(float(confusion[true, answer]))} of such texts)."
    )
    return replace(_weight(teacher, right, taxonomy), figure=float(share @ right), why=why)
