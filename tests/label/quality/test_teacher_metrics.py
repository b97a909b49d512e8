"""Teachers against golden texts."""

import numpy as np
import pytest

from rubricator.dataset.annotations import TeacherProbabilities
from rubricator.label.quality.teacher_metrics import measure_teachers
from rubricator.taxonomy import Taxonomy

MULTI = Taxonomy.model_validate({"categories": [{"key": "a"}, {"key": "b"}]}).space
SINGLE = Taxonomy.model_validate({"task": "single-label", "categories": [{"key": "a"}, {"key": "b"}]}).space
NAN = np.nan


def report(rows, truth, space=MULTI):
    opinion = TeacherProbabilities("t", np.array(rows, dtype=float), np.ones(len(rows), dtype=bool))
    (found,) = measure_teachers([opinion], {row: np.array(t, dtype=bool) for row, t in truth.items()}, space)
    return found


def test_multi_label_counts_by_hand():
    rows = [[0.9, NAN], [0.5, NAN], [NAN, NAN], [0.4, 0.1], [0.9, 0.9]]
    found = report(rows, {0: [1, 0], 1: [0, 0], 2: [1, 0], 3: [0, 0]})
    a, b = found.categories
    assert (a.support, a.answered) == (2, 0.75)
    assert (a.precision, a.recall, a.f1) == (0.5, 0.5, 0.5)
    assert a.kappa == pytest.approx(0)
    assert (b.support, b.precision, b.recall, b.f1, b.kappa) == (0, None, None, None, None)
    assert (found.texts, found.answered, found.macro_f1, found.accuracy) == (4, 0.75, 0.5, None)


def test_single_label_accuracy_is_of_the_answered():
    rows = [[0.6, 0.4], [0.6, 0.4], [NAN, NAN], [0.2, 0.8]]
    found = report(rows, {0: [1, 0], 1: [0, 1], 2: [1, 0], 3: [0, 1]}, SINGLE)
    assert found.accuracy == pytest.approx(2 / 3)
    assert found.answered == 0.75
    assert found.categories[0].recall == 0.5
    assert found.categories[0].precision == 0.5
    assert found.kappa == pytest.approx(0.4)


def test_a_silent_teacher_has_no_precision():
    found = report([[NAN, NAN]] * 2, {0: [1, 0], 1: [0, 1]}, SINGLE)
    assert (found.accuracy, found.kappa, found.answered) == (None, None, 0)
    assert found.categories[0].precision is None
    assert found.categories[0].recall == 0


def test_nothing_to_measure_on():
    with pytest.raises(ValueError, match="no golden"):
        report([[0.5, 0.5]], {})
