"""What each view of an encoder teacher is worth: every encoder, by whole descriptions and by their pieces."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from rubricator.dataset.annotations import Annotations, Scale, TeacherProbabilities, TeacherScores
from rubricator.label.aggregation.probabilities import teacher_probabilities
from rubricator.label.aggregation.votes import Truth
from rubricator.label.quality.inter_annotator import Pair, compare_teachers
from rubricator.label.quality.teacher_metrics import TeacherExamination, examine_teacher, measure_teachers
from rubricator.label.teachers.zero_shot_encoder import parse_views
from rubricator.label_space import LabelSpace
from rubricator.records import Answer, Status, Text


@dataclass(frozen=True, slots=True)
class ViewReport:
    """The views of one teacher beside one another.

    Attributes:
        examinations: Each view against the golden texts, then the teacher itself; empty without golden texts.
        pairs: Every two views against each other, where no golden text says which is right.
    """

    teacher: str
    examinations: Sequence[TeacherExamination]
    pairs: Sequence[Pair]


def view_reports(
    answers: Mapping[str, Mapping[str, Answer]],
    texts: Sequence[Text],
    annotations: Annotations,
    space: LabelSpace,
    *,
    truth: Truth,
    setting: Truth,
    groups: Sequence[str],
    seed: int,
) -> list[ViewReport]:
    """Compare the views of encoder teachers, made into probabilities as their teachers are.

    The answers are those of encoder teachers, by teacher, then by text id. The truth measures; what of it may
    also set probabilities is `setting`. `groups` are near-duplicates.
    """
    rules = [scores for scores in annotations.scores if scores.scale is Scale.COUNT]
    reports = []
    for teacher, by_text in answers.items():
        views = view_scores(by_text, texts, space)
        opinions = teacher_probabilities([*views, *rules], space, truth=setting, groups=groups, seed=seed)
        opinions = opinions[: len(views)]
        whole = next(one for one in annotations.probabilities if one.teacher == teacher)
        reports.append(
            ViewReport(
                teacher,
                _examined([*opinions, whole], truth, space, groups, seed) if truth else (),
                () if truth else compare_teachers(opinions, space),
            )
        )
    return reports


def view_scores(
    answers: Mapping[str, Answer], texts: Sequence[Text], space: LabelSpace
) -> list[TeacherScores]:
    """The scores of every view, by text id, as arrays with a row a text and a column a category."""
    found = {
        id_: parse_views(answer)
        for id_, answer in answers.items()
        if answer.status is Status.OK and answer.raw
    }
    names = dict.fromkeys(view for views in found.values() for view in views)
    silent = [np.nan] * len(space)
    return [
        TeacherScores(
            name,
            Scale.SIMILARITY,
            np.array([found.get(text.id, {}).get(name, silent) for text in texts]),
            answered=np.array([name in found.get(text.id, {}) for text in texts], dtype=bool),
            keys=np.zeros(len(texts), dtype=np.bytes_),
        )
        for name in names
    ]


def _examined(
    opinions: Sequence[TeacherProbabilities],
    truth: Truth,
    space: LabelSpace,
    groups: Sequence[str],
    seed: int,
) -> list[TeacherExamination]:
    reports = measure_teachers(opinions, truth, space)
    return [
        examine_teacher(report, opinion, truth, space, groups=groups, seed=seed)
        for report, opinion in zip(reports, opinions, strict=True)
    ]
