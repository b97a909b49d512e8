"""Aggregation over all texts of a run, by the method that the config names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from rubricator.dataset.annotations import TeacherProbabilities, TeacherScores
from rubricator.label.aggregation.dawid_skene import dawid_skene
from rubricator.label.aggregation.log_pool import log_opinion_pool, weigh
from rubricator.label.aggregation.probabilities import teacher_probabilities
from rubricator.label.aggregation.votes import majority
from rubricator.label.aggregation.weights import Weights, confusion_weights, pool_weights, vote_weights
from rubricator.stats.arrays import Bools
from rubricator.taxonomy import Taxonomy

Method = Literal["pool", "majority", "dawid-skene"]


@dataclass(frozen=True, slots=True)
class Aggregation:
    """What the teachers say and what it comes to.

    Attributes:
        probabilities: Of each teacher, in their order.
        agreement: What they come to. About golden texts it is what the teachers say of them, not what is
            known, so that it can be measured there.
        weights: Whom it believes.
    """

    probabilities: list[TeacherProbabilities]
    agreement: TeacherProbabilities
    weights: Weights


def aggregate(
    scores: Sequence[TeacherScores],
    taxonomy: Taxonomy,
    *,
    method: Method,
    truth: Mapping[int, Bools],
    groups: Sequence[str],
    seed: int,
) -> Aggregation:
    """Turn the teachers' scores into probabilities, and these into one opinion.

    Args:
        scores: Of each teacher, at least one; same texts.
        taxonomy: The categories.
        method: How the teachers agree.
        truth: Row of a text labelled by people that may set things → its categories, shape [categories].
        groups: Group of near-duplicates of every text.
        seed: Draws the folds in which golden texts correct one another.
    """
    probabilities = teacher_probabilities(scores, taxonomy.space, truth=truth, groups=groups, seed=seed)
    agreement, weights = combine(probabilities, taxonomy, method=method, truth=truth)
    return Aggregation(probabilities, agreement, weights)


def combine(
    probabilities: Sequence[TeacherProbabilities],
    taxonomy: Taxonomy,
    *,
    method: Method,
    truth: Mapping[int, Bools],
) -> tuple[TeacherProbabilities, Weights]:
    """One opinion from several, and whom it believes.

    Args:
        probabilities: At least one; same texts.
        taxonomy: The categories.
        method: How the teachers agree.
        truth: As in `aggregate`: sets the weights of the pool, and Dawid–Skene learns from it.
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
