"""The words that weigh most, in the answers of the service."""

from __future__ import annotations

import asyncio
import threading

import httpx
import pytest

from rubricator.predict import Predictor
from rubricator.records import Text
from rubricator.serve import ServeSettings, create_app
from rubricator.serve.batcher import QueueFullError
from rubricator.serve.explainer import Explainer

TEXTS = ["<b>Вратарь</b> отбил «пенальти» 😀, и хоккеисты победили", "Банк поднял ставку"]
SETTINGS = ServeSettings(max_explained=2)


@pytest.fixture(scope="module")
def client(predictor, run_app):
    with (
        run_app(create_app(predictor, settings=SETTINGS)) as address,
        httpx.Client(base_url=address) as client,
    ):
        yield client


def classified(client, **body):
    response = client.post("/v1/classify", json={"texts": TEXTS} | body)
    assert response.status_code == 200, response.text
    return response.json()["predictions"]


def test_words_stand_where_the_answer_says(client, predictor):
    for one, expected in zip(classified(client, explain=3), predictor.explain(TEXTS, words=3), strict=True):
        explanation = one["explanation"]
        assert explanation["text"] == expected.content
        assert list(explanation["words"]) == one["labels"]
        for key, words in explanation["words"].items():
            assert 0 < len(words) <= 3
            assert [word["weight"] for word in words] == [word.weight for word in expected.words[key]]
            for word in words:
                assert explanation["text"][word["start"] : word["end"]] == word["word"]


def test_thresholds_say_which_categories_are_explained(client):
    first, _ = classified(client, explain=True, thresholds=0)
    assert list(first["explanation"]["words"]) == ["sport", "economy", "culture"]
    assert max(len(words) for words in first["explanation"]["words"].values()) > 3
    first, _ = classified(client, explain=1, thresholds=1)
    assert first["labels"] == []
    likeliest = max(first["probabilities"], key=first["probabilities"].get)
    assert list(first["explanation"]["words"]) == [likeliest]


def test_who_does_not_ask_gets_none(client):
    assert all("explanation" not in one for one in classified(client))
    assert all("explanation" not in one for one in classified(client, explain=False))


@pytest.mark.parametrize("explain", [0, -1, 51, 1.5, "yes", None, [3]])
def test_what_is_no_number_of_words_is_refused(client, explain):
    response = client.post("/v1/classify", json={"text": TEXTS[0], "explain": explain})
    assert response.status_code == 422
    assert "explain" in response.json()["detail"]


def test_fewer_texts_go_with_explanations(client):
    body = {"texts": [*TEXTS, "Роман"]}
    assert client.post("/v1/classify", json=body).status_code == 200
    response = client.post("/v1/classify", json=body | {"explain": True})
    assert response.status_code == 422
    assert "3 texts in one request that asks for explanations; send at most 2" in response.json()["detail"]
    assert client.get("/v1/model").json()["max_explained"] == 2


def test_the_contract_has_an_example(client):
    schema = client.get("/openapi.json").json()
    examples = schema["paths"]["/v1/classify"]["post"]["requestBody"]["content"]["application/json"][
        "examples"
    ]
    assert client.post("/v1/classify", json=examples["explained"]["value"]).status_code == 200
    assert "explanation" in schema["components"]["schemas"]["Classified"]["properties"]


def test_too_many_that_wait_are_turned_away_and_the_others_answered(linear_artifact, monkeypatch):
    predictor = Predictor.load(linear_artifact)
    texts = [Text(id=str(n), body=f"гол {n}") for n in range(4)]
    predictions = predictor.predict(texts)
    explain, gate = predictor.explain, threading.Event()

    def slow(*args, **options):
        assert gate.wait(10)
        return explain(*args, **options)

    monkeypatch.setattr(predictor, "explain", slow)

    async def scenario():
        explainer = Explainer(predictor, most=5)
        first = asyncio.create_task(explainer.explain(texts, predictions, words=2))
        await asyncio.sleep(0.01)
        with pytest.raises(QueueFullError):
            await explainer.explain(texts[:2], predictions[:2], words=2)
        second = asyncio.create_task(explainer.explain(texts[:1], predictions[:1], words=2))
        await asyncio.sleep(0.01)
        second.cancel()
        gate.set()
        found = await first
        assert [one.content for one in found] == [text.body for text in texts]
        assert (await explainer.explain(texts, predictions, words=2)) == found  # nobody waits any more

    asyncio.run(scenario())
