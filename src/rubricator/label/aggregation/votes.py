"""Hard decisions of teachers, and what most of them say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from rubricator.dataset.annotations import TeacherProbabilities
from rubricator.label_space import LabelSpace
from rubricator.stats.arrays import Bools

Votes = NDArray[np.int16]
Truth = Mapping[int, Bools]
"""Row of a golden text → its categories, shape [categories]."""
SILENT = -1
"""The vote of a teacher that has no opinion."""


def golden_rows(truth: Truth, categories: int = 0) -> tuple[NDArray[np.intp], Bools]:
    """Rows of the golden texts in order, and their categories, shape [golden, categories].

    The number of categories is needed where there may be no golden text.
    """
    rows = np.array(sorted(truth), dtype=np.intp)
    targets = np.array([truth[row] for row in rows], dtype=bool)
    return rows, targets if len(rows) else targets.reshape(0, categories)


def votes_of(opinions: Sequence[TeacherProbabilities], space: LabelSpace) -> Votes:
    """The decisions of all teachers, -1 where one is silent.

    Single-label: column of the category, shape [teachers, texts]. Multi-label: 1 or 0 for every
    category, shape [teachers, texts, categories].
    """
    stated = np.stack([np.isfinite(opinion.probabilities) for opinion in opinions])
    decided = np.stack([space.decide(opinion.probabilities) for opinion in opinions])
    if space.single:
        return np.where(stated.any(axis=2), decided.argmax(axis=2), SILENT).astype(np.int16)
    return np.where(stated, decided, SILENT).astype(np.int16)


def majority(opinions: Sequence[TeacherProbabilities], space: LabelSpace) -> TeacherProbabilities:
    """One opinion from several by counting votes; every teacher that has an opinion has one vote.

    The probability of a category is its share of the votes after one more vote has been cast, split
    as all votes about all texts are. So two of two count for more than one of one, and a tie goes to
    the category that is commoner (multi-label: to "no", unless most votes in the category are "yes").

    The opinion is of a teacher named `agreement`. Single-label, a text about which nobody speaks is
    NaN; multi-label, one that nobody answered, and elsewhere a category about which all are
    silent gets its share of all votes.
    """
    votes = votes_of(opinions, space)
    answered = np.any([opinion.answered for opinion in opinions], axis=0)
    if space.single:
        cast = (votes[..., None] == np.arange(len(space))).sum(axis=0).astype(np.float64)
        voters = cast.sum(axis=1, keepdims=True)
        usual = (cast.sum(axis=0) + 1 / cast.shape[1]) / (voters.sum() + 1)
        voted = voters > 0
    else:
        cast = (votes == 1).sum(axis=0).astype(np.float64)
        voters = (votes != SILENT).sum(axis=0).astype(np.float64)
        usual = cast.sum(axis=0) / np.maximum(voters.sum(axis=0), 1)
        voted = (answered | voters.any(axis=1))[:, None]
    shares = np.where(voted, (cast + usual) / (voters + 1), np.nan)
    return TeacherProbabilities("agreement", shares, answered)
