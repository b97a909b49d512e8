"""What each teacher is worth, and whom the agreement believes and why, in sentences that people read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from rubricator.dataset.annotations import TeacherProbabilities, TeacherWeight
from rubricator.label.aggregation.dawid_skene import Judgement
from rubricator.label.aggregation.votes import Truth, golden_rows
from rubricator.label_space import LabelSpace
from rubricator.pages.formatting import percent
from rubricator.stats.arrays import Bools, Floats
from rubricator.stats.losses import binary_cross_entropy
from rubricator.taxonomy import Taxonomy

_SURE = 1e-6
_LEAST_WEIGHT = 0.001  # as good as nothing beside others; alone, a teacher is still better than none
_COUNTED_AS = 10.0  # golden texts that a teacher's overall skill is worth in one category's
_USUAL_SKILL = 0.5


def weigh(opinions: Sequence[TeacherProbabilities], truth: Truth, space: LabelSpace) -> dict[str, Floats]:
    """How much each teacher's word counts in each category, measured on golden texts.

    The weight is the share of the uncertainty about a golden text that the teacher takes away where
    it has an opinion: 1 minus its log loss over that of the base rate. A category with few golden
    opinions borrows from the teacher's others; in single-label work all have the same, drawn to one
    half where golden texts are few. Opinions must be cross-fitted on the golden texts (see
    `teacher_probabilities`). Weights lie between 0.001 and 1, shape [categories]; all are 1 without
    golden texts.
    """
    if not truth:
        return {opinion.teacher: np.ones(len(space)) for opinion in opinions}
    rows, targets = golden_rows(truth)
    base = np.broadcast_to((targets.sum(axis=0) + 0.5) / (len(rows) + 1), targets.shape)
    return {o.teacher: _skill(o.probabilities[rows], targets, base, single=space.single) for o in opinions}


def _skill(probabilities: Floats, targets: Bools, base: Floats, *, single: bool) -> Floats:
    stated = np.isfinite(probabilities)
    filled = np.where(stated, probabilities, 0.5)
    own = np.where(stated, binary_cross_entropy(filled, targets, floor=_SURE), 0.0)
    blind = np.where(stated, binary_cross_entropy(base, targets, floor=_SURE), 0.0)
    overall = 1 - own.sum() / max(blind.sum(), _SURE)
    if single:
        # Categories share one distribution, so a teacher speaks equally loudly about all of them;
        # how loudly, a handful of texts cannot tell.
        answered = float(stated.any(axis=1).sum())
        drawn = (answered * overall + _COUNTED_AS * _USUAL_SKILL) / (answered + _COUNTED_AS)
        return np.full(targets.shape[1], np.clip(drawn, _LEAST_WEIGHT, 1.0))
    borrowed = _COUNTED_AS * blind.sum() / max(stated.sum(), 1)
    skill = 1 - (own.sum(axis=0) + borrowed * (1 - overall)) / np.maximum(blind.sum(axis=0) + borrowed, _SURE)
    return np.asarray(np.clip(skill, _LEAST_WEIGHT, 1.0))


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
    """Of the opinion pool (see `weigh`), measured on so many golden texts."""
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
