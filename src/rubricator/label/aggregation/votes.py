"""Hard decisions of teachers, and what most of them say."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from rubricator.dataset.annotations import TeacherProbabilities
from rubricator.stats.arrays import Bools, Floats
from rubricator.taxonomy import Taxonomy

Votes = NDArray[np.int16]
SILENT = -1
"""The vote of a teacher that has no opinion."""


def decide(probabilities: Floats, *, single: bool) -> Bools:
    """What a teacher decides by itself: the best category, or all those as likely as not.

    Args:
        probabilities: Shape [texts, categories]; NaN decides on nothing.
        single: True if a text has exactly one category; the first of several best ones is taken.
    """
    likely = np.nan_to_num(probabilities)
    if not single:
        return np.asarray(likely >= 0.5)
    best = np.zeros(likely.shape, dtype=bool)
    best[np.arange(len(likely)), likely.argmax(axis=1)] = True
    return best & np.isfinite(probabilities)


def votes_of(opinions: Sequence[TeacherProbabilities], taxonomy: Taxonomy) -> Votes:
    """The decisions of all teachers, -1 where one is silent.

    Returns:
        Single-label: column of the category, shape [teachers, texts]. Multi-label: 1 or 0 for every
        category, shape [teachers, texts, categories].
    """
    return np.stack([_votes(opinion.probabilities, single=taxonomy.single) for opinion in opinions])


def _votes(probabilities: Floats, *, single: bool) -> Votes:
    seen, decided = np.isfinite(probabilities), decide(probabilities, single=single)
    if single:
        return np.where(seen.any(axis=1), decided.argmax(axis=1), SILENT).astype(np.int16)
    return np.where(seen, decided, SILENT).astype(np.int16)


def majority(opinions: Sequence[TeacherProbabilities], taxonomy: Taxonomy) -> TeacherProbabilities:
    """One opinion from several by counting votes; every teacher that has an opinion has one vote.

    The probability of a category is its share of the votes after one more vote has been cast, split
    as all votes about all texts are. So two of two count for more than one of one, and a tie goes to
    the category that is commoner (multi-label: to "no", unless most votes in the category are "yes").

    Args:
        opinions: At least one; same texts.
        taxonomy: Single- or multi-label.

    Returns:
        The opinion of a teacher named `agreement`. Single-label, a text about which nobody speaks is
        NaN; multi-label, one that nobody answered, and elsewhere a category about which all are
        silent gets its share of all votes.
    """
    votes = votes_of(opinions, taxonomy)
    answered = np.any([opinion.answered for opinion in opinions], axis=0)
    if taxonomy.single:
        cast = (votes[..., None] == np.arange(len(taxonomy.keys))).sum(axis=0).astype(np.float64)
        said = cast.sum(axis=1, keepdims=True)
        usual = (cast.sum(axis=0) + 1 / cast.shape[1]) / (said.sum() + 1)
        spoken = said > 0
    else:
        cast = (votes == 1).sum(axis=0).astype(np.float64)
        said = (votes != SILENT).sum(axis=0).astype(np.float64)
        usual = cast.sum(axis=0) / np.maximum(said.sum(axis=0), 1)
        spoken = (answered | said.any(axis=1))[:, None]
    return TeacherProbabilities("agreement", np.where(spoken, (cast + usual) / (said + 1), np.nan), answered)
