from __future__ import annotations

import pytest

from rubricator.pages.formatting import duration, figure, interval, percent, plural, series
from rubricator.stats.bootstrap import Estimate


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.00004, "<0.1 ms"),
        (0.0094, "9.4 ms"),
        (0.00996, "10 ms"),
        (0.027, "27 ms"),
        (0.9996, "1 s"),
        (1.34, "1.3 s"),
        (5.0, "5 s"),
        (89.9, "89.9 s"),
        (240, "4 min"),
    ],
)
def test_durations(seconds, said):
    assert duration(seconds) == said


@pytest.mark.parametrize(
    ("share", "said"),
    [(0, "0%"), (0.001, "<1%"), (0.0099, "<1%"), (0.01, "1%"), (0.46, "46%"), (0.999, ">99%"), (1, "100%")],
)
def test_shares_never_claim_all_or_nothing(share, said):
    assert percent(share) == said


def test_what_is_undefined_is_a_dash():
    assert (figure(None), figure(0.0), interval(Estimate(0.5))) == ("–", "0.00", "–")
    assert interval(Estimate(0.5, 0.4, 0.61), 3) == "0.400–0.610"


def test_numbers_and_lists_read_well():
    assert (plural(1, "text"), plural(1200, "text"), plural(2, "category", "categories")) == (
        "1 text",
        "1,200 texts",
        "2 categories",
    )
    assert (series([]), series(["a"]), series(["a", "b"]), series(["a", "b", "c"])) == (
        "",
        "a",
        "a and b",
        "a, b and c",
    )
