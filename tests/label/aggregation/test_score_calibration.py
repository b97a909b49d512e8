"""Guesses without labels, and how golden texts correct them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.special import expit, logit

from rubricator.label.aggregation import score_calibration as calibration

finite = st.floats(-1, 1, width=32)
matrices = arrays(np.float64, st.tuples(st.integers(1, 20), st.integers(2, 5)), elements=finite)


def humps(rng, texts, shares, distance=0.3, width=0.1):
    truth = rng.random((texts, len(shares))) < np.array(shares)
    return truth, rng.normal(0, width, truth.shape) + distance * truth


def test_two_humps_are_told_apart_without_labels():
    truth, scores = humps(np.random.default_rng(1), 2000, [0.15, 0.4, 0.05])
    found = calibration.guess_multi_likeness(scores + np.array([0.0, 0.2, -0.2])) > 0
    assert ((found == truth).mean(axis=0) > 0.9).all()


def test_one_hump_is_not_cut_in_half():
    scores = np.random.default_rng(1).normal(size=(2000, 2))
    assert (calibration.guess_multi_likeness(scores) > 0).mean() < 0.15


@settings(deadline=None)
@given(matrices)
def test_any_scores_of_likeness_become_finite_and_keep_their_order(scores):
    guessed = calibration.guess_multi_likeness(scores)
    assert np.isfinite(guessed).all()
    for column, raw in zip(guessed.T, scores.T, strict=True):
        assert (np.diff(column[np.argsort(raw, kind="stable")]) >= -1e-9).all()
    single = calibration.guess_single_likeness(scores)
    np.testing.assert_allclose(np.exp(single).sum(axis=1), 1)


def test_the_best_category_gets_the_mean_confidence():
    scores = np.random.default_rng(1).normal(0, 0.05, (300, 6))
    guessed = np.exp(calibration.guess_single_likeness(scores))
    assert guessed.max(axis=1).mean() == pytest.approx(0.7, abs=0.005)


def test_hits_multi():
    guessed = expit(calibration.guess_multi_hits(np.array([[1, 2, np.nan]])))
    np.testing.assert_allclose(guessed, [[0.9, 0.95, np.nan]])


def test_hits_single():
    hits = np.array([[1, np.nan, np.nan], [np.nan] * 3, [1, 1, np.nan], [2, 1, np.nan]])
    guessed = np.exp(calibration.guess_single_hits(hits))
    np.testing.assert_allclose(guessed[0], [0.9, 0.05, 0.05])
    assert np.isnan(guessed[1]).all()
    assert guessed[2, 0] == guessed[2, 1] > 0.4
    assert guessed[3, 0] > guessed[3, 1] > guessed[3, 2]


def test_without_golden_texts_nothing_is_corrected():
    for correct in (calibration.correct_multi, calibration.correct_single):
        line = correct(np.zeros((0, 3)), np.zeros((0, 3), dtype=bool))
        np.testing.assert_allclose(line, [[1, 1, 1], [0, 0, 0]], atol=1e-9)


def test_many_golden_texts_find_the_true_line():
    rng = np.random.default_rng(1)
    guessed = rng.normal(0, 3, (4000, 2))
    truth = rng.random((4000, 2)) < expit(guessed * 0.6 + np.array([1.0, -1.0]))
    np.testing.assert_allclose(calibration.correct_multi(guessed, truth), [[0.6, 0.6], [1, -1]], atol=0.15)


def test_few_golden_texts_move_little_and_silence_follows_the_others():
    guessed = np.array([[2.0, np.nan], [-2.0, np.nan]])
    line = calibration.correct_multi(guessed, np.array([[True, False], [False, False]]))
    assert 1 <= line[0, 0] < 1.3
    np.testing.assert_allclose(line[:, 1], line[:, 0], atol=0.15)
    assert np.isfinite(line).all()


def test_a_category_without_golden_opinions_follows_the_others():
    guessed = np.column_stack([np.ones(200), np.full(200, np.nan)])
    line = calibration.correct_multi(guessed, np.zeros((200, 2), dtype=bool))
    assert line[1, 0] < line[1, 1] < -1


def test_single_label_golden_texts_shift_a_category_and_soften_the_sure():
    rng = np.random.default_rng(1)
    truth = np.eye(3, dtype=bool)[rng.choice(3, 3000, p=[0.7, 0.2, 0.1])]
    sure = np.log(np.where(np.eye(3, dtype=bool)[rng.choice(3, 3000)], 0.98, 0.01))
    line = calibration.correct_single(sure, truth)
    assert line[0, 0] < 0.1
    probabilities = calibration.to_probabilities(sure, line, single=True)
    np.testing.assert_allclose(probabilities.mean(axis=0), [0.7, 0.2, 0.1], atol=0.02)


def test_probabilities_never_become_certain_and_silence_stays():
    line = np.array([[5.0, 5.0], [0.0, 0.0]])
    found = calibration.to_probabilities(np.array([[100.0, np.nan]]), line, single=False)
    assert 0.99 < found[0, 0] < 1
    assert np.isnan(found[0, 1])
    assert logit(found[0, 0]) == pytest.approx(7)


said = arrays(
    np.float64, st.tuples(st.integers(1, 20), st.integers(2, 5)), elements=st.floats(0, 1, width=32)
)


@given(said)
def test_no_one_who_names_probabilities_is_believed_beyond_19_to_1(probabilities):
    multi = expit(calibration.guess_multi_probability(probabilities))
    assert (multi >= 0.05 - 1e-9).all()
    assert (multi <= 0.95 + 1e-9).all()
    single = calibration.guess_single_probability(probabilities)
    heard = probabilities.sum(axis=1) > 0
    assert (np.isfinite(single).all(axis=1) == heard).all()
    np.testing.assert_allclose(np.exp(single[heard]).sum(axis=1), 1)
    assert (np.exp(single[heard]) <= 0.95 + 1e-9).all()


def test_a_bare_vote_is_a_probability_of_95_percent():
    np.testing.assert_allclose(
        np.exp(calibration.guess_single_probability(np.eye(3)))[0], [0.95, 0.025, 0.025]
    )
