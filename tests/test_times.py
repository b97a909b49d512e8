from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rubricator.times import parse_time

NOON = datetime(2024, 11, 4, 12, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    "written",
    [
        "2024-11-04T12:30:00+00:00",
        "2024-11-04T12:30:00Z",
        "2024-11-04T12:30:00.000Z",
        "2024-11-04T15:30:00+03:00",
        "2024-11-04 15:30:00 +0300",
        "2024-11-04T12:30",
        "2024-11-04 12:30:00",
        "2024-11-04 12:30:00 UTC",
        "2024/11/04 12:30",
        "20241104T123000",
        "04.11.2024 12:30",
        "4.11.2024, 12:30:00",
        "04.11.24 12:30",
        "04.11.2024 в 12:30",
        "04.11.2024 12:30:00.000",
        "4 ноября 2024 г., 12:30",
        "4 ноя. 2024 12:30",
        "04.11.2024 15:30 +03:00",
        "2024-11-04 15:30 MSK",
        "4 НОЯБРЯ 2024 года в 15:30 МСК",
        "Mon, 04 Nov 2024 15:30:00 MSK",
        " 04.11.2024 12:30 ",
        "Mon, 04 Nov 2024 12:30:00 GMT",
        "Mon, 4 Nov 2024 15:30:00 +0300",
        "1730723400",
        "1730723400.0",
        "1730723400000",
        1730723400,
        1730723400.0,
        1730723400000,
        datetime(2024, 11, 4, 12, 30),
        NOON,
    ],
)
def test_one_moment_in_many_writings(written):
    assert parse_time(written) == NOON


@pytest.mark.parametrize(
    "written",
    ["2024-11-04", "04.11.2024", "2024/11/04", "20241104", date(2024, 11, 4), "04.11.24", "4 ноября 2024 г."],
)
def test_days_begin_at_midnight(written):
    assert parse_time(written) == datetime(2024, 11, 4, tzinfo=UTC)


@pytest.mark.parametrize(
    "written",
    [
        "",
        " ",
        "вчера",
        "32.01.2024",
        "2024-13-01",
        "2024",
        2024,
        0,
        True,
        None,
        float("nan"),
        float("inf"),
        "12:30",
        "12/03/2026",
        "10.10.10.10",
        "4 ноября",
        "04.11.202",
    ],
)
def test_what_is_no_time_is_none(written):
    assert parse_time(written) is None


@given(st.text(max_size=30) | st.floats() | st.integers())
def test_anything_gives_a_moment_in_utc_or_none(value):
    found = parse_time(value)
    assert found is None or found.tzinfo is UTC


@given(st.datetimes(min_value=datetime(1980, 1, 1), max_value=datetime(2100, 1, 1)))
def test_iso_comes_back(moment):
    assert parse_time(moment.isoformat()) == moment.replace(tzinfo=UTC)


@given(
    st.dates(date(1969, 1, 1), date(2068, 12, 31)),
    st.sampled_from(["{:%d.%m.%Y}", "{:%d.%m.%y}", "{:%d.%m.%y г.}"]),
)
def test_russian_days_come_back(day, form):
    assert parse_time(form.format(day)) == datetime(day.year, day.month, day.day, tzinfo=UTC)


def test_every_month_has_its_name():
    months = [
        "января",
        "февраля",
        "марта",
        "апреля",
        "мая",
        "июня",
        "июля",
        "августа",
        "сентября",
        "октября",
        "ноября",
        "декабря",
    ]
    assert [parse_time(f"1 {month} 2026").month for month in months] == list(range(1, 13))
    assert [parse_time(f"1 {month[:3]} 26").month for month in months] == list(range(1, 13))
