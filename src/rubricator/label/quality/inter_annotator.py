"""Teachers beside one another: what they answer, what that costs, how far they say the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from rubricator.dataset.annotations import TeacherProbabilities, TeacherUsage
from rubricator.label.aggregation.votes import SILENT, Truth, Votes, votes_of
from rubricator.label.quality.teacher_metrics import mean_defined
from rubricator.label_space import LabelSpace
from rubricator.records import Answer, Label
from rubricator.stats.agreement import cohen_kappa
from rubricator.stats.arrays import Bools


@dataclass(frozen=True, slots=True)
class Pair:
    """Two teachers, and the texts on which both have an opinion.

    Attributes:
        same: Share of their decisions that are equal (multi-label: over all categories); None if
            there are none.
        kappa: Cohen's kappa (multi-label: mean over the categories where it is defined); None where one
            of the two always said the same thing.
    """

    one: str
    other: str
    texts: int
    same: float | None
    kappa: float | None


def teacher_usage(answers: Mapping[str, Answer], opinion: TeacherProbabilities) -> TeacherUsage:
    """What came of asking one teacher; texts with the same content share an answer and were asked once."""
    distinct = {answer.key: answer for answer in answers.values()}
    count = max(len(distinct), 1)
    answered = np.isfinite(opinion.probabilities).any(axis=1)
    return TeacherUsage(
        teacher=opinion.teacher,
        texts=len(answers),
        statuses=Counter(answer.status for answer in answers.values()),
        opinions=float(answered.sum()) / max(len(answers), 1),
        cost=1000 * sum(answer.cost for answer in distinct.values()) / count,
        seconds=sum(answer.seconds for answer in distinct.values()) / count if distinct else None,
    )


def compare_teachers(opinions: Sequence[TeacherProbabilities], space: LabelSpace) -> list[Pair]:
    """Every two teachers against each other, at their own probabilities cut at one half."""
    if len(opinions) < 2:
        return []
    votes = votes_of(opinions, space)
    # Single-label is a question with many answers, multi-label one question with two per category.
    questions = votes[..., None] if space.single else votes
    return [
        _pair(opinions[i].teacher, opinions[j].teacher, questions[i], questions[j])
        for i, j in combinations(range(len(opinions)), 2)
    ]


def _pair(one: str, other: str, first: Votes, second: Votes) -> Pair:
    both = (first != SILENT) & (second != SILENT)
    answers = [(a[shared], b[shared]) for a, b, shared in zip(first.T, second.T, both.T, strict=True)]
    # Rules of a multi-label taxonomy only ever say yes: what chance would do cannot be told from that.
    kappas = [cohen_kappa(a, b) for a, b in answers if min(len(set(a.tolist())), len(set(b.tolist()))) > 1]
    return Pair(
        one=one,
        other=other,
        texts=int(both.any(axis=1).sum()),
        same=float((first == second)[both].mean()) if both.any() else None,
        kappa=mean_defined(kappas),
    )


def expected_accuracy(
    agreed: TeacherProbabilities, space: LabelSpace, rows: Bools | None = None
) -> float | None:
    """On what share of texts, all or some rows, the agreed labels are all right, if their probabilities hold.

    Multi-label as if categories were independent: see `LabelSpace.confidence`. None where nothing was
    agreed on.
    """
    stated = agreed.probabilities if rows is None else agreed.probabilities[rows]
    stated = stated[np.isfinite(stated).all(axis=1)]
    if not len(stated):
        return None
    return float(space.confidence(stated, space.decide(stated)).mean())


def measured_accuracy(agreed: TeacherProbabilities, truth: Truth, space: LabelSpace) -> float | None:
    """On what share of golden texts they are all right, as `expected_accuracy` counts.

    Golden texts must not have set what is measured there.
    """
    rows = [row for row in sorted(truth) if np.isfinite(agreed.probabilities[row]).all()]
    if not rows:
        return None
    targets = np.array([truth[row] for row in rows], dtype=bool)
    return float((space.decide(agreed.probabilities[rows]) == targets).all(axis=1).mean())


def support_counts(labels: Iterable[Label], space: LabelSpace) -> dict[str, Counter[str]]:
    """What each teacher stood for: teacher → category → agreed labels with it that it stands for."""
    counts: dict[str, Counter[str]] = {}
    for label in labels:
        for teacher in label.teachers:
            counts.setdefault(teacher, Counter(dict.fromkeys(space.keys, 0))).update(label.categories)
    return counts
