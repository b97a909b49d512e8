"""Bodies cost no more than they may, however they are made."""

from __future__ import annotations

import json
import tracemalloc
from contextlib import suppress

import pytest
from growth import assert_linear, repeated
from hypothesis import given
from hypothesis import strategies as st
from small_artifacts import taxonomy_of

from rubricator.records import Text
from rubricator.serve.bodies import BodyError, read_body
from rubricator.serve.limits import ServeSettings

LIMITS = ServeSettings()


def read(body: object, settings: ServeSettings = LIMITS) -> list[Text]:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return read_body(data, settings, taxonomy_of()).texts


def refused(body: object, settings: ServeSettings = LIMITS) -> BodyError:
    with pytest.raises(BodyError) as caught:
        read(body, settings)
    return caught.value


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b'{"texts": [' + b"1," * 700_000 + b"1]}", 413),
        (b'{"texts": [' + b"[]," * 600_000 + b"1]}", 413),
        (b'{"text": {"body": "a", ' + b",".join(b'"%d":1' % n for n in range(170_000)) + b"}}", 413),
        (b'"' + b'\\"' * 900_000, 422),
        (b'""' * 900_000, 413),
        (b"[" * 60_000, 400),
        (b'{"text":' * 1000, 400),
        (b"9" * 2_000_000, 422),
        (b'{"text": ' + b"9" * 2_000_000 + b"}", 422),
    ],
)
def test_what_is_made_to_cost_is_refused_at_little_cost(body: bytes, status: int) -> None:
    tracemalloc.start()
    try:
        assert refused(body).status == status
        assert tracemalloc.get_traced_memory()[1] < 20 * 2**20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "unit", ['"', '\\"', "[", "]", "{}", ",", '""', '"a",', "\\", "1", " ", "a", '{"', "я"]
)
@pytest.mark.parametrize("before", ["", '"', '{"texts": ["'])
def test_the_time_of_reading_grows_with_the_length_alone(before: str, unit: str) -> None:
    def work(body: str) -> None:
        with pytest.raises(BodyError):
            read(body.encode())

    assert_linear(work, lambda length: repeated(unit, length, before=before))


def test_signs_within_texts_are_not_counted() -> None:
    settings = ServeSettings(max_values=10)
    body = ',[]{}":\\' * 1000
    assert read({"text": body}, settings) == [Text(id="0", body=body)]
    assert refused({"texts": ["a"] * 10}, settings).status == 413


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        ({"texts": [1] * 200}, "texts.4: Input should be a valid string (there may be more)"),
        ({"text": "a"} | {f"k{n}": 1 for n in range(50)}, "k4: is not a known key (there may be more)"),
        ({"text": {"body": "a"} | {f"k{n}": 1 for n in range(50)}}, "text.k4: is not a known key (there may"),
        ({"text": {"body": "a", "features": {str(n): [] for n in range(50)}}}, "(there may be more)"),
    ],
)
def test_five_faults_are_enough(body: object, detail: str) -> None:
    said = refused(body).detail
    assert detail in said
    assert said.count(";") == 4


def test_keys_are_shown_in_part() -> None:
    assert len(refused({"text": "a", "k" * 10_000: 1}).detail) < 200


@pytest.mark.parametrize("absent", [{"title": None}, {"title": ""}, {}])
def test_null_is_an_empty_part(absent: dict[str, str | None]) -> None:
    assert read({"text": {"body": "a"} | absent}) == [Text(id="0", body="a")]
    assert read({"text": {"title": "a", "body": None}}) == [Text(id="0", title="a")]


def test_numbers_are_read_as_json_means_them() -> None:
    (text,) = read(b'{"text": {"id": 7.0, "body": "a", "features": {"n": 1' + b"0" * 5000 + b"}}}")
    assert (text.id, text.features) == ("7", {"n": float("inf")})
    assert "NaN is no number" in refused(b'{"text": {"body": "a", "features": {"n": NaN}}}').detail
    assert refused(b'{"text": {"id": 1' + b"0" * 5000 + b', "body": "a"}}').status == 422


@pytest.mark.slow
@given(st.recursive(st.none() | st.booleans() | st.floats() | st.integers() | st.text(), st.lists))
def test_any_json_is_read_or_refused(value: object) -> None:
    for body in (value, {"text": value}, {"texts": value}, {"texts": [value]}, {"text": {"features": value}}):
        with suppress(BodyError):
            read(body)


@given(st.binary())
def test_any_bytes_are_refused_in_words(body: bytes) -> None:
    assert refused(body).detail
