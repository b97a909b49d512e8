"""Aggregation over all texts of a run, by the method that the config names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from rubricator.dataset.annotations import TeacherProbabilities, TeacherScores
from rubricator.label.aggregation.dawid_skene import dawid_skene
from rubricator.label.aggregation.log_pool import log_opinion_pool
from rubricator.label.aggregation.probabilities import teacher_probabilities
from rubricator.label.aggregation.votes import Truth, majority
from rubricator.label.aggregation.weights import Weights, confusion_weights, pool_weights, vote_weights, weigh
from rubricator.taxonomy import Taxonomy

Method = Literal["pool", "majority", "dawid-skene"]


@dataclass(frozen=True, slots=True)
class Aggregation:
    """What each teacher says, in their order, what that comes to, and whom it believes.

    The agreement about golden texts is what the teachers say of them, not the truth, so that it can be
    measured there.
    """

    probabilities: list[TeacherProbabilities]
    agreement: TeacherProbabilities
    weights: Weights


def aggregate(
    scores: Sequence[TeacherScores],
    taxonomy: Taxonomy,
    *,
    method: Method,
    truth: Truth,
    groups: Sequence[str],
    seed: int,
) -> Aggregation:
    """Turn the scores of at least one teacher into probabilities, and these into one opinion.

    All scores are of the same texts. The truth is of texts labelled by people that may set things;
    `seed` draws the folds in which they correct one another, groups of near-duplicates kept together.
    """
    probabilities = teacher_probabilities(scores, taxonomy.space, truth=truth, groups=groups, seed=seed)
    agreement, weights = combine(probabilities, taxonomy, method=method, truth=truth)
    return Aggregation(probabilities, agreement, weights)


def combine(
    probabilities: Sequence[TeacherProbabilities],
    taxonomy: Taxonomy,
    *,
    method: Method,
    truth: Truth,
) -> tuple[TeacherProbabilities, Weights]:
    """One opinion from at least one about the same texts, and whom it believes.

    The truth sets the weights of the pool, and Dawid–Skene learns from it.
    """
    space = taxonomy.space
    if method == "majority":
        teachers = [one.teacher for one in probabilities]
        return majority(probabilities, space), vote_weights(teachers, taxonomy)
    if method == "dawid-skene":
        judgement = dawid_skene(probabilities, space, truth)
        return judgement.opinion, confusion_weights(judgement, taxonomy, golden=len(truth))
    weights = weigh(probabilities, truth, space)
    agreement = log_opinion_pool(probabilities, space, weights=weights)
    return agreement, pool_weights(weights, taxonomy, golden=len(truth))
