"""Every prediction is logged, and no request pays for it."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta

import httpx
import pytest
import sqlalchemy as sa

from rubricator.errors import StoreError
from rubricator.predict import Predictor
from rubricator.records import Text
from rubricator.serve import LogSettings, create_app
from rubricator.serve.metrics import Metrics
from rubricator.serve.prediction_log import PredictionLogger, classify_observed
from rubricator.store import Store
from rubricator.store.predictions import LoggedPrediction, PredictionLog

TEXT = "Хоккеисты победили в гостях со счётом три один"


def logged(place, *, texts=False):
    with Store.open(place) as store:
        return [one for _, one in PredictionLog(store).read(texts=texts)]


def metric(client, name):
    lines = client.get("/metrics").text.splitlines()
    return sum(float(line.split()[-1]) for line in lines if line.startswith(name))


def wait_until_logged(client, count):
    deadline = time.monotonic() + 60
    while metric(client, "rubricator_logged_predictions_total") < count:
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.fixture
def place(tmp_path):
    return tmp_path / "log" / "predictions.sqlite"


def ask(client, *items):
    answer = client.post("/v1/classify", json={"texts": list(items)})
    assert answer.status_code == 200
    return answer.json()["predictions"]


def test_what_was_answered_is_in_the_log_without_the_text(predictor, run_app, place):
    with (
        run_app(create_app(predictor, log=LogSettings(place=str(place)))) as address,
        httpx.Client(base_url=address) as client,
    ):
        named, unnamed = ask(client, {"id": "a7", "body": TEXT, "source": "Вечерний листок"}, TEXT)
        wait_until_logged(client, 2)
    first, second = logged(place, texts=True)
    assert (first.text_id, first.source, first.model) == (
        "a7",
        "Вечерний листок",
        predictor.manifest.identifier,
    )
    assert first.probabilities == pytest.approx(named["probabilities"], abs=1e-6)
    assert list(first.categories) == named["labels"] == unnamed["labels"]
    assert first.characters == len(TEXT)
    assert second.text_id.startswith("#")
    assert TEXT not in second.text_id
    assert first.text is None
    assert TEXT.encode() not in place.read_bytes()
    assert 0 < first.seconds < 60
    assert abs(first.at - datetime.now(UTC)) < timedelta(minutes=1)


def test_texts_are_kept_only_when_asked_for(predictor, run_app, place):
    settings = LogSettings(place=str(place), texts=True)
    with run_app(create_app(predictor, log=settings)) as address, httpx.Client(base_url=address) as client:
        ask(client, {"id": "1", "body": TEXT})
        wait_until_logged(client, 1)
    assert [one.text for one in logged(place, texts=True)] == [TEXT]


def test_another_salt_names_the_same_text_otherwise(predictor):
    def named(salt):
        logger = PredictionLogger(LogSettings(place="", salt=salt), Metrics())
        texts = [Text(id="0", body=TEXT, content=TEXT)]
        logger.offer(texts, classify_observed(predictor, texts), predictor, "champion", 0.1)
        return logger._logged(logger._waiting.popleft()).text_id

    assert named("a") == named("a") != named("b")


def test_a_locked_store_delays_no_request_and_what_is_lost_is_counted(predictor, run_app, place):
    with Store.open(place):
        pass
    settings = LogSettings(place=str(place), most=3)
    with (
        run_app(create_app(predictor, log=settings)) as address,
        httpx.Client(base_url=address) as client,
        closing(sqlite3.connect(place, isolation_level=None)) as other,
    ):
        other.execute("BEGIN IMMEDIATE")
        began = time.perf_counter()
        for number in range(30):
            ask(client, {"id": f"t{number}", "body": TEXT})
        # Two seconds each, were a request to wait for the store.
        assert time.perf_counter() - began < 45
        assert metric(client, "rubricator_unlogged_predictions_total") > 0
        other.execute("ROLLBACK")
        wait_until_logged(client, 1)
    rows = logged(place)
    with Store.open(place) as store:
        lost = PredictionLog(store).losses()
    assert rows
    assert len(rows) + lost["buffer"] == 30


@pytest.fixture
def short_end(monkeypatch):
    """At the end nobody waits for a database that fails."""
    monkeypatch.setattr("rubricator.serve.store_writer.CLOSING_SECONDS", 0.1)


@pytest.mark.usefixtures("short_end")
def test_a_store_that_cannot_be_opened_costs_the_log_alone(predictor, run_app, tmp_path):
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    settings = LogSettings(place=str(tmp_path / "file" / "log.sqlite"), most=5)
    with run_app(create_app(predictor, log=settings)) as address, httpx.Client(base_url=address) as client:
        for _ in range(8):
            ask(client, TEXT)
        assert metric(client, "rubricator_unlogged_predictions_total") >= 3


@pytest.mark.usefixtures("short_end")
def test_a_full_store_costs_the_log_alone(predictor, run_app, place):
    def small(connection, _record):
        connection.execute("PRAGMA max_page_count=30")

    sa.event.listen(sa.pool.Pool, "connect", small)
    try:
        settings = LogSettings(place=str(place), texts=True, most=200)
        with (
            run_app(create_app(predictor, log=settings)) as address,
            httpx.Client(base_url=address) as client,
        ):
            for _ in range(4):
                ask(client, *[TEXT * 10] * 100)
                time.sleep(0.3)
            assert metric(client, "rubricator_unlogged_predictions_total") >= 100
    finally:
        sa.event.remove(sa.pool.Pool, "connect", small)


def test_what_is_older_than_asked_for_is_deleted(predictor, place):
    old = LoggedPrediction(
        at=datetime.now(UTC) - timedelta(days=9),
        text_id="old",
        model="m",
        taxonomy_version="1",
        role="champion",
        categories=(),
        probabilities={},
        seconds=0.1,
        characters=3,
    )
    with Store.open(place) as store:
        PredictionLog(store).append([old])
    logger = PredictionLogger(LogSettings(place=str(place), keep_days=7), Metrics())
    texts = [Text(id="new", body=TEXT, content=TEXT)]
    logger.offer(texts, classify_observed(predictor, texts), predictor, "champion", 0.1)
    logger.start()
    while logger._waiting or not logger._next_deletion:
        time.sleep(0.01)
    logger.close()
    assert [one.text_id for one in logged(place)] == ["new"]


def test_the_vector_of_an_encoder_is_logged_small(heads_artifact, hash_encoder):
    from rubricator.artifact import read_artifact
    from rubricator.dataset.inputs import BASE

    predictor = Predictor(read_artifact(heads_artifact), {BASE: hash_encoder.encode})
    texts = [Text(id="0", body=TEXT, content=TEXT)]
    (observed,) = classify_observed(predictor, texts)
    assert len(observed.vector) == 64
    (plain,) = predictor.classify(texts)
    assert observed.probabilities == plain.probabilities


def test_a_file_that_is_taken_away_is_made_anew(predictor, run_app, place):
    settings = LogSettings(place=str(place))
    with run_app(create_app(predictor, log=settings)) as address, httpx.Client(base_url=address) as client:
        ask(client, {"id": "a", "body": TEXT})
        wait_until_logged(client, 1)
        for file in place.parent.iterdir():
            file.unlink()
        ask(client, {"id": "b", "body": TEXT})
        wait_until_logged(client, 2)
    assert [one.text_id for one in logged(place)] == ["b"]


def test_what_was_written_is_not_written_again_where_old_rows_cannot_be_deleted(
    predictor, place, monkeypatch
):
    def refused(*_):
        raise StoreError("no")

    monkeypatch.setattr(PredictionLog, "forget", refused)
    logger = PredictionLogger(LogSettings(place=str(place), keep_days=7), Metrics())
    texts = [Text(id="new", body=TEXT, content=TEXT)]
    logger.offer(texts, classify_observed(predictor, texts), predictor, "champion", 0.1)
    logger.start()
    logger.close()
    assert [one.text_id for one in logged(place)] == ["new"]
