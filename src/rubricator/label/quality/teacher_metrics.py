"""How good the teachers are, measured on golden texts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rubricator.dataset.annotations import CategoryReport, TeacherProbabilities, TeacherReport
from rubricator.label.aggregation.votes import Truth, golden_rows
from rubricator.label_space import LabelSpace
from rubricator.stats.agreement import cohen_kappa
from rubricator.stats.arrays import Bools, Floats
from rubricator.stats.bootstrap import Estimate
from rubricator.stats.counts import GroupedCounts
from rubricator.stats.shares import wilson
from rubricator.stats.significance import resample

_DRAWS = 1000


@dataclass(frozen=True, slots=True)
class TeacherExamination:
    """A teacher's report with all that a person needs to doubt it.

    Attributes:
        accuracy: 95% interval of the accuracy (Wilson); None for multi-label or without an answer.
        macro_f1: 95% interval (bootstrap over groups of near-duplicates).
        f1: The same by category, in taxonomy order.
        confusion: Golden texts counted by what is true and what the teacher says, silence last.
            Single-label shape [categories, categories + 1]; multi-label [categories, 2 (true: no,
            yes), 3 (said: no, yes, nothing)].
    """

    report: TeacherReport
    accuracy: Estimate | None
    macro_f1: Estimate
    f1: tuple[Estimate, ...]
    confusion: NDArray[np.intp]


def examine_teacher(
    report: TeacherReport,
    opinion: TeacherProbabilities,
    truth: Truth,
    space: LabelSpace,
    *,
    groups: Sequence[str],
    seed: int,
) -> TeacherExamination:
    """Compare one teacher with at least one golden label, closely.

    Its report is that of `measure_teachers`, its opinion fair under the same conditions. The bootstrap
    draws groups of near-duplicates.
    """
    rows, targets = golden_rows(truth)
    probabilities = opinion.probabilities[rows]
    decided = space.decide(probabilities)
    answered = np.isfinite(probabilities).any(axis=1)
    resampled = resample(targets, decided, [groups[row] for row in rows], draws=_DRAWS, seed=seed)
    right = int((decided & targets)[answered].any(axis=1).sum())
    return TeacherExamination(
        report=report,
        accuracy=wilson(right, int(answered.sum())) if space.single else None,
        macro_f1=resampled.estimate("macro_f1"),
        f1=tuple(resampled.estimate("f1", column) for column in range(len(space))),
        confusion=_confusion(probabilities, decided, targets, space),
    )


def _confusion(probabilities: Floats, decided: Bools, targets: Bools, space: LabelSpace) -> NDArray[np.intp]:
    size, stated = len(space), np.isfinite(probabilities)
    if space.single:
        counts = np.zeros((size, size + 1), dtype=np.intp)
        answers = np.where(stated.any(axis=1), decided.argmax(axis=1), size)
        np.add.at(counts, (targets.argmax(axis=1), answers), 1)
        return counts
    counts = np.zeros((size, 2, 3), dtype=np.intp)
    columns = np.broadcast_to(np.arange(size), targets.shape)
    np.add.at(counts, (columns, targets.astype(int), np.where(stated, decided, 2)), 1)
    return counts


def measure_teachers(
    opinions: Sequence[TeacherProbabilities], truth: Truth, space: LabelSpace
) -> list[TeacherReport]:
    """Compare opinions of teachers, or of their agreement, with golden labels; one report each, in order.

    Fair only where the opinions about golden texts were cross-fitted, as `teacher_probabilities` does, or
    where the golden texts set nothing.

    Raises:
        ValueError: There is no golden text.
    """
    if not truth:
        raise ValueError("no golden texts to measure teachers on")
    rows, targets = golden_rows(truth)
    return [_measure(opinion.teacher, opinion.probabilities[rows], targets, space) for opinion in opinions]


def _measure(teacher: str, probabilities: Floats, targets: Bools, space: LabelSpace) -> TeacherReport:
    stated = np.isfinite(probabilities)
    decided = space.decide(probabilities)
    figures = {name: values[0] for name, values in GroupedCounts(targets, decided).figures().items()}
    categories = tuple(
        CategoryReport(
            key=key,
            support=int(targets[:, j].sum()),
            answered=float(stated[:, j].mean()),
            precision=_defined(figures["precision"][j]),
            recall=_defined(figures["recall"][j]),
            f1=_defined(figures["f1"][j]),
            kappa=cohen_kappa(targets[:, j], decided[:, j]),
        )
        for j, key in enumerate(space.keys)
    )
    answered = stated.any(axis=1)
    accuracy, kappa = None, mean_defined([category.kappa for category in categories])
    if space.single:
        answers, truth = decided[answered].argmax(axis=1), targets[answered].argmax(axis=1)
        accuracy = float((truth == answers).mean()) if answered.any() else None
        kappa = cohen_kappa(truth, answers)
    return TeacherReport(
        teacher=teacher,
        texts=len(targets),
        answered=float(answered.mean()),
        macro_f1=_defined(figures["macro_f1"]),
        kappa=kappa,
        accuracy=accuracy,
        categories=categories,
    )


def _defined(figure: float) -> float | None:
    return None if np.isnan(figure) else float(figure)


def mean_defined(values: Sequence[float | None]) -> float | None:
    """Mean of the figures that are defined; None where none is."""
    defined = [value for value in values if value is not None]
    return float(np.mean(defined)) if defined else None
