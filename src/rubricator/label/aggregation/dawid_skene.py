"""Whom to believe, worked out from the answers alone: the confusion of every teacher by EM."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from rubricator.dataset.annotations import TeacherProbabilities
from rubricator.label.aggregation.votes import SILENT, Truth, Votes, votes_of
from rubricator.label_space import LabelSpace
from rubricator.stats.arrays import Floats

_ROUNDS = 200
_STILL = 1e-6
# Dirichlet prior of a row of confusion, in answers: teachers are right more often than not …
_RIGHT, _ANY = 2.0, 1.0
# … and, with three classes or more, about as often in every class. Without it a class that hardly any
# text has soon means "some teachers say this and others that", and takes texts from a common one.
_POOLED = 50.0

# crowd-kit has the same method and is what the tests compare with. It is not used here: it neither
# smooths nor takes golden texts out again to judge them, brings nltk and transformers, and warns.


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the teachers agree on, and how each of them errs.

    Attributes:
        opinion: Of a teacher named `agreement`.
        confusion: By teacher: probability of what it says given what is true, rows adding up to 1.
            Single-label shape [categories (true), categories (said)]; multi-label shape [categories,
            2 (true: no, yes), 2 (said: no, yes)].
        share: Estimated share of texts in each category, shape [categories].
    """

    opinion: TeacherProbabilities
    confusion: Mapping[str, Floats]
    share: Floats


def dawid_skene(opinions: Sequence[TeacherProbabilities], space: LabelSpace, truth: Truth) -> Judgement:
    """Estimate true categories and the teachers' confusion together, by expectation maximisation.

    Dawid and Skene, "Maximum likelihood estimation of observer error-rates using the EM algorithm"
    (1979), started from the majority. Every row of confusion has a Dirichlet prior around the
    teacher's overall accuracy (partial pooling: Paun et al., "Comparing Bayesian models of
    annotation", 2018). Multi-label is the same with two classes, category by category. Silence is
    left out, never counted as a vote; a teacher that only ever says yes, as rules do, therefore
    tells it nothing. Golden texts hold their truth during estimation, and are then judged by
    confusions counted without them, so that measuring the result on them is fair.

    The method takes the teachers' errors for independent. Teachers of one family (the same model
    behind two prompts, a vote of the others beside those others) err together, which looks like
    being right: they are believed more than they should be, and probabilities come out far too
    sure (five models about real reviews: 0.94 expected, 0.70 found; benchmarks/agreement.py).
    Answers alone do not tell such a family from several good teachers. Name one teacher of each
    family, or use the golden-weighted `pool`, which does not become surer when teachers repeat one
    another. Three opinions or more are better than fewer.
    """
    votes = votes_of(opinions, space)
    names = [opinion.teacher for opinion in opinions]
    answered = np.any([opinion.answered for opinion in opinions], axis=0)
    golden = np.full((votes.shape[1], len(space)), SILENT, dtype=np.int16)
    for row, categories in truth.items():
        golden[row] = categories
    if space.single:
        classes = np.where(golden[:, 0] == SILENT, SILENT, golden.argmax(axis=1)).astype(np.int16)
        posterior, share, confusion = _estimate(votes, classes, len(space))
        posterior[(votes == SILENT).all(axis=0)] = np.nan
    else:
        columns = [_estimate(votes[..., j], golden[:, j], 2) for j in range(len(space))]
        posterior = np.stack([column[0][:, 1] for column in columns], axis=1)
        posterior[~answered & (votes == SILENT).all(axis=(0, 2))] = np.nan
        share = np.array([column[1][1] for column in columns])
        confusion = np.stack([column[2] for column in columns], axis=1)
    agreement = TeacherProbabilities("agreement", posterior, answered)
    return Judgement(agreement, dict(zip(names, confusion, strict=True)), share)


