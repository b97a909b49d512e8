"""The model and its teachers are compared on the same texts, and only on those that people labelled."""

from __future__ import annotations

import numpy as np
from invented_parts import random_part

from rubricator.evaluate.metrics.beside_teachers import BesideTeachers, compare_with_teachers
from rubricator.evaluate.metrics.scored_predictions import ScoredPredictions
from rubricator.evaluate.report.gather import outdone
from rubricator.label_space import LabelSpace
from rubricator.stats.arrays import Floats

SPACE = LabelSpace.of_size(3, single=False)


def beside(part: ScoredPredictions, agreement: Floats) -> BesideTeachers | None:
    return compare_with_teachers(part, agreement, SPACE, bootstrap=200, confidence=0.95, seed=5)


def test_labels_that_teachers_made_compare_nobody_with_teachers() -> None:
    part, _ = random_part(origins=["agreement"] * 120)
    assert beside(part, part.truth.astype(float)) is None
    assert list(outdone(None)) == []


def test_only_texts_that_people_labelled_count() -> None:
    part, _ = random_part(origins=["agreement"] * 40 + ["golden"] * 50 + ["review"] * 30)
    agreement = part.truth.astype(float)
    agreement[:40] = 1 - agreement[:40]
    compared = beside(part, agreement)
    assert compared is not None
    assert compared.texts == 80
    assert compared.teachers.value == 1.0
    assert compared.model_behind
    (warning,) = outdone(compared)
    assert "On the same 80 texts labelled by people" in warning
    assert (
        f"reaches a macro-F1 of 1.00 and the model that learned from it {compared.model.value:.2f}" in warning
    )


def test_the_same_decisions_are_the_same_figure_and_no_warning() -> None:
    part, _ = random_part(shares=(0.4, 0.3, 0.0))
    compared = beside(part, part.decisions.astype(float))
    assert compared is not None
    assert compared.model == compared.teachers
    assert list(outdone(compared)) == []


def test_silence_of_the_teachers_counts_as_missed() -> None:
    part, _ = random_part()
    compared = beside(part, np.full(part.truth.shape, np.nan))
    assert compared is not None
    assert compared.teachers.value == 0.0
    assert not compared.model_behind
