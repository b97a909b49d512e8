from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from invented_parts import KEYS, random_part, scored
from sklearn import metrics as peer

from rubricator.errors import DataError
from rubricator.evaluate.metrics.part_metrics import PartFigures, measure
from rubricator.label_space import DecisionRule, LabelSpace


@st.composite
def parts(draw):
    n, k = draw(st.integers(1, 30)), draw(st.integers(2, 4))
    truth = draw(arrays(bool, (n, k)))
    # Coarse steps make ties common.
    probabilities = draw(arrays(float, (n, k), elements=st.sampled_from([0.0, 0.1, 0.3, 0.5, 0.7, 1.0])))
    groups = draw(st.lists(st.sampled_from("abcdefgh"), min_size=n, max_size=n))
    return scored(truth, probabilities, groups=groups)


def keys_of(part):
    return [f"c{column}" for column in range(part.truth.shape[1])]


def measured(part, **options):
    rule = DecisionRule.identity(LabelSpace.of_size(part.truth.shape[1], single=False))
    return measure(part, keys_of(part), rule=rule, **({"bootstrap": 100} | options))


@pytest.mark.slow
@given(parts())
@settings(deadline=None, max_examples=60)
def test_every_figure_of_a_category_is_that_of_scikit_learn(part):
    for column, category in enumerate(measured(part).categories):
        truth, given_ = part.truth[:, column], part.decisions[:, column]
        stated = part.probabilities[:, column]
        assert (category.support, category.predicted) == (truth.sum(), given_.sum())
        if given_.any():
            assert category.precision == pytest.approx(peer.precision_score(truth, given_))
        else:
            assert category.precision is None
        if not truth.any():
            assert (category.recall, category.f1.value, category.average_precision) == (None, None, None)
            assert category.baseline_f1 is None
        else:
            assert category.recall == pytest.approx(peer.recall_score(truth, given_))
            assert category.f1.value == pytest.approx(peer.f1_score(truth, given_))
            assert category.average_precision == pytest.approx(peer.average_precision_score(truth, stated))
            assert category.baseline_f1 == pytest.approx(peer.f1_score(truth, np.ones_like(truth)))
        if truth.any() and not truth.all():
            assert category.roc_auc == pytest.approx(peer.roc_auc_score(truth, stated))
        else:
            assert category.roc_auc is None


@pytest.mark.slow
@given(parts())
@settings(deadline=None, max_examples=60)
def test_every_headline_is_that_of_scikit_learn(part):
    found = measured(part)
    occur = np.flatnonzero(part.truth.any(axis=0))
    assert found.subset_accuracy.value == pytest.approx(peer.accuracy_score(part.truth, part.decisions))
    assert found.hamming_loss.value == pytest.approx(peer.hamming_loss(part.truth, part.decisions))
    expected = np.mean(
        [
            peer.log_loss(part.truth[:, j], part.probabilities[:, j], labels=[False, True])
            for j in range(part.truth.shape[1])
        ]
    )
    assert found.log_loss.value == pytest.approx(expected, rel=1e-6)
    if not len(occur):
        assert found.macro_f1.value is found.micro_f1.value is found.mean_average_precision.value is None
        return
    score = peer.f1_score
    macro = score(part.truth, part.decisions, labels=occur, average="macro", zero_division=0)
    assert found.macro_f1.value == pytest.approx(macro)
    micro = score(part.truth, part.decisions, average="micro", zero_division=0)
    assert found.micro_f1.value == pytest.approx(micro)
    weighted = score(part.truth, part.decisions, average="weighted", zero_division=0)
    assert found.weighted_f1.value == pytest.approx(weighted)
    areas = [peer.average_precision_score(part.truth[:, j], part.probabilities[:, j]) for j in occur]
    assert found.mean_average_precision.value == pytest.approx(np.mean(areas))


@given(parts(), st.integers(0, 2**32 - 1))
@settings(deadline=None, max_examples=40)
def test_a_weighted_sample_is_the_same_as_its_rows_written_out(part, seed):
    space = LabelSpace.of_size(part.truth.shape[1], single=False)
    figures = PartFigures(part, space)
    draw = np.random.default_rng(seed).integers(0, 3, size=(1, figures.counts.groups)).astype(float)
    rows = np.repeat(np.arange(len(part)), draw[0, figures.counts.group_of_row].astype(int))
    if not len(rows):
        return
    sample = scored(part.truth[rows], part.probabilities[rows])
    expected = PartFigures(sample, space)
    written_out = expected(np.ones((1, expected.counts.groups)))
    for name, values in figures(draw).items():
        np.testing.assert_allclose(values, written_out[name], err_msg=name)


