"""Models change while requests are in flight."""

from __future__ import annotations

import itertools
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path

import httpx
import pytest

from rubricator.artifact import ModelRegistry
from rubricator.predict import Predictor
from rubricator.serve import ServeSettings, create_app
from rubricator.serve.deployments import Beside, Deployments
from rubricator.serve.metrics import Metrics
from rubricator.serve.security.keys import ApiKey, key_digest
from rubricator.taxonomy import Category, Taxonomy

FAST = ServeSettings(watch_seconds=0.05)
TEXTS = ["Хоккеисты победили в гостях", "Банк снизил ставку", "Роман о театре"]
ADMIN = {"Authorization": b"Bearer boss-key"}
USER = {"Authorization": b"Bearer user-key"}
KEYS = [
    ApiKey(name="boss", sha256=key_digest("boss-key"), admin=True),
    ApiKey(name="desk", sha256=key_digest("user-key"), rate="1000/minute"),
]


@pytest.fixture(scope="module")
def predictors(make_artifact, tmp_path_factory):
    """Two versions whose categories have nothing in common."""
    home = tmp_path_factory.mktemp("versions")
    others = Taxonomy(categories=tuple(Category(key=key) for key in ("ice", "money", "art")))
    folders = [make_artifact(home / "a"), make_artifact(home / "b", taxonomy=others)]
    return [Predictor.load(folder) for folder in folders], folders


@pytest.fixture
def registry(predictors, tmp_path):
    """A registry with both; the first is the champion."""
    found = ModelRegistry(tmp_path / "models")
    names = [found.add(folder).identifier for folder in predictors[1]]
    found.promote(names[0])
    return found, names


def asking(address, stop, answers, *, kept):
    with httpx.Client(base_url=address, timeout=20) as client:
        for number in itertools.count():
            if stop.is_set():
                return
            text = TEXTS[number % len(TEXTS)]
            post = client.post if kept else httpx.post
            response = post("/v1/classify" if kept else f"{address}/v1/classify", json={"text": text})
            answers.append((text, response))


def assert_whole(answers, predictors):
    """Every answer is that of one model, computed by it alone."""
    expected = {
        (one.manifest.identifier, text): one.predict([text])[0] for one in predictors for text in TEXTS
    }
    for text, response in answers:
        assert response.status_code == 200, response.text
        body = response.json()
        prediction = expected[body["model"], text]
        assert body["taxonomy_version"] == prediction.taxonomy_version
        (answered,) = body["predictions"]
        assert answered["probabilities"] == dict(prediction.probabilities)
        assert answered["labels"] == list(prediction.categories)


def test_swaps_under_load_fail_no_request_and_mix_no_models(predictors, registry, run_app):
    (first, second), _ = predictors
    found, names = registry
    app = create_app(first, settings=FAST, registry=found)
    answers, stop = [], threading.Event()
    with run_app(app) as address, ThreadPoolExecutor(4) as pool:
        loads = [pool.submit(asking, address, stop, answers, kept=kept) for kept in (True, True, False)]
        for number in range(1, 7):
            found.promote(names[number % 2])
            until(lambda number=number: served(address) == names[number % 2])
        stop.set()
        for load in loads:
            load.result(20)
    assert len(answers) > 30
    assert {response.json()["model"] for _, response in answers} == set(names)
    assert_whole(answers, (first, second))


def test_a_swap_while_a_request_waits_lets_the_old_model_answer_it(predictors, registry, run_app):
    (first, second), _ = predictors
    found, names = registry
    slow = Gated(first)
    app = create_app(slow, settings=FAST, registry=found, keys=KEYS)
    with run_app(app) as address, ThreadPoolExecutor(2) as pool:
        slow.working.clear()
        slow.free.clear()
        ask = partial(httpx.post, headers=ADMIN, timeout=20)
        waiting = pool.submit(ask, f"{address}/v1/classify", json={"text": TEXTS[0]})
        assert slow.working.wait(5)
        assert ask(f"{address}/v1/models/promote", json={"version": names[1]}).status_code == 200
        now = ask(f"{address}/v1/classify", json={"text": TEXTS[0]}).json()
        assert now["model"] == second.manifest.identifier
        assert not waiting.done()
        slow.free.set()
        assert_whole([(TEXTS[0], waiting.result(10))], (first,))
        gone = f'model_info{{model="{first.manifest.identifier}"'
        until(lambda: gone not in httpx.get(f"{address}/metrics").text)


def test_a_model_that_comes_back_while_it_leaves_is_counted_once(predictors):
    (first, _), _ = predictors
    metrics = Metrics()
    for now in (True, True, False):
        metrics.serves(first.manifest, "champion", now=now)
    assert f'model="{first.manifest.identifier}"' in metrics.text().decode()
    metrics.serves(first.manifest, "champion", now=False)
    assert f'model="{first.manifest.identifier}"' not in metrics.text().decode()


