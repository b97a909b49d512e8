"""What reviews tell about the labels nobody looked at."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rubricator.dataset.labels import Review
from rubricator.review.estimates import ENOUGH, estimate, told
from rubricator.stats.shares import wilson

START = datetime(2026, 3, 1, tzinfo=UTC)


def reviews(pattern):
    """One review a letter: `G`/`g` chosen, `R`/`r` drawn; a capital changed the label."""
    return [
        Review(
            text_id=str(place),
            judged={"a": letter.islower(), "b": letter.isupper()},
            by="Анна",
            chosen="gain" if letter in "Gg" else "random",
            before=("a",),
            probability=0.6,
            when=START + timedelta(minutes=place),
        )
        for place, letter in enumerate(pattern)
    ]


def test_only_texts_drawn_at_random_tell_how_wrong_the_others_are():
    found = estimate(reviews("GGGGGGrrrrrrrrrR"), left=900)
    assert (found.reviews, found.changed, found.drawn, found.wrong) == (16, 7, 10, 1)
    assert found.error == pytest.approx(0.1)
    assert (found.low, found.high) == (wilson(1, 10).low, wilson(1, 10).high)
    assert "10% of the 900 labels" in told(found)[1]


def test_wilson_against_the_published_example():
    # Newcombe, Statistics in Medicine 17, 1998, table I: 81 of 263.
    share = wilson(81, 263)
    low, high = share.low, share.high
    assert low == pytest.approx(0.2553, abs=1e-4)
    assert high == pytest.approx(0.3662, abs=1e-4)


def test_without_random_texts_nothing_is_estimated():
    found = estimate(reviews("Gg"), left=5)
    assert found.error is None
    assert found.low is None
    assert "cannot be estimated" in told(found)[1]


@pytest.mark.parametrize(
    ("pattern", "left", "pays"),
    [
        ("G" * (ENOUGH - 1), 10, None),
        ("g" * ENOUGH + "G" * ENOUGH, 10, True),
        ("G" * ENOUGH + "g" * ENOUGH, 10, False),
        ("g" * (ENOUGH - 2) + "GG", 10, True),
        ("g" * (ENOUGH - 1) + "G", 10, False),
        ("G" * ENOUGH, 0, False),
        ("R" * ENOUGH, 10, None),
    ],
)
def test_going_on_pays_while_one_of_ten_of_the_last_chosen_texts_changes(pattern, left, pays):
    found = estimate(reviews(pattern), left=left)
    assert found.pays is pays
    assert told(found)[-1].startswith(
        {True: "Reviewing more pays", False: "Reviewing more hardly pays", None: "Whether"}[pays]
    )


@given(st.text(alphabet="GgRr", max_size=60), st.integers(0, 1000))
def test_counts_hold_for_any_order_of_the_answers(pattern, left):
    found = estimate(reviews(pattern), left=left)
    assert found == estimate(list(reversed(reviews(pattern))), left=left)
    assert found.changed == sum(letter.isupper() for letter in pattern)
    if found.error is not None:
        assert 0 <= found.low <= found.error <= found.high <= 1
    assert all(told(found))
