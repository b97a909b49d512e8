"""Decisions of editors over HTTP."""

from __future__ import annotations

import sqlite3

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, given, seed, settings
from schemathesis import GenerationMode
from tests.serve.test_schema import CHECKS, negative_data_rejection, positive_data_acceptance

from rubricator.review.feedback import read_decisions
from rubricator.serve import create_app
from rubricator.serve.feedback import FeedbackStore
from rubricator.store import Store


@pytest.fixture
def place(tmp_path):
    return tmp_path / "feedback.sqlite"


@pytest.fixture
def client(predictor, run_app, place):
    app = create_app(predictor, feedback=FeedbackStore(place))
    with run_app(app) as address, httpx.Client(base_url=address, timeout=30) as client:
        yield client


def send(client, key="k1", **changes):
    keys = [one["key"] for one in client.get("/v1/categories").json()["categories"]]
    body = {
        "id": "7",
        "body": "Городской оркестр сыграл в парке",
        "editor": "Анна",
        "categories": keys[:1],
        "predicted": keys[1:2],
        "shown": "blind",
        "taxonomy_version": client.get("/v1/model").json()["taxonomy_version"],
        "seconds": 4.5,
    } | changes
    return client.post("/v1/feedback", json=body, headers={"Idempotency-Key": key})


def kept(place):
    with Store.open(place) as store:
        return read_decisions(store)


def test_a_decision_is_stored_once_and_stamped(client, place, predictor):
    assert send(client).status_code == 201
    again = send(client)
    assert (again.status_code, again.json()) == (200, {"stored": False})
    (one,) = kept(place)
    assert (one.model, one.taxonomy) == (predictor.manifest.identifier, predictor.taxonomy.version)
    assert (one.editor, one.shown, one.seconds, one.changed) == ("Анна", "blind", 4.5, True)


def test_another_editors_decision_on_the_same_text_is_kept_too(client, place):
    send(client)
    assert send(client, "k2", editor="Борис").status_code == 201
    assert [one.editor for one in kept(place)] == ["Анна", "Борис"]


def test_a_key_with_another_decision_is_refused(client, place):
    send(client)
    assert send(client, seconds=9).status_code == 409
    assert len(kept(place)) == 1


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"categories": ["неведомое"]}, "no category 'неведомое'"),
        ({"predicted": ["неведомое"]}, "no category 'неведомое'"),
        ({"taxonomy_version": "0123456789ab"}, "0123456789ab"),
        ({"shown": "suggested", "predicted": None}, "predicted"),
        ({"body": " "}, "empty"),
    ],
)
def test_what_cannot_be_used_is_refused_with_the_reason(client, place, changes, said):
    refused = send(client, **changes)
    assert refused.status_code == 422
    assert said in refused.json()["detail"]
    assert not place.exists() or kept(place) == []


def test_while_the_store_is_locked_only_feedback_waits(client, place):
    send(client)
    with sqlite3.connect(place, isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        refused = send(client, "k2", id="8")
        assert refused.status_code == 503
        assert "locked" in refused.json()["detail"]
        assert "retry-after" in refused.headers
        assert client.post("/v1/classify", json={"text": "Хоккеисты победили"}).status_code == 200
        other.execute("ROLLBACK")
    other.close()
    assert send(client, "k2", id="8").status_code == 201


def test_a_store_that_cannot_be_opened_stops_feedback_alone(predictor, run_app, tmp_path):
    place = tmp_path / "file" / "feedback.sqlite"
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    app = create_app(predictor, feedback=FeedbackStore(place))
    with run_app(app) as address, httpx.Client(base_url=address) as client:
        assert send(client).status_code == 503
        assert client.post("/v1/classify", json={"text": "Хоккеисты победили"}).status_code == 200


@pytest.mark.slow
@pytest.mark.parametrize("mode", list(GenerationMode))
def test_feedback_keeps_to_the_schema(client, mode):
    api = schemathesis.openapi.from_url(f"{client.base_url}/openapi.json")
    operation = api["/v1/feedback"]["POST"]
    # Which keys and versions there are, no schema says; nor does it know all letters of Unicode.
    kept_checks = [one for one in CHECKS if one not in (positive_data_acceptance, negative_data_rejection)]

    @seed(1)
    @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(case=operation.as_strategy(generation_mode=mode))
    def check(case):
        case.call_and_validate(checks=kept_checks)

    check()
