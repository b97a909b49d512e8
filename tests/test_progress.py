"""What is known of work that goes on."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rubricator import progress
from rubricator.progress import Clocked, Pace, silent


def measured(total: int | None, steps: Iterable[tuple[float, int]]) -> tuple[float | None, float | None]:
    """Rate and seconds left after steps that took so many seconds and did so many items."""
    now = 100.0
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(progress.time, "monotonic", lambda: now)
        pace = Pace(total)
        for seconds, items in steps:
            now += seconds
            pace.count(items)
        return pace.rate, pace.seconds_left


def test_the_first_items_say_nothing_of_the_time_left() -> None:
    # A minute of loading, then one of 10,000 texts: not a week.
    assert measured(10_000, [(60, 1)]) == (None, None)
    assert measured(10_000, [(60, 0), (0.1, 1), (0.1, 1)]) == (None, None)


def test_loading_and_what_an_earlier_run_did_are_no_part_of_the_rate() -> None:
    steps = [(60.0, 32), *[(2.0, 32)] * 5]
    assert measured(1632, steps) == (16, (1632 - 192) / 16)
    assert measured(1600, [(0.0, 1000), *[(2.0, 20)] * 5]) == (10, 50)


def test_few_large_steps_are_enough_when_they_are_a_good_part() -> None:
    assert measured(3, [(50, 1), (60, 1)]) == (1 / 60, 60)
    assert measured(3, [(50, 1)]) == (None, None)


def test_without_a_total_there_is_a_rate_and_no_end() -> None:
    assert measured(None, [(1, 5), *[(1, 5)] * 5]) == (5, None)


@given(
    st.one_of(st.none(), st.integers(0, 10**6)),
    st.lists(st.tuples(st.floats(0, 1000), st.integers(0, 1000)), max_size=20),
)
def test_a_rate_is_never_absurd(total: int | None, steps: list[tuple[float, int]]) -> None:
    rate, left = measured(total, steps)
    items = sum(count for _, count in steps)
    assert rate is None or 0 < rate <= items
    assert left is None or (total is not None and rate is not None and 0 <= left <= total / rate)


def test_seconds_are_added_up_by_what_is_done() -> None:
    now = 100.0
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(progress.time, "monotonic", lambda: now)
        clocked = Clocked(silent)
        for _ in range(2):
            with clocked("Encoding", total=2) as outer, clocked("Encoding", total=1) as inner:
                now += 3
                outer(1)
                inner(1)
            with clocked("Reading", total=None):
                now += 1
    assert clocked.seconds == {"Encoding": 6.0, "Reading": 2.0}
