"""Pooling opinions and deciding on labels."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from rubricator.dataset.annotations import TeacherProbabilities
from rubricator.label.aggregation.aggregator import combine
from rubricator.label.aggregation.dawid_skene import dawid_skene
from rubricator.label.aggregation.labels import aggregate_labels
from rubricator.label.aggregation.log_pool import log_opinion_pool
from rubricator.label.aggregation.weights import weigh
from rubricator.records import Origin, Text
from rubricator.taxonomy import Taxonomy

MULTI = Taxonomy.model_validate({"categories": [{"key": "a"}, {"key": "b"}, {"key": "c"}]})
SINGLE = Taxonomy.model_validate({"task": "single-label", "categories": [{"key": k} for k in "abc"]})
NAN = np.nan
EQUAL = {"one": np.ones(3), "two": np.ones(3)}


def opinion(name, rows, answered=None):
    probabilities = np.array(rows, dtype=float)
    return TeacherProbabilities(
        name, probabilities, np.ones(len(rows), dtype=bool) if answered is None else np.array(answered)
    )


def texts(count):
    return [Text(id=str(row), content="т") for row in range(count)]


def labels_of(opinions, count, taxonomy, golden=None):
    weights = {one.teacher: np.ones(3) for one in opinions}
    agreed = log_opinion_pool(opinions, taxonomy.space, weights=weights)
    return aggregate_labels(agreed, opinions, texts(count), taxonomy, golden or {})


def test_opinions_meet_half_way_in_log_odds():
    one, two = opinion("one", [[0.9, 0.5, 0.2]]), opinion("two", [[0.9, 0.9, NAN]])
    found = log_opinion_pool([one, two], MULTI.space, weights=EQUAL)
    np.testing.assert_allclose(found.probabilities, [[0.9, 0.75, 0.2]])


def test_a_louder_teacher_draws_the_pool():
    one, two = opinion("one", [[0.2] * 3]), opinion("two", [[0.8] * 3])
    weights = {"one": np.array([1.0, 0.05, 0.5]), "two": np.array([0.05, 1.0, 0.5])}
    found = log_opinion_pool([one, two], MULTI.space, weights=weights).probabilities[0]
    assert found[0] < 0.3
    assert found[1] > 0.7
    assert found[2] == pytest.approx(0.5)


@settings(deadline=None)
@given(
    arrays(np.float64, (4, 3), elements=st.floats(0, 1)), arrays(np.float64, (4, 3), elements=st.floats(0, 1))
)
def test_the_pool_lies_between_the_opinions_and_does_not_depend_on_their_order(first, second):
    one, two = opinion("one", first), opinion("two", second)
    found = log_opinion_pool([one, two], MULTI.space, weights=EQUAL).probabilities
    assert (found >= np.minimum(first, second) - 1e-5).all()
    assert (found <= np.maximum(first, second) + 1e-5).all()
    np.testing.assert_allclose(log_opinion_pool([two, one], MULTI.space, weights=EQUAL).probabilities, found)


def test_where_all_abstain_the_category_is_as_likely_as_anywhere():
    rules = opinion("one", [[0.9, NAN, NAN], [NAN, NAN, NAN], [NAN, NAN, NAN]], [True, True, False])
    found = log_opinion_pool([rules], MULTI.space, weights=EQUAL).probabilities
    np.testing.assert_allclose(found, [[0.9, 0, 0], [0.45, 0, 0], [NAN] * 3])


def test_single_label_pools_are_distributions():
    one = opinion("one", [[0.7, 0.2, 0.1], [0.1, 0.8, 0.1], [NAN] * 3])
    two = opinion("two", [[0.05, 0.9, 0.05], [NAN] * 3, [NAN] * 3])
    found = log_opinion_pool([one, two], SINGLE.space, weights=EQUAL).probabilities
    np.testing.assert_allclose(found[:2].sum(axis=1), 1)
    assert found[0].argmax() == 1
    np.testing.assert_allclose(found[1], [0.1, 0.8, 0.1])
    assert np.isnan(found[2]).all()


def test_labels_multi():
    one = opinion("one", [[0.9, 0.5, 0.2], [0.1] * 3, [NAN] * 3], [True, True, False])
    two = opinion("two", [[NAN] * 3] * 3, [True, True, False])
    labels = labels_of([one, two], 3, MULTI)
    assert [label.text_id for label in labels] == ["0", "1"]
    assert [label.categories for label in labels] == [("a", "b"), ()]
    assert labels[0].probabilities == pytest.approx({"a": 0.9, "b": 0.5, "c": 0.2})
    assert labels[0].teachers == ("one",)
    assert labels[0].origin is Origin.AGREEMENT


def test_labels_single():
    one = opinion("one", [[0.3, 0.4, 0.3], [NAN] * 3])
    (label,) = labels_of([one], 2, SINGLE)
    assert label.categories == ("b",)


def test_only_those_that_decide_likewise_stand_for_a_label():
    sure = opinion("sure", [[0.1, 0.8, 0.1]])
    loud = opinion("loud", [[0.0, 0.9, 0.1]])
    other = opinion("other", [[0.6, 0.3, 0.1]])
    silent = opinion("silent", [[NAN] * 3])
    (label,) = labels_of([sure, loud, other, silent], 1, SINGLE)
    assert (label.categories, label.teachers) == (("b",), ("sure", "loud"))


def test_standing_for_several_categories():
    agreed = opinion("agreement", [[0.9, 0.9, 0.1], [0.2, 0.1, 0.1]])
    whole = opinion("whole", [[0.8, 0.7, 0.2], [0.1, 0.1, 0.1]])
    part = opinion("part", [[0.9, NAN, NAN], [NAN, NAN, 0.4]])
    half = opinion("half", [[0.9, 0.2, 0.1], [0.9, 0.1, 0.1]])
    beside = opinion("beside", [[NAN, NAN, 0.1], [NAN, NAN, NAN]])
    first, second = aggregate_labels(agreed, [whole, part, half, beside], texts(2), MULTI, {})
    assert first.teachers == ("whole", "part")
    assert second.teachers == ("whole", "part")


def test_the_method_of_the_config_is_used():
    opinions = [opinion("one", [[0.9] * 3] + [[0.1] * 3] * 3), opinion("two", [[0.1] * 3] * 4)]
    found = {
        method: combine(opinions, MULTI, method=method, truth={})[0].probabilities[0, 0]
        for method in ("pool", "majority", "dawid-skene")
    }
    assert found["pool"] == pytest.approx(0.5)
    assert found["majority"] == pytest.approx((1 + 1 / 8) / 3)
    assert found["dawid-skene"] == dawid_skene(opinions, MULTI.space, {}).opinion.probabilities[0, 0]


def test_golden_labels_outrank_every_teacher():
    one = opinion("one", [[0.99, 0.01, 0.01], [NAN] * 3], [True, False])
    labels = labels_of([one], 2, MULTI, {"0": ["c", "b"], "1": []})
    assert [label.categories for label in labels] == [("b", "c"), ()]
    assert labels[0].probabilities == {"a": 0, "b": 1, "c": 1}
    assert {label.origin for label in labels} == {Origin.GOLDEN}


def test_without_golden_texts_all_speak_equally_loudly():
    weights = weigh([opinion("one", [[0.9] * 3])], {}, MULTI.space)
    np.testing.assert_array_equal(weights["one"], 1)


@pytest.mark.parametrize("taxonomy", [MULTI, SINGLE])
def test_the_skilled_speak_louder_than_the_guessing_and_the_wrong(taxonomy):
    rng = np.random.default_rng(1)
    known = np.eye(3, dtype=bool)[rng.integers(3, size=60)]
    good = np.where(known, 0.8, 0.1)
    opinions = [
        opinion("good", good),
        opinion("blind", np.full(good.shape, 1 / 3)),
        opinion("wrong", np.where(known, 0.1, 0.45)),
        opinion("silent", np.full(good.shape, NAN)),
    ]
    weights = weigh(opinions, dict(enumerate(known)), taxonomy.space)
    assert (weights["good"] > 0.5).all()
    assert (weights["blind"] < 0.1).all()
    assert (weights["wrong"] == 0.001).all()
    assert all(np.isfinite(weight).all() for weight in weights.values())


def test_a_category_with_few_opinions_borrows_skill():
    known = np.tile([[True, False, False], [False, True, False]], (20, 1))
    good = np.where(known, 0.9, 0.1)
    good[1:, 2] = NAN
    good[0, 2] = 0.9
    weights = weigh([opinion("one", good)], dict(enumerate(known)), MULTI.space)["one"]
    assert 0.05 < weights[2] < weights[0]
