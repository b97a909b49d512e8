"""What HTTP costs: the same small model answers one text after the other, in this process and behind servers.

Called by serving.py; litserve_peer.py is the LitServe server. The overhead is the
latency at the client less that of the same call in the process, both medians of a round.
"""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

from machine import ROOT
from swap import KEYS, TEXTS, artifact

from rubricator.predict import Predictor

PEER = ROOT / "benchmarks/litserve_peer.py"
PORTS = {"Rubricator": 8771, "LitServe": 8772}


def overheads(rounds: int, requests: int, litserve: Path | None) -> dict[str, Any]:
    """Latency of one text by server, and how far it lies above that of the call alone, in milliseconds."""
    with tempfile.TemporaryDirectory() as home:
        folder = artifact(Path(home, "artifact"), KEYS[0])
        predictor = Predictor.load(folder)
        alone: list[float] = []
        latencies: dict[str, list[float]] = {}
        with servers(folder, litserve) as asks:
            for _ in range(rounds):
                alone.append(timed(lambda text: predictor.predict([text]), requests))
                for name, ask in asks.items():
                    latencies.setdefault(name, []).append(timed(ask, requests))
    rows: dict[str, Any] = {"the call alone": {"p50_ms": round(statistics.median(alone), 2)}}
    for name in PORTS:
        if name not in latencies:
            rows[name] = {"status": "not measured: it is not installed"}
            continue
        rows[name] = {
            "p50_ms": round(statistics.median(latencies[name]), 2),
            "overhead_p50_ms": round(
                statistics.median(a - b for a, b in zip(latencies[name], alone, strict=True)), 2
            ),
        }
    return rows


def timed(ask: Callable[[str], object], requests: int) -> float:
    """The median of that many calls, in milliseconds."""
    seconds = []
    for number in range(requests):
        began = time.perf_counter()
        ask(TEXTS[number % len(TEXTS)])
        seconds.append(time.perf_counter() - began)
    return 1000 * statistics.median(seconds)


@contextmanager
def servers(folder: Path, litserve: Path | None) -> Iterator[dict[str, Callable[[str], object]]]:
    """How each server is asked for one text, on a connection that is kept."""
    serve = "import sys; from rubricator.cli import main; sys.argv[0] = 'rubricator'; main()"
    commands = {
        "Rubricator": [sys.executable, "-c", serve, "serve", str(folder), "--port", str(PORTS["Rubricator"])]
    }
    environment = dict(os.environ)
    if litserve is not None or importlib.util.find_spec("litserve") is not None:
        commands["LitServe"] = [sys.executable, str(PEER), str(folder), str(PORTS["LitServe"])]
        environment["PYTHONPATH"] = os.pathsep.join(
            filter(None, (os.environ.get("PYTHONPATH"), None if litserve is None else str(litserve)))
        )
    processes = [
        subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment,
            start_new_session=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for command in commands.values()
    ]
    # httpx takes as long as a request itself; the client is to cost next to nothing.
    clients = {name: HTTPConnection("127.0.0.1", PORTS[name], timeout=30) for name in commands}
    paths = {"Rubricator": "/v1/classify", "LitServe": "/predict"}
    try:
        for client in clients.values():
            wait_for(client)
        yield {name: asking(client, paths[name]) for name, client in clients.items()}
    finally:
        for client in clients.values():
            client.close()
        for process in processes:
            # LitServe has processes of its own: they form the group that was started here.
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def asking(client: HTTPConnection, path: str) -> Callable[[str], object]:
    def ask(text: str) -> object:
        client.request("POST", path, json.dumps({"text": text}), {"Content-Type": "application/json"})
        answer = client.getresponse()
        content = json.loads(answer.read())
        if answer.status != HTTPStatus.OK:
            raise SystemExit(f"{path}: {answer.status} {content}")
        return content

    return ask


def wait_for(client: HTTPConnection) -> None:
    deadline = time.monotonic() + 600
    while time.monotonic() < deadline:
        try:
            client.request("GET", "/docs")
            answer = client.getresponse()
            answer.read()
            if answer.status == HTTPStatus.OK:
                return
        except (OSError, HTTPException):
            client.close()
        time.sleep(0.3)
    raise SystemExit(f"The server at port {client.port} did not start.")
