"""Counting votes."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from rubricator.dataset.annotations import TeacherProbabilities
from rubricator.label.aggregation.votes import majority, votes_of
from rubricator.taxonomy import Taxonomy

MULTI = Taxonomy.model_validate({"categories": [{"key": "a"}, {"key": "b"}]}).space
SINGLE = Taxonomy.model_validate({"task": "single-label", "categories": [{"key": k} for k in "abc"]}).space
NAN = np.nan
A, B, C, SILENT = [0.8, 0.1, 0.1], [0.1, 0.8, 0.1], [0.1, 0.1, 0.8], [NAN] * 3


def opinion(name, rows, answered=None):
    answered = np.ones(len(rows), dtype=bool) if answered is None else np.array(answered)
    return TeacherProbabilities(name, np.array(rows, dtype=float), answered)


def test_votes_and_silence():
    assert votes_of([opinion("x", [A, C, SILENT])], SINGLE).tolist() == [[0, 2, -1]]
    assert votes_of([opinion("x", [[0.5, NAN], [0.4, 0.9]])], MULTI).tolist() == [[[1, -1], [0, 1]]]


def test_most_votes_win_and_more_votes_are_surer():
    one = opinion("one", [A, A, SILENT])
    two = opinion("two", [A, SILENT, SILENT])
    three = opinion("three", [B, SILENT, SILENT])
    found = majority([one, two, three], SINGLE).probabilities
    np.testing.assert_allclose(found[:2].sum(axis=1), 1)
    assert found[:2].argmax(axis=1).tolist() == [0, 0]
    assert np.isnan(found[2]).all()
    agreed = majority([one, two], SINGLE).probabilities
    assert agreed[0, 0] > agreed[1, 0]


def test_a_tie_goes_to_the_commoner_category():
    one, two = opinion("one", [A, B, B, B]), opinion("two", [B, B, B, A])
    found = majority([one, two], SINGLE).probabilities
    assert found[[0, 3]].argmax(axis=1).tolist() == [1, 1]


def test_multi_label_votes_by_hand():
    one = opinion("one", [[0.9, NAN], [0.1, 0.1], [NAN, NAN]], [True, True, False])
    two = opinion("two", [[0.1, NAN], [0.2, NAN], [NAN, NAN]], [True, True, False])
    found = majority([one, two], MULTI).probabilities
    # of four votes on a one is yes; of one vote on b none
    np.testing.assert_allclose(found[0], [(1 + 0.25) / 3, 0])
    np.testing.assert_allclose(found[1], [0.25 / 3, 0])
    assert np.isnan(found[2]).all()


@settings(deadline=None)
@given(arrays(np.int64, (3, 5), elements=st.integers(-1, 2)))
def test_single_label_majorities_are_distributions_whatever_the_order(said):
    rows = np.array([A, B, C, SILENT])
    opinions = [opinion(str(i), rows[votes]) for i, votes in enumerate(said)]
    found = majority(opinions, SINGLE).probabilities
    spoken = (said >= 0).any(axis=0)
    np.testing.assert_allclose(found[spoken].sum(axis=1), 1)
    assert np.isnan(found[~spoken]).all()
    np.testing.assert_allclose(majority(opinions[::-1], SINGLE).probabilities, found)
    counts = (said[..., None] == np.arange(3)).sum(axis=0)
    winner = found[spoken].argmax(axis=1)
    assert (counts[spoken, winner] == counts[spoken].max(axis=1)).all()
