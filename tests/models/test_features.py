import logging
import math
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rubricator.errors import ArtifactError
from rubricator.models.features import Column, FeatureTable, weighted_sums
from rubricator.text_rules.values import as_boolean, as_level, as_number, as_seconds, is_missing
from rubricator.times import parse_time

TABLE = FeatureTable(
    (
        Column(name="views", kind="numeric"),
        Column(name="length", kind="duration"),
        Column(name="live", kind="boolean"),
        Column(name="shown", kind="date"),
        Column(name="slot", kind="categorical", levels=["evening", "morning"]),
    )
)
FULL = {
    "views": "1,200",
    "length": "PT2M",
    "live": "yes",
    "shown": "2025-01-06T06:00:00Z",
    "slot": "Morning ",
}


@pytest.mark.parametrize("cell", [None, math.nan, "", "  ", "NaN", "null", "N/A", "<NA>"])
def test_missing_cells(cell):
    assert is_missing(cell)


@pytest.mark.parametrize("cell", [0.0, False, "none", "0", "NA"])
def test_cells_that_say_something(cell):
    assert not is_missing(cell)


@pytest.mark.parametrize(
    ("cell", "number"),
    [
        ("12", 12),
        ("-0.5", -0.5),
        ("1e6", 1000000.0),
        ("1 234", 1234),
        ("1,234,567.5", 1234567.5),
        ("0,5", 0.5),
        ("12%", 12),
        (7.0, 7),
        (True, 1),
        ("twelve", None),
        ("1.2.3", None),
        (math.inf, None),
        ("inf", None),
    ],
)
def test_numbers(cell, number):
    assert as_number(cell) == number


@pytest.mark.parametrize(
    ("cell", "seconds"),
    [
        ("PT8M47S", 527),
        ("8:47", 527),
        ("00:08:47", 527),
        ("527 s", 527),
        ("P1DT2H", 93600),
        ("PT0.5S", 0.5),
        ("1 h 5 min", 3900),
        ("2 ч 10 мин", 7800),
        ("3 минуты", 180),
        ("90", 90),
        (61.0, 61),
        ("PT", None),
        ("P", None),
        ("long", None),
        ("", None),
        ("9" * 400 + " s", None),
    ],
)
def test_lengths_of_time(cell, seconds):
    assert as_seconds(cell) == seconds


@pytest.mark.parametrize(
    ("cell", "time"),
    [
        ("2025-08-31", datetime(2025, 8, 31, tzinfo=UTC)),
        ("2025/08/31 10:20", datetime(2025, 8, 31, 10, 20, tzinfo=UTC)),
        ("2025-08-31T10:20:00+03:00", datetime(2025, 8, 31, 7, 20, tzinfo=UTC)),
        ("31.08.2025, 10:20", datetime(2025, 8, 31, 10, 20, tzinfo=UTC)),
        (1_000_000_000.0, datetime(2001, 9, 9, 1, 46, 40, tzinfo=UTC)),
        ("31.13.2025", None),
        (2025.0, None),
        (True, None),
        ("soon", None),
    ],
)
def test_times(cell, time):
    assert parse_time(cell) == time


@pytest.mark.parametrize(
    ("cell", "answer"), [("Да", 1), ("no", 0), (True, 1), (False, 0), ("1", 1), (0.0, 0), ("maybe", None)]
)
def test_yes_and_no(cell, answer):
    assert as_boolean(cell) == answer


def test_levels_do_not_mind_case_spaces_or_whole_floats():
    assert as_level("  Early  Bird ") == as_level("early bird")
    assert as_level(3.0) == "3"


def test_a_full_row_becomes_numbers():
    numbers, missing = TABLE.transform([FULL])
    assert not missing.any()
    named = dict(zip(TABLE.names, numbers[0], strict=True))
    assert named["views"] == pytest.approx(np.log1p(1200))
    assert named["length"] == pytest.approx(np.log1p(120))
    assert named["live"] == 1
    assert named["shown: year"] == pytest.approx(55.0, abs=0.1)
    assert named["shown: month (cosine)"] == named["shown: weekday (cosine)"] == 1
    assert named["shown: hour (sine)"] == 1
    assert (named["slot = evening"], named["slot = morning"], named["slot = rare"]) == (0, 1, 0)


def test_missing_cells_are_nan_and_unseen_levels_are_rare():
    numbers, missing = TABLE.transform([FULL | {"views": None, "slot": "midnight"}, {"views": "3"}])
    assert missing.tolist() == [[True, False, False, False, False], [False, True, True, True, True]]
    assert np.isnan(numbers[0, 0])
    assert numbers[0, -3:].tolist() == [0, 0, 1]
    assert np.isnan(numbers[1, 1:]).all()


def test_a_cell_of_another_type_is_missing_and_told_once(caplog):
    table = FeatureTable(TABLE.columns)
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            _, missing = table.transform([FULL | {"views": "many"}, FULL | {"views": "a lot"}])
    assert missing[:, 0].all()
    (told,) = caplog.messages
    assert "'views' holds 'many' where a number is expected" in told


def test_an_absent_column_is_told_once_and_others_go_on(caplog):
    table = FeatureTable(TABLE.columns)
    rows = [{name: cell for name, cell in FULL.items() if name != "length"}]
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            numbers, _ = table.transform(rows)
    (told,) = caplog.messages
    assert "'length' is absent" in told
    assert np.isfinite(numbers).sum() == numbers.size - 1


def test_an_empty_batch_has_the_right_shape():
    numbers, missing = TABLE.transform([])
    assert numbers.shape == (0, len(TABLE.names))
    assert missing.shape == (0, 5)


cells = st.one_of(st.none(), st.booleans(), st.floats(), st.text(max_size=12))


@given(st.lists(st.fixed_dictionaries({}, optional=dict.fromkeys(FULL, cells)), max_size=4))
def test_whatever_the_cells_numbers_are_finite_or_missing_and_rows_independent(rows):
    numbers, missing = TABLE.transform(rows)
    assert not np.isinf(numbers).any()
    for place, row in enumerate(rows):
        alone, blank = TABLE.transform([row])
        np.testing.assert_array_equal(alone[0], numbers[place])
        assert (blank[0] == missing[place]).all()


def test_a_column_named_twice_is_refused():
    with pytest.raises(ArtifactError, match="twice"):
        FeatureTable.of_columns([TABLE.columns[0], TABLE.columns[0]])


@pytest.mark.parametrize(
    "faulty",
    [{"kind": "numeric", "levels": ["a"]}, {"kind": "categorical", "levels": ["a", "a"]}, {"kind": "sound"}],
)
def test_unsound_columns_are_refused(faulty):
    with pytest.raises(ValueError, match=r"level|kind"):
        Column(name="slot", **faulty)


@given(st.integers(1, 5), st.integers(0, 4))
def test_weighted_sums_do_not_depend_on_the_rows_beside(rows, units):
    rng = np.random.default_rng(rows)
    x, w = rng.normal(size=(rows, 37)), rng.normal(size=(units, 37))
    together = weighted_sums(x, w)
    assert together == pytest.approx(x @ w.T)
    assert all((weighted_sums(x[[i]], w)[0] == together[i]).all() for i in range(rows))