def test_single_label_has_accuracy_and_the_log_loss_of_the_right_category():
    part, rule = random_part(single=True)
    found = measure(part, KEYS, rule=rule, bootstrap=100)
    truth = part.truth.argmax(axis=1)
    assert found.accuracy == found.subset_accuracy
    assert found.accuracy.value == pytest.approx((part.probabilities.argmax(axis=1) == truth).mean())
    assert found.micro_f1.value == pytest.approx(found.accuracy.value)
    assert found.log_loss.value == pytest.approx(peer.log_loss(truth, part.probabilities))
    assert found.baseline_accuracy == pytest.approx(part.truth.mean(axis=0).max())
    assert all(category.threshold is None for category in found.categories)


def test_multi_label_has_thresholds_and_no_accuracy():
    part, rule = random_part()
    found = measure(part, KEYS, rule=rule, bootstrap=100)
    assert found.accuracy is None
    assert [category.threshold for category in found.categories] == [0.5, 0.5, 0.5]


def test_intervals_hold_the_figure_and_follow_the_seed():
    part, rule = random_part()
    first = measure(part, KEYS, rule=rule, bootstrap=300, seed=5)
    assert first == measure(part, KEYS, rule=rule, bootstrap=300, seed=5)
    assert first != measure(part, KEYS, rule=rule, bootstrap=300, seed=6)
    for estimate in (first.macro_f1, first.mean_average_precision, first.log_loss, first.categories[0].f1):
        assert estimate.low < estimate.value < estimate.high


def test_copies_in_one_group_do_not_make_an_interval_narrower():
    part, rule = random_part(80)
    alone = measure(part, KEYS, rule=rule, bootstrap=500)
    tripled = scored(
        np.repeat(part.truth, 3, axis=0),
        np.repeat(part.probabilities, 3, axis=0),
        groups=[group for group in part.groups for _ in range(3)],
    )
    copies = measure(tripled, KEYS, rule=rule, bootstrap=500)
    assert (copies.texts, copies.groups) == (240, 80)
    assert copies.macro_f1.low == pytest.approx(alone.macro_f1.low)
    assert copies.macro_f1.high == pytest.approx(alone.macro_f1.high)


@pytest.mark.slow
def test_intervals_cover_the_truth_about_as_often_as_they_say():
    large, rule = random_part(20_000, seed=0)
    truth = measure(large, KEYS, rule=rule, bootstrap=100).macro_f1.value
    covered = 0
    for seed in range(1, 101):
        part, _ = random_part(150, seed=seed)
        estimate = measure(part, KEYS, rule=rule, bootstrap=200, confidence=0.9).macro_f1
        covered += estimate.low <= truth <= estimate.high
    assert 80 <= covered <= 98


def test_a_category_without_texts_is_none_and_stays_out_of_the_mean():
    part, rule = random_part(shares=(0.4, 0.3, 0.0))
    found = measure(part, KEYS, rule=rule, bootstrap=100)
    absent = found.categories[2]
    assert absent.support == 0
    assert absent.predicted > 0
    assert absent.precision == 0.0
    assert (absent.f1.value, absent.f1.low, absent.roc_auc) == (None, None, None)
    assert found.macro_f1.value == pytest.approx(np.mean([c.f1.value for c in found.categories[:2]]))


def test_calibration_error_is_the_gap_between_stated_and_found():
    truth = np.array([[True], [False], [False], [False], [True], [True], [True], [True]])
    stated = np.array([[0.45]] * 4 + [[0.95]] * 4)
    found = measured(scored(truth, stated))
    assert found.calibration_error == pytest.approx(0.5 * 0.2 + 0.5 * 0.05)


def test_metrics_are_plain_json():
    part, rule = random_part(shares=(0.4, 0.3, 0.0), origins=["golden"] * 100 + ["agreement"] * 20)
    plain = measure(part, KEYS, rule=rule, bootstrap=100).as_dict()
    again = json.loads(json.dumps(plain, allow_nan=False))
    assert again["origins"] == {"golden": 100, "agreement": 20}
    assert again["categories"][2]["f1"] == {"value": None, "low": None, "high": None}
    assert set(again["macro_f1"]) == {"value", "low", "high"}


def test_a_part_without_texts_is_refused():
    part = scored(np.zeros((0, 2)), np.zeros((0, 2)))
    with pytest.raises(DataError, match="no texts") as caught:
        measured(part)
    assert caught.value.fix


@pytest.mark.parametrize("probability", [float("nan"), -0.1, 1.1])
def test_what_is_no_probability_is_refused(probability):
    with pytest.raises(ValueError, match="probability"):
        scored([[True, False]], [[probability, 0.5]])


def test_columns_that_disagree_are_refused():
    with pytest.raises(ValueError, match="disagree"):
        scored([[True, False]], [[0.1, 0.5]], groups=["a", "b"])
