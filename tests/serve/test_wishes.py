"""What a request may ask for beside its texts."""

from __future__ import annotations

import time

import httpx
import pytest

from rubricator.predict import Predictor
from rubricator.serve import ServeSettings, create_app
from rubricator.taxonomy import Task

TEXTS = ["Хоккеисты победили", "Банк поднял ставку", "Роман о театре"]


@pytest.fixture(scope="module")
def client(predictor, run_app):
    with run_app(create_app(predictor)) as address, httpx.Client(base_url=address) as client:
        yield client


def predictions(client, **body):
    response = client.post("/v1/classify", json={"texts": TEXTS} | body)
    assert response.status_code == 200, response.text
    return response.json()["predictions"]


def test_one_threshold_stands_for_all(client):
    assert {tuple(one["labels"]) for one in predictions(client, thresholds=0)} == {
        ("sport", "economy", "culture")
    }
    assert {tuple(one["labels"]) for one in predictions(client, thresholds=1)} == {()}
    for one in predictions(client, thresholds=0.3):
        assert one["labels"] == [key for key, p in one["probabilities"].items() if p >= 0.3]


def test_the_others_keep_theirs(client):
    plain, changed = predictions(client), predictions(client, thresholds={"culture": 0.0})
    for before, after in zip(plain, changed, strict=True):
        assert after["probabilities"] == before["probabilities"]
        assert after["labels"] == [key for key in before["labels"] if key != "culture"] + ["culture"]


def test_the_largest_probabilities_come_first(client):
    for full, best in zip(predictions(client), predictions(client, top_k=2), strict=True):
        expected = sorted(full["probabilities"].items(), key=lambda item: -item[1])[:2]
        assert list(best["probabilities"].items()) == expected
        assert best["labels"] == full["labels"]


@pytest.mark.parametrize(
    ("wishes", "said"),
    [
        ({"thresholds": {"weather": 0.5}}, "no category 'weather'"),
        ({"thresholds": 1.5}, "less than or equal to 1"),
        ({"thresholds": {"sport": -1}}, "greater than or equal to 0"),
        ({"thresholds": "all"}, "thresholds"),
        ({"top_k": 0}, "greater than or equal to 1"),
        ({"top_k": True}, "top_k"),
        ({"top_k": 1.5}, "top_k"),
    ],
)
def test_what_cannot_be_wished_is_said(client, wishes, said):
    response = client.post("/v1/classify", json={"texts": TEXTS} | wishes)
    assert (response.status_code, said in response.json()["detail"]) == (422, True), response.text


def test_a_single_label_model_has_no_thresholds_to_change(tmp_path, make_artifact, run_app):
    single = Predictor.load(make_artifact(tmp_path / "a", task=Task.SINGLE_LABEL))
    with run_app(create_app(single)) as address:
        refused = httpx.post(f"{address}/v1/classify", json={"text": "Роман", "thresholds": 0.2})
    assert (refused.status_code, "its likeliest category wins" in refused.json()["detail"]) == (422, True)


def test_a_request_may_bring_its_own_deadline(predictor, run_app):
    class Slow:
        manifest, taxonomy = predictor.manifest, predictor.taxonomy
        check, clean = predictor.check, predictor.clean

        def classify(self, texts):
            time.sleep(0 if texts[0].id == "warm-up" else 0.9)
            return predictor.classify(texts)

    with run_app(create_app(Slow(), settings=ServeSettings())) as address:

        def ask(seconds):
            headers = {"X-Timeout-Seconds": seconds}
            return httpx.post(f"{address}/v1/classify", json={"text": "Роман"}, headers=headers)

        late = ask("0.5")
        assert (late.status_code, "more than 0.5 s" in late.json()["detail"]) == (504, True)
        assert ask("20").status_code == 200
        for wrong in ("soon", "0", "-1", "nan"):
            assert ask(wrong).status_code == 422, wrong
        assert 'dropped_requests_total{reason="deadline"} 1.0' in httpx.get(f"{address}/metrics").text


def test_stages_and_sizes_are_measured(client):
    predictions(client)
    figures = client.get("/metrics").text
    for stage in ("read", "clean", "queue", "inference"):
        assert f'rubricator_stage_seconds_count{{stage="{stage}"}}' in figures
    assert 'rubricator_label_probability_count{category="' in figures
    assert 'role="champion"' in figures
