"""Which texts are put before a person."""

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rubricator.label_space import LabelSpace
from rubricator.review.selection import disagreement, gain, pick

NAN = np.nan


def space(categories, *, single):
    return LabelSpace.of_size(categories, single=single)


def chosen(
    probabilities, *, single=True, opinions=None, vectors=None, groups=None, count=2, share=0.0, reviewed=()
):
    probabilities = np.array(probabilities, dtype=float)
    labels = space(probabilities.shape[1], single=single)
    return pick(
        probabilities,
        labels.decide(probabilities),
        np.empty((0, *probabilities.shape)) if opinions is None else np.array(opinions, dtype=float),
        None if vectors is None else np.array(vectors, dtype=np.float32),
        groups or [str(row) for row in range(len(probabilities))],
        reviewed=reviewed,
        count=count,
        space=labels,
        seed=1,
        random_share=share,
    )


def test_the_most_doubtful_labels_come_first_and_a_text_without_label_before_them():
    picks = chosen([[0.9, 0.1], [0.55, 0.45], [NAN, NAN], [0.7, 0.3]], count=3)
    assert [one.row for one in picks] == [2, 1, 3]
    assert {one.chosen for one in picks} == {"gain"}


def test_a_label_contradicted_by_the_model_is_more_doubtful_than_a_tie():
    posterior = np.array([[0.5, 0.5], [0.9, 0.1]])
    decided = np.array([[True, False], [False, True]])
    gains = gain(posterior, decided, np.empty((0, 2, 2)), space(2, single=True))
    np.testing.assert_allclose(gains, [0.5, 0.9])


def test_multi_label_gain_counts_expected_faults_over_the_categories():
    posterior = np.array([[0.9, 0.2, 0.5], [0.99, 0.01, 0.01]])
    gains = gain(posterior, posterior >= 0.5, np.empty((0, 2, 3)), space(3, single=False))
    np.testing.assert_allclose(gains, [0.1 + 0.2 + 0.5, 0.03])


@pytest.mark.parametrize("single", [True, False])
def test_teachers_disagree_where_they_say_different_things(single):
    one = [[1, 0], [0.5, 0.5], [1, 0], [NAN, NAN]]
    two = [[0, 1], [0.5, 0.5], [NAN, NAN], [NAN, NAN]]
    apart = disagreement(np.array([one, two], dtype=float), space(2, single=single))
    np.testing.assert_allclose(apart, [1 if single else 2, 0, 0, 0], atol=1e-9)


def test_between_equal_doubts_teachers_that_disagree_decide():
    doubts = [[0.6, 0.4]] * 3
    opinions = [[[1, 0], [1, 0], [1, 0]], [[1, 0], [0, 1], [1, 0]]]
    assert [one.row for one in chosen(doubts, opinions=opinions, count=1)] == [1]


def test_a_batch_spreads_and_leaves_outliers():
    rng = np.random.default_rng(0)
    near, far = np.array([1, 0, 0, 0]), np.array([0, 1, 0, 0])
    vectors = np.vstack(
        [near + rng.normal(0, 0.05, (20, 4)), far + rng.normal(0, 0.05, (20, 4)), [[0, 0, 0, 1]]]
    )
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    doubts = np.tile([0.6, 0.4], (41, 1))
    doubts[:20] = [0.58, 0.42]
    rows = [one.row for one in chosen(doubts, vectors=vectors, count=14)]
    assert any(row < 20 for row in rows[:2]), "the second is elsewhere, though a little less doubtful"
    assert any(20 <= row < 40 for row in rows[:2])
    assert 40 not in rows[:2], "a text like no other teaches little"


@settings(deadline=None, max_examples=60)
@given(data=st.data(), single=st.booleans(), count=st.integers(1, 30), share=st.sampled_from([0.0, 0.2, 1.0]))
def test_picks_are_open_texts_one_a_group_and_the_same_for_the_same_seed(data, single, count, share):
    rows = data.draw(st.integers(1, 25))
    rng = np.random.default_rng(data.draw(st.integers(0, 1000)))
    probabilities = rng.dirichlet(np.ones(3), rows)
    probabilities[rng.random(rows) < 0.2] = NAN
    groups = [str(number) for number in rng.integers(0, rows, rows)]
    reviewed = np.flatnonzero(rng.random(rows) < 0.3).tolist()
    vectors = rng.normal(size=(rows, 5))
    options = {"single": single, "groups": groups, "reviewed": reviewed, "count": count, "share": share}
    picks = chosen(probabilities, vectors=vectors, **options)
    assert picks == chosen(probabilities, vectors=vectors, **options)
    closed = {groups[row] for row in reviewed}
    picked = [groups[one.row] for one in picks]
    assert len(picked) == len(set(picked)) == min(count, len(set(groups) - closed))
    assert not closed & set(picked)
    assert sum(one.chosen == "random" for one in picks) == round(len(picks) * share)


def test_the_random_share_is_drawn_evenly_from_what_the_choice_left():
    probabilities = np.tile([0.9, 0.1], (50, 1))
    probabilities[:10] = [0.55, 0.45]
    drawn, places = np.zeros(50), np.zeros(10)
    for seed in range(300):
        decided = space(2, single=True).decide(probabilities)
        groups = [str(row) for row in range(50)]
        picks = pick(
            probabilities,
            decided,
            np.empty((0, 50, 2)),
            None,
            groups,
            reviewed=(),
            count=10,
            space=space(2, single=True),
            seed=seed,
            random_share=0.2,
        )
        for place, one in enumerate(picks):
            drawn[one.row] += one.chosen == "random"
            places[place] += one.chosen == "random"
    assert drawn[10:].min() > 0
    assert drawn[10:].max() < 40, "600 lots over 40 texts and the two doubtful ones that were left"
    assert places.min() > 35, "no place of a batch gives away what stands there: 60 each on average"
    assert places.max() < 85


def test_a_hundred_thousand_texts_take_seconds():
    rng = np.random.default_rng(0)
    rows = 100_000
    probabilities = rng.dirichlet(np.ones(5), rows)
    vectors = rng.normal(size=(rows, 32)).astype(np.float32)
    started = time.perf_counter()
    picks = chosen(
        probabilities, vectors=vectors, opinions=[probabilities, probabilities], count=50, share=0.2
    )
    assert len(picks) == 50
    assert time.perf_counter() - started < 10