def test_a_version_that_broke_on_the_way_is_refused_and_the_old_one_goes_on(predictors, registry, run_app):
    (first, _), _ = predictors
    found, names = registry
    weights = next(found.artifact(names[1]).rglob("*.safetensors"))

    def load(folder):
        raise ZeroDivisionError("cannot be started")

    with run_app(create_app(first, settings=FAST, registry=found, load=load)) as address:
        found.promote(names[1])
        until(lambda: 'rubricator_swaps_total{outcome="refused"} 1.0' in httpx.get(f"{address}/metrics").text)
        assert served(address) == names[0]
    weights.write_bytes(weights.read_bytes()[:50])
    with run_app(create_app(first, settings=FAST, registry=found)) as address:
        until(lambda: 'rubricator_swaps_total{outcome="refused"} 1.0' in httpx.get(f"{address}/metrics").text)
        answer = httpx.post(f"{address}/v1/classify", json={"text": "Роман"}).json()
        assert answer["model"] == names[0]


def test_an_admin_promotes_and_rolls_back_over_http(predictors, registry, run_app):
    (first, second), _ = predictors
    found, names = registry
    with (
        run_app(create_app(first, settings=FAST, registry=found, keys=KEYS)) as address,
        httpx.Client(base_url=address, headers=ADMIN) as client,
    ):
        promoted = client.post(
            "/v1/models/promote", json={"version": names[1].partition("@")[2][:6], "note": "проба"}
        )
        assert promoted.json() == {"champion": names[1], "before": names[0]}
        assert client.get("/v1/model").json()["model"] == names[1] == found.champion()
        keys = [one["key"] for one in client.get("/v1/categories").json()["categories"]]
        assert keys == list(second.taxonomy.keys)
        schema = client.get("/openapi.json").json()["components"]["schemas"]["OneText"]
        assert schema["properties"]["thresholds"]["anyOf"][1]["propertyNames"] == {"enum": keys}
        again = client.post("/v1/models/promote", json={"version": names[1]})
        assert (again.status_code, "the champion already" in again.json()["detail"]) == (409, True)
        assert client.post("/v1/models/promote", json={"version": "nothing"}).status_code == 404
        assert client.post("/v1/models/promote", json={"version": 5}).status_code == 422
        assert client.post("/v1/models/rollback", json={}).json()["champion"] == names[0]
        assert client.get("/v1/model").json()["model"] == names[0]
        assert client.post("/v1/models/rollback", json={}).status_code == 409
        states = client.get("/v1/models").json()["versions"]
        assert {one["version"]: one["champion"] for one in states} == {names[0]: True, names[1]: False}
        assert client.post("/v1/models/promote", json={"version": names[1]}, headers=USER).status_code == 403


def test_of_two_promotions_at_once_the_second_is_told(predictors, registry, run_app):
    (first, _), _ = predictors
    found, names = registry
    held, go = threading.Event(), threading.Event()

    def load(folder):
        held.set()
        assert go.wait(10)
        return Predictor.load(folder)

    app = create_app(first, settings=FAST, registry=found, load=load, keys=KEYS)
    with run_app(app) as address, ThreadPoolExecutor(1) as pool:
        promote = partial(httpx.post, f"{address}/v1/models/promote", headers=ADMIN, timeout=20)
        waiting = pool.submit(promote, json={"version": names[1]})
        assert held.wait(10)
        with pytest.raises(Exception, match="Another promotion is under way"):
            found.promote(names[1])
        go.set()
        assert waiting.result().status_code == 200


def test_a_share_of_the_keys_is_answered_by_the_challenger_always_the_same(predictors, run_app):
    (first, second), _ = predictors
    beside = Beside(challenger=second, share=0.3, salt="июнь")
    with run_app(create_app(first, beside=beside)) as address, httpx.Client(base_url=address) as client:

        def model(key):
            headers = {"X-Split-Key": f"user-{key}"}
            return client.post("/v1/classify", json={"text": TEXTS[0]}, headers=headers).json()["model"]

        answered = [model(key) for key in range(120)]
        assert [model(key) for key in range(40)] == answered[:40]
        share = answered.count(second.manifest.identifier) / len(answered)
        assert 0.15 < share < 0.45
        assert set(answered) == {first.manifest.identifier, second.manifest.identifier}
        beside_it = client.get("/v1/model").json()["beside"]
        assert [(one["model"], one["role"]) for one in beside_it] == [
            (second.manifest.identifier, "challenger")
        ]
    # Another salt divides the keys anew, and nobody's share depends on the order of requests.
    others = [divided(predictors, 0.3, "июль").chosen(f"user-{key}".encode()) for key in range(120)]
    assert [one.predictor.manifest.identifier for one in others] != answered
    assert {divided(predictors, 0.0, "").chosen(b"%d" % key).role for key in range(50)} == {"champion"}
    assert {divided(predictors, 1.0, "").chosen(b"%d" % key).role for key in range(50)} == {"challenger"}


