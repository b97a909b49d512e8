"""Changes the model of a service under load, and looks at every answer.

    python benchmarks/swap.py --json benchmarks/results/swap.json

A real `rubricator serve --registry` answers `--requests` requests on kept and on new connections while two
small linear versions, whose categories have nothing in common, are promoted in turn, `--swaps` times. An
answer is right if it has status 200 and its probabilities are those that the version it names gives.
`/healthz` is asked meanwhile.
"""

from __future__ import annotations

import asyncio
import json
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from machine import ROOT, arguments, write

from rubricator.artifact import ModelRegistry, write_artifact
from rubricator.config import Clean, Columns
from rubricator.label_space import DecisionRule, LabelSpace
from rubricator.models.linear import LinearModel, Ngrams
from rubricator.predict import Predictor
from rubricator.taxonomy import Category, Taxonomy

TEXTS = (
    "Хоккеисты победили в гостях",
    "Банк снизил ставку по вкладам",
    "Театр открыл сезон",
    "Дождь к вечеру",
)
KEYS = (("sport", "economy", "culture"), ("ice", "money", "stage"))
KEPT, NEW = 6, 2


def main() -> None:
    options = arguments(__doc__.splitlines()[0])
    options.add_argument("--requests", type=int, default=100_000)
    options.add_argument("--swaps", type=int, default=50)
    options.add_argument("--workers", type=int, default=1)
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as home:
        registry = ModelRegistry(Path(home, "models"))
        names = [registry.add(artifact(Path(home, keys[0]), keys)).identifier for keys in KEYS]
        registry.promote(names[0])
        expected = {
            (name, text): dict(Predictor.load(registry.artifact(name)).predict([text])[0].probabilities)
            for name in names
            for text in TEXTS
        }
        process, address = started(registry.folder, given.workers)
        try:
            figures = asyncio.run(measured(address, registry, names, expected, given.requests, given.swaps))
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(30)
    for name, value in figures.items():
        print(f"{name:<28} {value}")
    write(given.json, {"workers": given.workers, "figures": figures})


def artifact(folder: Path, keys: tuple[str, ...]) -> Path:
    """A linear model over a few words; its weights depend on its categories."""
    words = ("хоккеисты", "банк", "театр", "победили", "ставку", "сезон")
    block = Ngrams("word", 1, 1, tuple(sorted(words)), np.ones(len(words)))
    weights = np.random.default_rng(len(keys[0])).normal(size=(len(keys), len(words))) * 3
    write_artifact(
        folder,
        name="swap",
        kind="linear",
        model=LinearModel((block,), weights, np.zeros(len(keys))),
        encoders={},
        taxonomy=Taxonomy(categories=tuple(Category(key=key) for key in keys)),
        rule=DecisionRule.identity(LabelSpace.of_size(len(keys), single=False)),
        columns=Columns(body="text"),
        clean=Clean(),
        max_characters=2000,
        metrics={},
        data_fingerprint="0" * 32,
        card="# swap\n",
    )
    return folder


def started(registry: Path, workers: int) -> tuple[subprocess.Popen[str], str]:
    code = "from rubricator.cli import main; main()"
    command = [sys.executable, "-c", code, "serve", "--registry", str(registry), "--port", "8766"]
    process = subprocess.Popen(
        [*command, "--workers", str(workers)],
        cwd=ROOT,
        stderr=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        text=True,
    )
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        try:
            httpx.get("http://127.0.0.1:8766/readyz").raise_for_status()
        except httpx.HTTPError:
            time.sleep(0.2)
        else:
            return process, "127.0.0.1"
    process.kill()
    raise SystemExit("The service did not start.")


async def measured(
    address: str,
    registry: ModelRegistry,
    names: list[str],
    expected: dict[tuple[str, str], dict[str, float]],
    requests: int,
    swaps: int,
) -> dict[str, Any]:
    seen: Counter[str] = Counter()
    seconds: list[float] = []
    health: list[float] = []
    left = iter(range(requests))

    async def load(*, kept: bool) -> None:
        connection = None
        for number in left:
            text = TEXTS[number % len(TEXTS)]
            began = time.perf_counter()
            connection = connection or await asyncio.open_connection(address, 8766)
            status, body = await asked(connection, request("POST", {"text": text}, kept=kept))
            seconds.append(time.perf_counter() - began)
            right = status == 200 and body["predictions"][0]["probabilities"] == expected[body["model"], text]
            seen["right" if right else f"wrong: {status}"] += 1
            seen[body.get("model", "none")] += 1
            seen["kept connections" if kept else "new connections"] += 1
            if not kept:
                connection[1].close()
                connection = None
        if connection:
            connection[1].close()

    async def watch() -> None:
        while True:
            began = time.perf_counter()
            connection = await asyncio.open_connection(address, 8766)
            await asked(connection, request("GET", None, kept=False))
            connection[1].close()
            health.append(time.perf_counter() - began)
            await asyncio.sleep(0.1)

    async def swap() -> int:
        for number in range(1, swaps + 1):
            while seconds and len(seconds) < requests * number / (swaps + 1):
                await asyncio.sleep(0.01)
            await asyncio.to_thread(registry.promote, names[number % 2])
        return swaps

    began = time.perf_counter()
    watching = asyncio.create_task(watch())
    await asyncio.sleep(0.2)
    loads = [asyncio.create_task(load(kept=number < KEPT)) for number in range(KEPT + NEW)]
    await asyncio.sleep(0.2)
    promoted = await swap()
    await asyncio.gather(*loads)
    watching.cancel()
    figures = httpx.get("http://127.0.0.1:8766/metrics").text
    done = next((line for line in figures.splitlines() if 'swaps_total{outcome="done"}' in line), "none 0")
    return {
        "requests": sum(count for name, count in seen.items() if name.startswith(("right", "wrong"))),
        **dict(sorted(seen.items())),
        "promotions": promoted,
        "swaps done by the processes": int(float(done.rsplit(" ", 1)[1])),
        "requests a second": round(requests / (time.perf_counter() - began)),
        "median ms": round(1000 * statistics.median(seconds), 1),
        "99.9 % below ms": round(1000 * float(np.quantile(seconds, 0.999)), 1),
        "slowest ms": round(1000 * max(seconds), 1),
        "healthz median ms": round(1000 * statistics.median(health), 1),
        "healthz 99 % below ms": round(1000 * float(np.quantile(health, 0.99)), 1),
    }


def request(method: str, body: dict[str, str] | None, *, kept: bool) -> bytes:
    content = b"" if body is None else json.dumps(body).encode()
    path = "/healthz" if body is None else "/v1/classify"
    connection = "keep-alive" if kept else "close"
    lines = (
        f"{method} {path} HTTP/1.1",
        "Host: x",
        f"Connection: {connection}",
        "Content-Type: application/json",
    )
    return "\r\n".join((*lines, "")).encode() + b"Content-Length: %d\r\n\r\n" % len(content) + content


async def asked(
    connection: tuple[asyncio.StreamReader, asyncio.StreamWriter], data: bytes
) -> tuple[int, Any]:
    reader, writer = connection
    writer.write(data)
    head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
    length = int(head.split("content-length:")[1].split("\r\n")[0])
    return int(head.split()[1]), json.loads(await reader.readexactly(length))


if __name__ == "__main__":
    main()