def _estimate(votes: Votes, golden: NDArray[np.int16], size: int) -> tuple[Floats, Floats, Floats]:
    """Posterior [texts, size], shares [size], confusion [teachers, size, size] of one question.

    Votes have the shape [teachers, texts], golden classes [texts]; -1 stands for silence and for texts
    that are not golden.
    """
    # Texts on which all say the same share their posterior, and there are far fewer such patterns.
    patterns, of_text, texts = np.unique(
        np.vstack([votes, golden]), axis=1, return_inverse=True, return_counts=True
    )
    votes, golden = patterns[:-1], patterns[-1]
    times = np.where((votes != SILENT).any(axis=0), texts, 0).astype(np.float64)
    posterior = (votes[..., None] == np.arange(size)).sum(axis=0) + 1 / size
    posterior = posterior / posterior.sum(axis=1, keepdims=True)
    for _ in range(_ROUNDS):
        # What moves is compared after golden rows are put back, or they would never stand still.
        before = _with_golden(posterior, golden)
        prior, counts = _count(votes, before * times[:, None])
        posterior = softmax(_evidence(votes, prior, counts), axis=1)
        if np.abs(_with_golden(posterior, golden) - before).max() < _STILL:
            break
    posterior = _judge_golden(votes, golden, prior, counts, posterior)
    return posterior[of_text], prior / prior.sum(), counts / counts.sum(axis=2, keepdims=True)


def _with_golden(posterior: Floats, golden: NDArray[np.int16]) -> Floats:
    truth = golden[:, None] == np.arange(posterior.shape[1])
    return np.where((golden == SILENT)[:, None], posterior, truth)


def _count(votes: Votes, mass: Floats) -> tuple[Floats, Floats]:
    """Texts per class, and per teacher what it said of them; both with what is believed beforehand.

    Votes have the shape [teachers, patterns]; `mass` is the number of texts of each pattern in each
    class, shape [patterns, size].
    """
    size = mass.shape[1]
    counts = np.tile(np.eye(size) * _RIGHT + _ANY / size, (len(votes), 1, 1))
    for teacher, vote in enumerate(votes):
        voted = vote != SILENT
        for true in range(size):
            counts[teacher, true] += np.bincount(vote[voted], mass[voted, true], minlength=size)
    # Of two classes one is usually rare, and who leaves out the common texts need not find the rare ones.
    pooled = counts + _POOLED * _overall(counts) if size > 2 else counts
    return mass.sum(axis=0) + 1.0, pooled


def _overall(counts: Floats) -> Floats:
    """Confusion of teachers as right in every class as they are overall, erring as they usually answer."""
    size = counts.shape[1]
    own = np.eye(size)
    right = np.trace(counts, axis1=1, axis2=2) / counts.sum(axis=(1, 2))
    usual = counts.sum(axis=1, keepdims=True) * (1 - own)
    wrong = usual / usual.sum(axis=2, keepdims=True)
    return np.asarray(right[:, None, None] * own + (1 - right)[:, None, None] * wrong)


def _evidence(votes: Votes, prior: Floats, counts: Floats) -> Floats:
    """Logarithm of the unnormalised posterior, shape [texts, size]."""
    likelihoods = np.log(counts / counts.sum(axis=2, keepdims=True))
    evidence = np.tile(np.log(prior / prior.sum()), (votes.shape[1], 1))
    for vote, likelihood in zip(votes, likelihoods, strict=True):
        voted = vote != SILENT
        evidence[voted] += likelihood[:, vote[voted]].T
    return evidence


def _judge_golden(
    votes: Votes, golden: NDArray[np.int16], prior: Floats, counts: Floats, posterior: Floats
) -> Floats:
    """The posterior with golden rows judged as if each had been unknown and never counted.

    A golden text counts in one row of each teacher's matrix, that of its own class, so taking it out
    again changes the evidence for that class alone.
    """
    rows = np.flatnonzero((golden != SILENT) & (votes != SILENT).any(axis=0))
    if not len(rows):
        return posterior
    true = golden[rows]
    evidence = _evidence(votes[:, rows], prior, counts)
    own = np.log(prior[true] - 1) - np.log(prior.sum())
    for vote, count in zip(votes[:, rows], counts, strict=True):
        voted = vote != SILENT
        hits, totals = count[true[voted], vote[voted]], count.sum(axis=1)[true[voted]]
        own[voted] += np.log(hits - 1) - np.log(totals - 1)
    evidence[np.arange(len(rows)), true] = own
    judged = posterior.copy()
    judged[rows] = softmax(evidence, axis=1)
    return judged
