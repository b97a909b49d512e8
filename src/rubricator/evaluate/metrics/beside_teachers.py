"""The model beside the teachers it learnt from, on the same texts."""

from __future__ import annotations

from dataclasses import dataclass

from rubricator.evaluate.metrics.scored_predictions import ScoredPredictions
from rubricator.label_space import LabelSpace
from rubricator.records import Origin
from rubricator.stats.arrays import Floats
from rubricator.stats.bootstrap import Estimate
from rubricator.stats.significance import change, resample


@dataclass(frozen=True, slots=True)
class BesideTeachers:
    """Macro-F1 of both on the same texts, all of them labelled by people.

    A text on which the teachers have no opinion counts as missed. The model is behind if the paired bootstrap
    leaves no doubt that the teachers are better.
    """

    texts: int
    model: Estimate
    teachers: Estimate
    model_behind: bool


def compare_with_teachers(
    scored: ScoredPredictions,
    agreement: Floats,
    space: LabelSpace,
    *,
    bootstrap: int,
    confidence: float,
    seed: int,
) -> BesideTeachers | None:
    """Measure the model and the teachers' agreement on the texts of a part that people labelled.

    `agreement` is what the teachers think of its texts, not having seen their labels, shape [texts,
    categories]; NaN where they have no opinion. A part of which people labelled no text gives None: labels
    that teachers made cannot tell who is better.
    """
    rows = [row for row, origin in enumerate(scored.origins) if origin != Origin.AGREEMENT]
    if not rows:
        return None
    groups = [scored.groups[row] for row in rows]
    model, teachers = (
        resample(scored.truth[rows], decided, groups, draws=bootstrap, confidence=confidence, seed=seed)
        for decided in (scored.decisions[rows], space.decide(agreement[rows]))
    )
    low = change(model, teachers, "macro_f1").low
    return BesideTeachers(
        texts=len(rows),
        model=model.estimate("macro_f1"),
        teachers=teachers.estimate("macro_f1"),
        model_behind=low is not None and low > 0,
    )
