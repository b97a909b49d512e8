"""The weighted mean of the teachers' log-odds, and what each teacher is worth in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from scipy.special import logit

from rubricator.dataset.annotations import TeacherProbabilities
from rubricator.label.aggregation.votes import Truth, golden_rows
from rubricator.label_space import LabelSpace
from rubricator.stats.arrays import Bools, Floats
from rubricator.stats.losses import binary_cross_entropy

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


def log_opinion_pool(
    opinions: Sequence[TeacherProbabilities], space: LabelSpace, *, weights: Mapping[str, Floats]
) -> TeacherProbabilities:
    """One opinion from several: the weighted mean of their log-odds, abstentions left out.

    This is the logarithmic opinion pool (Genest and Zidek, "Combining probability distributions",
    1986): unlike a sum of log-odds it does not become surer because teachers repeat one another.
    Multi-label, a cell about which every teacher abstains gets the category's mean probability.
    Single-label, a text about which every teacher abstains stays NaN. Weights are those of `weigh`.
    """
    stacked = np.stack([np.clip(opinion.probabilities, _SURE, 1 - _SURE) for opinion in opinions])
    stated = np.isfinite(stacked)
    weight = np.where(stated, np.stack([weights[opinion.teacher] for opinion in opinions])[:, None, :], 0.0)
    evidence = np.log(stacked) if space.single else logit(stacked)
    total = weight.sum(axis=0)
    mean = (np.where(stated, evidence, 0.0) * weight).sum(axis=0) / np.where(total > 0, total, np.nan)
    answered = np.any([opinion.answered for opinion in opinions], axis=0)
    probabilities = space.probabilities(mean)
    if not space.single:
        silent = answered[:, None] & ~np.isfinite(probabilities)
        rate = np.nansum(probabilities, axis=0) / max(answered.sum(), 1)
        probabilities = np.where(silent, rate, probabilities)
    return TeacherProbabilities("agreement", probabilities, answered)
