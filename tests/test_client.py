"""The client against real servers: a whole service, and one that is busy."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import uvicorn

from rubricator.client import Client
from rubricator.errors import ServiceError
from rubricator.predict import Predictor
from rubricator.records import Text
from rubricator.serve import create_app
from rubricator.serve.security.keys import ApiKey, key_digest


@pytest.fixture(scope="module")
def served(linear_artifact):
    """A service with a key, its address and its predictor."""
    import socket
    import time

    predictor = Predictor.load(linear_artifact)
    app = create_app(predictor, keys=[ApiKey(name="desk", sha256=key_digest("secret"))])
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(app, log_level="critical", ws="none"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        while not server.started:
            time.sleep(0.01)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}", predictor
        server.should_exit = True
        thread.join(20)


def test_predictions_are_those_of_the_predictor(served):
    address, predictor = served
    texts = ["Хоккеисты победили", Text(id="n7", title="Ставка", body="Банк поднял её")]
    with Client(address, key="secret") as client:
        expected = predictor.predict([Text(id="0", body=texts[0]), texts[1]])
        assert client.classify(texts) == expected
        assert client.classify([]) == []
        assert client.model()["model"] == predictor.manifest.identifier
        (everything,) = client.classify(["Роман"], thresholds={"sport": 0.0}, top_k=1, split_key="u1")
        assert "sport" in everything.categories
        assert len(everything.probabilities) == 1
        assert client.explain(texts, words=2) == predictor.explain(
            [Text(id="0", body=texts[0]), texts[1]], words=2
        )
        assert client.explain([]) == []
        with pytest.raises(ServiceError, match=r"answered 422: .*text is empty"):
            client.classify([""])
        with pytest.raises(ServiceError, match="a list of them belongs"):
            client.classify("Роман")
    with Client(address) as client, pytest.raises(ServiceError, match="answered 401"):
        client.model()


def test_nobody_answers():
    with (
        Client("http://127.0.0.1:9", seconds=2) as client,
        pytest.raises(ServiceError, match="does not answer"),
    ):
        client.model()


@pytest.fixture
def busy():
    """A server that is busy for some answers, and what it was asked."""
    asked = []

    class Handler(BaseHTTPRequestHandler):
        refusals = 2

        def do_GET(self):
            asked.append(self.headers["X-Timeout-Seconds"])
            status = 429 if len(asked) <= self.refusals else 200
            content = b'{"model": "m"}' if status == 200 else b'{"detail": "busy"}'
            self.send_response(status)
            self.send_header("Retry-After", "0")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *arguments):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", asked
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_busy_server_is_asked_again(busy):
    address, asked = busy
    with Client(address, seconds=7) as client:
        assert client.model() == {"model": "m"}
    assert asked == ["7"] * 3


def test_but_not_for_ever(busy):
    address, asked = busy
    with Client(address, attempts=2) as client, pytest.raises(ServiceError, match="answered 429: busy"):
        client.model()
    assert len(asked) == 2
