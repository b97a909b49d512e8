"""Teachers beside one another."""

import numpy as np
import pytest

from rubricator.dataset.annotations import TeacherProbabilities
from rubricator.label.quality.inter_annotator import (
    compare_teachers,
    expected_accuracy,
    measured_accuracy,
    support_counts,
    teacher_usage,
)
from rubricator.label_space import LabelSpace
from rubricator.records import Answer, Label, Origin, Status
from rubricator.taxonomy import Taxonomy

MULTI = Taxonomy.model_validate({"categories": [{"key": "a"}, {"key": "b"}]}).space
SINGLE = Taxonomy.model_validate({"task": "single-label", "categories": [{"key": "a"}, {"key": "b"}]}).space
NAN = np.nan


def opinion(name, rows):
    probabilities = np.array(rows, dtype=float)
    return TeacherProbabilities(name, probabilities, np.isfinite(probabilities).any(axis=1))


def test_pairs_are_compared_where_both_speak():
    one = opinion("one", [[0.9, 0.1], [0.2, 0.8], [0.7, 0.3], [0.2, 0.8]])
    two = opinion("two", [[0.6, 0.4], [0.9, 0.1], [NAN, NAN], [0.1, 0.9]])
    mute = opinion("mute", [[NAN, NAN]] * 4)
    pairs = compare_teachers([one, two, mute], SINGLE)
    assert [(p.one, p.other, p.texts, p.same) for p in pairs] == [
        ("one", "two", 3, pytest.approx(2 / 3)),
        ("one", "mute", 0, None),
        ("two", "mute", 0, None),
    ]
    assert pairs[0].kappa == pytest.approx(0.4)
    assert pairs[1].kappa is None
    assert compare_teachers([one], SINGLE) == []


def test_pairs_over_several_categories():
    one = opinion("one", [[0.9, 0.1], [0.1, 0.9], [0.1, NAN]])
    two = opinion("two", [[0.9, NAN], [0.1, 0.1], [0.9, 0.9]])
    (pair,) = compare_teachers([one, two], MULTI)
    assert (pair.texts, pair.same) == (3, 0.5)
    # a: yes no no against yes no yes; b: one yes against no, of which nothing can be told
    assert pair.kappa == pytest.approx(0.4)


def test_what_came_of_asking():
    given = {
        "1": Answer(text_id="1", teacher="t", key="k1", status=Status.OK, cost=0.002, seconds=1.0),
        "2": Answer(text_id="2", teacher="t", key="k1", status=Status.OK, cost=0.002, seconds=1.0),
        "3": Answer(text_id="3", teacher="t", key="k3", status=Status.REFUSED, cost=0.004, seconds=3.0),
        "4": Answer(text_id="4", teacher="t", key="k4", status=Status.UNPARSED, seconds=2.0),
    }
    found = teacher_usage(given, opinion("t", [[0.9, 0.1], [0.9, 0.1], [NAN, NAN], [NAN, NAN]]))
    assert found.statuses == {Status.OK: 2, Status.REFUSED: 1, Status.UNPARSED: 1}
    assert found.cost == pytest.approx(2.0)
    assert found.seconds == pytest.approx(2.0)
    assert (found.texts, found.opinions) == (4, 0.5)
    nothing = teacher_usage({}, opinion("t", [[NAN, NAN]]))
    assert (nothing.texts, nothing.cost, nothing.seconds, nothing.opinions) == (0, 0, None, 0)


def test_accuracy_expected_and_measured():
    agreed = opinion("agreement", [[0.9, 0.1], [0.3, 0.7], [NAN, NAN]])
    truth = {0: np.array([True, False]), 1: np.array([True, False]), 2: np.array([True, False])}
    assert expected_accuracy(agreed, SINGLE) == pytest.approx(0.8)
    assert expected_accuracy(agreed, SINGLE, np.array([True, False, True])) == pytest.approx(0.9)
    assert measured_accuracy(agreed, truth, SINGLE) == 0.5
    assert expected_accuracy(opinion("x", [[NAN, NAN]]), SINGLE) is None
    assert measured_accuracy(agreed, {}, SINGLE) is None
    several = opinion("agreement", [[0.9, 0.8], [0.1, 0.4]])
    assert expected_accuracy(several, MULTI) == pytest.approx((0.9 * 0.8 + 0.9 * 0.6) / 2)
    assert measured_accuracy(several, {0: np.array([True, True]), 1: truth[1]}, MULTI) == 0.5
    # Wherever most categories are absent, saying nothing is right about most of them and about no text.
    nothing, one = opinion("agreement", [[0.1] * 8] * 8), np.eye(8, dtype=bool)
    wide = LabelSpace.of_size(8, single=False)
    assert measured_accuracy(nothing, dict(enumerate(one)), wide) == 0.0


def test_what_teachers_stood_for():
    labels = [
        Label(
            text_id=str(i),
            probabilities={},
            categories=categories,
            origin=Origin.AGREEMENT,
            teachers=teachers,
        )
        for i, (categories, teachers) in enumerate(
            [(("a", "b"), ("one", "two")), (("a",), ("one",)), ((), ("two",)), (("b",), ())]
        )
    ]
    assert support_counts(labels, MULTI) == {"one": {"a": 2, "b": 1}, "two": {"a": 1, "b": 1}}