def test_a_shadow_is_compared_and_never_returned(predictors, run_app, tmp_path):
    (first, second), _ = predictors
    log = tmp_path / "shadow.jsonl"
    app = create_app(first, beside=Beside(shadow=second), shadow_log=log)
    with run_app(app) as address:
        answers = [
            (text, httpx.post(f"{address}/v1/classify", json={"text": text}, headers={"X-Request-Id": "r7"}))
            for text in TEXTS
        ]
        assert_whole(answers, (first,))
        until(lambda: log.exists() and len(log.read_text(encoding="utf-8").splitlines()) == len(TEXTS))
        figures = httpx.get(f"{address}/metrics").text
    assert 'rubricator_shadow_texts_total{agrees="no"}' in figures
    lines = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    assert {line["request"] for line in lines} == {"r7"}
    for line, text in zip(lines, TEXTS, strict=True):
        assert line["answered"]["model"] == first.manifest.identifier
        expected = dict(second.predict([text])[0].probabilities)
        assert line["shadow"]["probabilities"] == pytest.approx(expected, abs=1e-6)
        assert text not in json.dumps(line, ensure_ascii=False)


def test_a_shadow_that_fails_or_is_slow_touches_no_answer(predictors, run_app, tmp_path):
    (first, second), _ = predictors
    slow = Gated(second)
    app = create_app(first, beside=Beside(shadow=slow), settings=ServeSettings(queue_texts=2))
    with run_app(app) as address, httpx.Client(base_url=address) as client:
        slow.free.clear()
        answers = [(text, client.post("/v1/classify", json={"text": text})) for text in TEXTS * 3]
        assert_whole(answers, (first,))
        until(lambda: 'dropped_requests_total{reason="shadow"}' in client.get("/metrics").text)
        slow.free.set()


def divided(predictors, share, salt):
    (first, second), _ = predictors
    beside = Beside(challenger=second, share=share, salt=salt)
    return Deployments(first, ServeSettings(), Metrics(), beside=beside)


class Gated:
    """A predictor that waits until it is let go."""

    def __init__(self, predictor):
        self.manifest, self.taxonomy = predictor.manifest, predictor.taxonomy
        self.check, self.clean = predictor.check, predictor.clean
        self._predictor = predictor
        self.free, self.working = threading.Event(), threading.Event()
        self.free.set()

    def classify(self, texts):
        self.working.set()
        assert self.free.wait(10)
        return self._predictor.classify(texts)


def served(address):
    return httpx.get(f"{address}/v1/model").json()["model"]


def until(holds, seconds=20):
    deadline = time.monotonic() + seconds
    while not (found := holds()):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return found


def workers_of(parent):
    """The processes below one that answer requests."""
    found = set()
    for pid in Path(f"/proc/{parent}/task/{parent}/children").read_text().split():
        with suppress(OSError):  # it has ended meanwhile
            if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes():
                found.add(int(pid))
    return found


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self").exists(), reason="looks for processes in /proc")
def test_processes_share_a_port_their_figures_and_each_promotion(predictors, registry, tmp_path):
    found, names = registry
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{free.getsockname()[1]}"
    code = "from rubricator.cli import main; main()"
    arguments = [
        "serve",
        "--registry",
        str(found.folder),
        "--workers",
        "2",
        "--port",
        address.rpartition(":")[2],
    ]
    process = subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        env=os.environ | {"TMPDIR": str(tmp_path)},
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )

    def figures():
        try:
            return httpx.get(f"{address}/metrics", timeout=5).text
        except httpx.HTTPError:
            return ""

    def serving(name):
        return f'rubricator_model_info{{model="{name}",role="champion",taxonomy_version="'

    try:
        until(lambda: serving(names[0]) in figures() and "} 2.0" in figures(), seconds=90)
        answers = [
            (text, httpx.post(f"{address}/v1/classify", json={"text": text}))
            for text in TEXTS
            for _ in range(4)
        ]
        assert_whole(answers, predictors[0])
        assert 'requests_total{path="/v1/classify",status="200"} 12.0' in figures()
        found.promote(names[1])
        until(lambda: 'rubricator_swaps_total{outcome="done"} 2.0' in figures(), seconds=30)
        after = [(TEXTS[0], httpx.post(f"{address}/v1/classify", json={"text": TEXTS[0]})) for _ in range(4)]
        assert {response.json()["model"] for _, response in after} == {names[1]}
        killed = max(workers_of(process.pid))
        os.kill(killed, signal.SIGKILL)
        # A new process takes its place with the champion of now, and the dead one no longer counts.
        until(lambda: len(workers_of(process.pid) - {killed}) == 2, seconds=60)
        fresh = max(workers_of(process.pid))
        until(lambda: any(tmp_path.glob(f"rubricator-figures-*/gauge_livesum_{fresh}.db")), seconds=60)
        until(lambda: re.search(f"{serving(names[1])}.*}} 2.0", figures()), seconds=60)
        again = [(text, httpx.post(f"{address}/v1/classify", json={"text": text})) for text in TEXTS * 3]
        assert_whole(again, predictors[0])
        assert {response.json()["model"] for _, response in again} == {names[1]}
    finally:
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=40)
    assert process.returncode == 0
    assert said.count("Application shutdown complete") == 2
