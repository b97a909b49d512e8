"""What reviews tell about the labels nobody looked at."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rubricator.dataset.reviews import Review
from rubricator.review.estimates import ENOUGH, measure_progress, progress_lines
from rubricator.stats.shares import wilson

START = datetime(2026, 3, 1, tzinfo=UTC)


def reviews(pattern):
    """One review a letter: `G` chosen, `S` drawn and suggested, `B` drawn and blind; a capital changed it."""
    return [
        Review(
            text_id=str(place),
            judged={"a": letter.islower(), "b": letter.isupper()},
            by="Анна",
            chosen="gain" if letter in "Gg" else "random",
            shown="blind" if letter in "Bb" else "suggested",
            before=("a",),
            probability=0.6,
            when=START + timedelta(minutes=place),
        )
        for place, letter in enumerate(pattern)
    ]


def test_what_teachers_think_of_all_texts_narrows_the_interval():
    rng = np.random.default_rng(5)
    doubts = rng.choice([0.1, 0.9], 900, p=[0.7, 0.3])
    blind = [
        replace(review, judged={"a": sure, "b": not sure}, probability=0.9 if sure else 0.1)
        for review, sure in zip(reviews("b" * 40), rng.random(40) < 0.7, strict=True)
    ]
    progress = measure_progress(blind, doubts)
    alone = wilson(progress.wrong, 40)
    assert progress.error.high - progress.error.low < 0.8 * (alone.high - alone.low)
    assert progress.error.low <= 0.3 <= progress.error.high


def unsure(count, doubt=0.4):
    return np.full(count, doubt)


def test_only_texts_drawn_at_random_tell_how_wrong_the_others_are():
    progress = measure_progress(reviews("GGGGGGbbbbbbbbbB"), unsure(900))
    assert (progress.reviews, progress.changed, progress.blind, progress.wrong) == (16, 7, 10, 1)
    assert progress.error == wilson(1, 10)
    assert "10% of the 900 labels" in progress_lines(progress)[1]


@pytest.mark.parametrize("pattern", ["Gg", "Ss" * 30])
def test_without_blind_answers_nothing_is_estimated(pattern):
    progress = measure_progress(reviews(pattern), unsure(5))
    assert (progress.error.value, progress.gain, progress.pays) == (None, None, None)
    assert "cannot be estimated" in progress_lines(progress)[1]


@pytest.mark.slow
@given(st.text(alphabet="GgSs", max_size=40), st.text(alphabet="Bb", max_size=40))
def test_what_was_answered_beside_a_suggestion_measures_nothing(suggested, blind):
    alone = measure_progress(reviews(blind), unsure(50))
    together = measure_progress(reviews(suggested + blind), unsure(50))
    assert together == replace(alone, reviews=together.reviews, changed=together.changed)


@pytest.mark.parametrize(
    ("pattern", "doubts", "pays"),
    [
        ("B" * (ENOUGH - 1), unsure(10), None),
        ("B" * ENOUGH, unsure(10, 0.1), True),
        ("b" * ENOUGH, unsure(10, 0.1), False),
        ("b" * (2 * ENOUGH), unsure(10), False),
        ("b" * ENOUGH, np.append(unsure(900, 0.01), unsure(20, 0.9)), True),
        ("B" * ENOUGH, unsure(0), False),
        ("G" * 40, unsure(10), None),
    ],
)
def test_going_on_pays_while_one_of_ten_of_the_next_chosen_texts_is_expected_to_change(pattern, doubts, pays):
    progress = measure_progress(reviews(pattern), doubts)
    assert progress.pays is pays
    assert progress_lines(progress)[-1].startswith(
        {True: "Reviewing more pays", False: "Reviewing more hardly pays", None: "Whether"}[pays]
    )


@given(st.text(alphabet="GgSsBb", max_size=60), st.lists(st.floats(0, 1), max_size=50))
def test_counts_hold_for_any_order_of_the_answers(pattern, doubts):
    doubts = np.array(doubts)
    progress = measure_progress(reviews(pattern), doubts)
    assert progress == measure_progress(list(reversed(reviews(pattern))), doubts)
    assert progress.changed == sum(letter.isupper() for letter in pattern)
    if (error := progress.error).value is not None:
        assert 0 <= error.low <= error.value <= error.high <= 1
    if progress.gain is not None:
        assert 0 <= progress.gain <= 1
    assert all(progress_lines(progress))
