"""Whom the agreement believes, and why, in figures and sentences that people read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

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
    return Weights("Every teacher that has an opinion has one vote.", _equal(teachers, taxonomy))


def pool_weights(weights: Mapping[str, Floats], taxonomy: Taxonomy, *, golden: int) -> Weights:
    """Of the opinion pool (see `log_pool.weigh`), measured on so many golden texts."""
    if not golden:
        meaning = "No golden text may set weights, so all teachers count the same."
        return Weights(meaning, _equal(list(weights), taxonomy))
    meaning = (
        f"The weight of a teacher's word, measured on {golden:,} texts labelled by people: the "
        "share of the uncertainty about a text that its opinion takes away, at least 0.05."
    )
    return Weights(
        meaning,
        [_weight(teacher, weight.mean(), weight, taxonomy) for teacher, weight in weights.items()],
    )


def confusion_weights(judgement: Judgement, taxonomy: Taxonomy, *, golden: int) -> Weights:
    """Of Dawid and Skene's method, which learned from so many texts labelled by people."""
    beside = f" and {golden:,} texts labelled by people" if golden else " alone"
    what = (
        "how often it is right about texts of the category"
        if taxonomy.single
        else "the mean of how often it is right about texts with and without the category"
    )
    return Weights(
        f"Estimated from the answers{beside} (Dawid and Skene): {what}.",
        [
            _estimated(teacher, confusion, judgement.share, taxonomy)
            for teacher, confusion in judgement.confusion.items()
        ],
    )


def _equal(teachers: Sequence[str], taxonomy: Taxonomy) -> list[TeacherWeight]:
    return [TeacherWeight(teacher, 1.0, dict.fromkeys(taxonomy.keys, 1.0)) for teacher in teachers]


def _weight(
    teacher: str, overall: float, categories: Floats, taxonomy: Taxonomy, why: str = ""
) -> TeacherWeight:
    by_key = dict(zip(taxonomy.keys, categories.tolist(), strict=True))
    return TeacherWeight(teacher, float(overall), by_key, why)


def _estimated(teacher: str, confusion: Floats, share: Floats, taxonomy: Taxonomy) -> TeacherWeight:
    if not taxonomy.single:
        balanced = np.trace(confusion, axis1=1, axis2=2) / 2
        return _weight(teacher, balanced.mean(), balanced, taxonomy)
    keys = taxonomy.keys
    right = np.diag(confusion)
    mixed = share[:, None] * confusion * (1 - np.eye(len(keys)))
    true, answer = np.unravel_index(int(mixed.argmax()), mixed.shape)
    why = (
        f"Its commonest error: “{taxonomy[keys[true]].title}” taken for “{taxonomy[keys[answer]].title}” "
        f"({percent(float(confusion[true, answer]))} of such texts)."
    )
    return _weight(teacher, float(share @ right), right, taxonomy, why)
