"""Whom the agreement believes, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from rubricator.label.aggregation.dawid_skene import dawid_skene
from rubricator.label.aggregation.log_pool import Method
from rubricator.pages.formatting import percent
from rubricator.pipeline.annotations import Annotations
from rubricator.stats.arrays import Floats
from rubricator.taxonomy import Taxonomy


@dataclass(frozen=True, slots=True)
class TeacherWeight:
    """How far the agreement believes one teacher.

    Attributes:
        teacher: Its name.
        figure: Between 0 and 1; what it means depends on the method.
        by_category: The same by category key.
        why: In a sentence, or an empty string.
    """

    teacher: str
    figure: float
    by_category: Mapping[str, float]
    why: str = ""


def teacher_weights(
    known: Annotations, method: Method, taxonomy: Taxonomy
) -> tuple[str, list[TeacherWeight]]:
    """What the figures mean, in a sentence, and one of them per teacher.

    Args:
        known: What labelling knew.
        method: How the teachers agree.
        taxonomy: The categories.
    """
    keys = taxonomy.keys
    if method == "majority":
        return "Every teacher that has an opinion has one vote.", [
            TeacherWeight(opinion.teacher, 1.0, dict.fromkeys(keys, 1.0)) for opinion in known.opinions
        ]
    if method == "dawid-skene":
        judgement = dawid_skene(known.opinions, taxonomy, known.taught)
        told = f" and {len(known.taught):,} texts labelled by people" if known.taught else " alone"
        what = (
            "how often it is right about texts of the category"
            if taxonomy.single
            else "the mean of how often it is right about texts with and without the category"
        )
        return f"Estimated from the answers{told} (Dawid and Skene): {what}.", [
            _estimated(teacher, confusion, judgement.share, taxonomy)
            for teacher, confusion in judgement.confusion.items()
        ]
    if not known.taught:
        return "No golden text may set weights, so all teachers count the same.", [
            TeacherWeight(opinion.teacher, 1.0, dict.fromkeys(keys, 1.0)) for opinion in known.opinions
        ]
    what = (
        f"The weight of a teacher's word, measured on {len(known.taught):,} texts labelled by people: the "
        "share of the uncertainty about a text that its opinion takes away, at least 0.05."
    )
    return what, [
        TeacherWeight(teacher, float(weight.mean()), dict(zip(keys, weight.tolist(), strict=True)))
        for teacher, weight in known.weights.items()
    ]


def _estimated(teacher: str, confusion: Floats, share: Floats, taxonomy: Taxonomy) -> TeacherWeight:
    keys = taxonomy.keys
    if not taxonomy.single:
        balanced = np.trace(confusion, axis1=1, axis2=2) / 2
        return TeacherWeight(teacher, float(balanced.mean()), dict(zip(keys, balanced.tolist(), strict=True)))
    right = np.diag(confusion)
    mixed = share[:, None] * confusion * (1 - np.eye(len(keys)))
    true, said = np.unravel_index(int(mixed.argmax()), mixed.shape)
    why = (
        f"Its commonest error: “{taxonomy[keys[true]].title}” taken for “{taxonomy[keys[said]].title}” "
        f"({percent(float(confusion[true, said]))} of such texts)."
    )
    return TeacherWeight(teacher, float(share @ right), dict(zip(keys, right.tolist(), strict=True)), why)
