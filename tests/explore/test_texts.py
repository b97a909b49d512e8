"""Lengths, times, missing fields and cleaning of a few texts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from known_texts import known_of, texts_of

from rubricator.explore.texts import cleaning, lengths, missing_fields, sources, stretch, time_line
from rubricator.records import Text


def test_lengths_say_what_is_cut_off() -> None:
    texts = texts_of(["кот", "на мосту стоял фонарщик", "я" * 250])
    found = lengths(known_of(texts, tokens=np.array([2, 6, 30]), max_tokens=10))
    assert (found.characters[0], found.characters[50], found.characters[100]) == (3, 23, 250)
    assert (found.cut_off, found.unread) == (1, pytest.approx(20 / 38))
    assert [bar for bar in found.histogram if bar[2]] == [(0, 9, 1), (10, 29, 1), (100, 299, 1)]
    assert lengths(known_of(texts)).tokens == {}


@given(st.lists(st.integers(0, 200_000), min_size=1, max_size=8))
def test_every_text_is_in_one_bar(sizes: list[int]) -> None:
    bars = lengths(known_of(texts_of(["я" * size for size in sizes]))).histogram
    assert sum(count for *_, count in bars) == len(sizes)
    for size in sizes:
        assert sum(low <= size <= high for low, high, _ in bars) == 1


def at(*days: int) -> list[Text]:
    start = datetime(2024, 2, 27, 9, tzinfo=UTC)
    return texts_of(["дым"] * len(days), time=[start + timedelta(days=day) for day in days])


def test_a_time_line_has_no_gaps_and_leaves_out_what_cannot_be() -> None:
    line = time_line([*at(0, 0, 4), *texts_of(["век"], time=[datetime(1914, 9, 16, tzinfo=UTC)])])
    assert line is not None
    assert (line.unit, line.strange) == ("day", 1)
    assert list(line.bars.items()) == [
        ("2024-02-27", 2),
        ("2024-02-28", 0),
        ("2024-02-29", 0),
        ("2024-03-01", 0),
        ("2024-03-02", 1),
    ]
    assert time_line(texts_of(["без даты"])) is None


@given(st.lists(st.integers(0, 9000), min_size=1, max_size=12))
def test_every_time_is_in_one_bar_and_there_are_few_bars(days: list[int]) -> None:
    line = time_line([text for day in days for text in at(-day)])
    assert line is not None
    assert sum(line.bars.values()) == len(days)
    assert len(line.bars) <= 62


def test_weeks_begin_on_monday() -> None:
    assert stretch(datetime(2024, 3, 3, tzinfo=UTC), "week") == "2024-02-26"


def test_sources_and_fields_are_counted() -> None:
    texts = texts_of(
        ["а б", "в", "г"], source=["пристань", "", "пристань"], features=[{"n": 1}, {"n": None}, {}]
    )
    assert [(one.name, one.texts) for one in sources(known_of(texts))] == [("пристань", 2)]
    assert {one.field: one.texts for one in missing_fields(texts)} == {"source": 1, "n": 2}


def test_cleaning_is_shown_where_it_changed_something() -> None:
    dirty = "Ночью ушёл паром, **а утром вернулся**"
    texts = [
        Text(id="a", body=dirty, content="Ночью ушёл паром, а утром вернулся"),
        Text(id="b", body="Тихо ", content="Тихо"),
    ]
    found = cleaning(known_of(texts))
    assert found.changed == 1
    assert [(one.id, one.before) for one in found.examples] == [("a", dirty)]
    assert 0 < found.shorter < 0.2
