"""Figures from counts are scikit-learn's, on the texts and on every resampled set of them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn import metrics as peer

from rubricator.dataset.annotations import TeacherProbabilities
from rubricator.label.quality.teacher_metrics import measure_teachers
from rubricator.label_space import LabelSpace
from rubricator.stats.counts import GroupedCounts
from rubricator.stats.divergence import entropy, jensen_shannon
from rubricator.stats.losses import binary_cross_entropy, categorical_cross_entropy


@st.composite
def decided(draw):
    n, k = draw(st.integers(1, 25)), draw(st.integers(2, 4))
    weights = draw(arrays(float, n, elements=st.sampled_from([0.5, 1.0, 2.0])))
    return draw(arrays(bool, (n, k))), draw(arrays(bool, (n, k))), weights


@given(decided())
@settings(deadline=None, max_examples=60)
def test_weighted_figures_are_those_of_scikit_learn(case):
    truth, decisions, weights = case
    figures = GroupedCounts(truth, decisions, weights=weights).figures()
    occurs = np.flatnonzero(truth.any(axis=0))
    assert (np.isnan(figures["f1"][0]) == ~truth.any(axis=0)).all(), "undefined exactly where nothing is true"
    if not len(occurs):
        assert np.isnan(figures["macro_f1"][0])
        return
    told = {"sample_weight": weights, "zero_division": 0, "labels": occurs}
    for average in ("macro", "weighted"):
        expected = peer.f1_score(truth.astype(int), decisions.astype(int), average=average, **told)
        assert figures[f"{average}_f1"][0] == pytest.approx(expected)
    exact = np.average((truth == decisions).all(axis=1), weights=weights)
    assert figures["subset_accuracy"][0] == pytest.approx(exact)
    wrong = np.average((truth != decisions).mean(axis=1), weights=weights)
    assert figures["hamming_loss"][0] == pytest.approx(wrong)


@given(decided(), st.integers(0, 2**32 - 1))
@settings(deadline=None, max_examples=40)
def test_a_group_drawn_twice_counts_as_its_texts_written_twice(case, seed):
    truth, decisions, weights = case
    groups = [str(row // 2) for row in range(len(truth))]
    counts = GroupedCounts(truth, decisions, groups, weights)
    draw = np.random.default_rng(seed).integers(0, 3, size=(1, counts.groups)).astype(float)
    rows = np.repeat(np.arange(len(truth)), draw[0, counts.group_of_row].astype(int))
    written = GroupedCounts(truth[rows], decisions[rows], weights=weights[rows]).figures()
    for name, values in counts.figures(draw).items():
        np.testing.assert_allclose(values, written[name], err_msg=name)


@pytest.mark.slow
@given(decided())
@settings(deadline=None, max_examples=40)
def test_teachers_are_measured_as_models_are(case):
    truth, decisions, _ = case
    keys = [f"k{column}" for column in range(truth.shape[1])] + ["never"]
    truth, decisions = (
        np.column_stack([part, np.zeros(len(part), dtype=bool)]) for part in (truth, decisions)
    )
    decisions[0, -1] = True  # a category that no text has is claimed once
    teacher = TeacherProbabilities("t", decisions.astype(float), np.ones(len(truth), dtype=bool))
    (report,) = measure_teachers([teacher], dict(enumerate(truth)), LabelSpace(tuple(keys), single=False))
    model = GroupedCounts(truth, decisions).figures()["macro_f1"][0]
    assert report.macro_f1 == (None if np.isnan(model) else pytest.approx(model))
    assert report.categories[-1].f1 is None


def test_losses_are_those_of_scikit_learn():
    rng = np.random.default_rng(0)
    probabilities = rng.dirichlet(np.ones(3), size=50)
    truth = np.eye(3, dtype=bool)[rng.integers(3, size=50)]
    assert categorical_cross_entropy(probabilities, truth).mean() == pytest.approx(
        peer.log_loss(truth.argmax(axis=1), probabilities)
    )
    assert binary_cross_entropy(probabilities[:, 0], truth[:, 0]).mean() == pytest.approx(
        peer.log_loss(truth[:, 0], probabilities[:, 0])
    )
    assert np.isfinite(binary_cross_entropy(np.array([0.0, 1.0]), np.array([True, False]))).all()


@given(st.integers(0, 2**32 - 1))
@settings(deadline=None, max_examples=30)
def test_jensen_shannon_is_scipys_for_two_and_leaves_out_who_is_silent(seed):
    from scipy.spatial.distance import jensenshannon

    one, other = np.random.default_rng(seed).dirichlet(np.ones(4), size=2)
    silent = np.full(4, np.nan)
    assert jensen_shannon(np.stack([one, other])) == pytest.approx(jensenshannon(one, other) ** 2)
    assert jensen_shannon(np.stack([one, silent, other])) == pytest.approx(jensenshannon(one, other) ** 2)
    assert jensen_shannon(np.stack([one, silent])) == pytest.approx(0, abs=1e-12)
    assert entropy(np.array([0.5, 0.5])) == pytest.approx(np.log(2))


def test_probable_truth_gives_expected_counts():
    rng = np.random.default_rng(0)
    probabilities, decisions = rng.random((40, 3)), rng.random((40, 3)) < 0.5
    right = np.where(decisions, probabilities, 1 - probabilities).prod(axis=1)
    expected = GroupedCounts(probabilities, decisions, right=right).figures()
    worlds = [GroupedCounts(rng.random((40, 3)) < probabilities, decisions).figures() for _ in range(1500)]
    for name in ("subset_accuracy", "hamming_loss", "micro_precision"):
        assert expected[name][0] == pytest.approx(np.mean([one[name][0] for one in worlds]), abs=0.01)
