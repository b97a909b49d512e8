"""Teachers against golden texts."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rubricator.dataset.annotations import TeacherProbabilities
from rubricator.evaluate.metrics.part_metrics import measure
from rubricator.evaluate.metrics.scored_predictions import ScoredPredictions
from rubricator.label.quality.teacher_metrics import measure_teachers
from rubricator.label_space import DecisionRule
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


@settings(deadline=None, max_examples=60)
@given(st.sampled_from([MULTI, SINGLE]), st.integers(1, 12), st.integers(0, 1000))
def test_the_figures_of_a_teacher_are_those_of_a_model_with_the_same_decisions(space, texts, seed):
    """Golden texts here often lack a category that the teacher names."""
    rng = np.random.default_rng(seed)
    truth = np.zeros((texts, 2), dtype=bool)
    truth[:, 0] = True if space.single else rng.random(texts) < 0.5
    probabilities = rng.random((texts, 2))
    if space.single:
        probabilities /= probabilities.sum(axis=1, keepdims=True)
    teacher = report(probabilities, dict(enumerate(truth)), space)
    names = [str(row) for row in range(texts)]
    predictions = ScoredPredictions(
        part="test",
        about="",
        ids=names,
        contents=names,
        groups=names,
        truth=truth,
        probabilities=probabilities,
        decisions=space.decide(probabilities),
        origins=["golden"] * texts,
    )
    model = measure(predictions, space.keys, rule=DecisionRule.identity(space), bootstrap=2)
    assert teacher.macro_f1 == model.macro_f1.value
    assert [(c.f1, c.precision, c.recall) for c in teacher.categories] == [
        (c.f1.value, c.precision, c.recall) for c in model.categories
    ]
