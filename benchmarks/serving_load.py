"""A service under load: a curve up to and past saturation, a soak, a worker process that is killed.

    python benchmarks/serving_load.py --json benchmarks/results/serving-load.json

wrk keeps so many connections busy and notes latencies; it is a closed loop, so beyond saturation its clients
wait. The open loop sends at a rate whatever comes back, as people do; a request counts from when it was due.
`/healthz` is asked meanwhile. Without --artifact a small linear model answers, so that what is measured is
the service.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from argparse import Namespace
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http import HTTPStatus
from pathlib import Path
from typing import Any

import httpx
import matplotlib.pyplot as plt
import numpy as np
from machine import ROOT, arguments, write
from swap import KEYS, TEXTS, artifact, asked, request

from rubricator.predict import Predictor

PORT = 8766
SCRIPT = ROOT / "benchmarks/load/classify.lua"
HOST = "127.0.0.1"


def main() -> None:
    options = arguments(__doc__.splitlines()[0])
    options.add_argument("--artifact", type=Path)
    options.add_argument("--seconds", type=float, default=20, help="of every point of the curve")
    options.add_argument("--connections", type=int, nargs="+", default=[1, 2, 4, 8, 16, 32, 64, 128, 256])
    options.add_argument("--shares", type=float, nargs="+", default=[0.25, 0.5, 0.75, 0.9, 1.0, 1.25])
    options.add_argument("--queue-texts", type=int, default=128)
    options.add_argument("--soak", type=float, default=600, help="seconds; 0 leaves it out")
    options.add_argument("--kill", type=float, default=30, help="seconds of load around the kill; 0: none")
    options.add_argument("--plot", type=Path, metavar="FILE", help="the curve as PNG")
    given = options.parse_args()
    with prepared(given.artifact) as (_, folder, bodies):
        figures = measured(given, folder, bodies)
    write(given.json, {"artifact": str(given.artifact or "small linear model"), "figures": figures})
    if given.plot is not None:
        plot(figures, given.plot)


@contextmanager
def prepared(chosen: Path | None) -> Iterator[tuple[Path, Path, Path]]:
    """A folder to work in, the artifact to serve, and a file with the bodies that wrk sends."""
    if shutil.which("wrk") is None:
        raise SystemExit("wrk is not installed: apt install wrk")
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        bodies = home / "bodies"
        lines = [json.dumps({"text": text}, ensure_ascii=False) for text in TEXTS]
        bodies.write_text("\n".join(lines) + "\n", encoding="utf-8")
        yield home, chosen or artifact(home / "artifact", KEYS[0]), bodies


def measured(given: Namespace, folder: Path, bodies: Path) -> dict[str, Any]:
    figures: dict[str, Any] = {"curve": [], "open loop": []}
    with served(folder, "--queue-texts", str(given.queue_texts)) as process:
        wrk(bodies, 4, 2.0)
        for connections in given.connections:
            with healthy() as health:
                row = {"connections": connections} | wrk(bodies, connections, given.seconds)
            shown(figures["curve"], row | health)
        most = max(row["answers_per_second"] for row in figures["curve"])
        for share in given.shares:
            row = asyncio.run(open_loop(share * most, given.seconds))
            shown(figures["open loop"], {"share": share} | row)
        if given.soak:
            figures["soak"] = soak(process.pid, bodies, given.soak)
            print(figures["soak"], flush=True)
    if given.kill:
        expected = answers(folder)
        with served(folder, "--workers", "2") as process:
            figures["worker killed"] = asyncio.run(killed(process.pid, expected, given.kill))
            print(figures["worker killed"], flush=True)
    return figures


def shown(rows: list[dict[str, Any]], row: dict[str, Any]) -> None:
    rows.append(row)
    print("  ".join(f"{name} {value}" for name, value in row.items()), flush=True)


@contextmanager
def served(folder: Path, *options: str) -> Iterator[subprocess.Popen[bytes]]:
    """`rubricator serve` in a process of its own, ready."""
    code = "import sys; from rubricator.cli import main; sys.argv[0] = 'rubricator'; main()"
    process = subprocess.Popen(
        [sys.executable, "-c", code, "serve", str(folder), "--port", str(PORT), *options],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + 600
        while not is_ready():
            if process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit("The service did not start.")
            time.sleep(0.2)
        yield process
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()


def is_ready() -> bool:
    try:
        return httpx.get(f"http://{HOST}:{PORT}/readyz", timeout=5).is_success
    except httpx.HTTPError:
        return False


def wrk(bodies: Path, connections: int, seconds: float) -> dict[str, Any]:
    """One point of the closed loop."""
    done = subprocess.run(
        [
            *("wrk", "-t1", f"-c{connections}", f"-d{seconds:g}s", "--timeout", "30s"),
            *("-s", str(SCRIPT), f"http://{HOST}:{PORT}"),
        ],
        env=os.environ | {"BODIES": str(bodies)},
        capture_output=True,
        text=True,
        check=True,
    )
    row: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return {"answers_per_second": round(row["ok"] / row.pop("seconds"), 1)} | row


@contextmanager
def healthy() -> Iterator[dict[str, Any]]:
    """Latency of `/healthz` while the block runs, asked ten times a second by a process of its own."""
    code = (
        "import sys, time, urllib.request\n"
        "while True:\n"
        "    began = time.perf_counter()\n"
        "    urllib.request.urlopen(sys.argv[1], timeout=30).read()\n"
        "    print(time.perf_counter() - began, flush=True)\n"
        "    time.sleep(0.1)\n"
    )
    asking = subprocess.Popen(
        [sys.executable, "-c", code, f"http://{HOST}:{PORT}/healthz"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    figures: dict[str, Any] = {}
    try:
        yield figures
    finally:
        asking.kill()
        said, _ = asking.communicate()
        seconds = [float(line) for line in said.split()]
        if seconds:
            figures["healthz_p50_ms"] = round(1000 * float(np.median(seconds)), 1)
            figures["healthz_p99_ms"] = round(1000 * float(np.quantile(seconds, 0.99)), 1)


async def open_loop(rate: float, seconds: float) -> dict[str, Any]:
    """Requests that come at random at a rate, whether or not earlier ones are answered."""
    waits = np.random.default_rng(0).exponential(1 / rate, size=max(1, int(rate * seconds)))
    outcomes: Counter[str] = Counter()
    latencies: list[float] = []
    free: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def one(text: str, due: float) -> None:
        try:
            async with asyncio.timeout(60):
                connection = free.pop() if free else await asyncio.open_connection(HOST, PORT)
                status, _ = await asked(connection, request("POST", {"text": text}, kept=True))
        except (OSError, TimeoutError, asyncio.IncompleteReadError) as error:
            outcomes[type(error).__name__] += 1
            return
        free.append(connection)
        outcomes[str(status)] += 1
        if status == HTTPStatus.OK:
            latencies.append(time.perf_counter() - due)

    began = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for number, due in enumerate(began + np.cumsum(waits)):
            if (early := due - time.perf_counter()) > 0:
                await asyncio.sleep(early)
            group.create_task(one(TEXTS[number % len(TEXTS)], float(due)))
    spent = time.perf_counter() - began
    for _, writer in free:
        writer.close()
    p50, p99 = np.quantile(latencies, (0.5, 0.99)) if latencies else (np.nan, np.nan)
    return {
        "asked_per_second": round(rate, 1),
        "answers_per_second": round(len(latencies) / spent, 1),
        "p50_ms": round(1000 * float(p50), 1),
        "p99_ms": round(1000 * float(p99), 1),
        "outcomes": dict(outcomes),
    }


def soak(pid: int, bodies: Path, seconds: float) -> dict[str, Any]:
    """Memory of the service, in MiB, while wrk keeps eight connections busy."""
    memory: list[float] = []
    env = os.environ | {"BODIES": str(bodies)}
    command = ["wrk", "-t1", "-c8", f"-d{seconds:g}s", "-s", str(SCRIPT), f"http://{HOST}:{PORT}"]
    with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True) as load:
        while load.poll() is None:
            memory.append(resident(pid))
            time.sleep(max(0.5, seconds / 60))
        assert load.stdout is not None
        row: dict[str, Any] = json.loads(load.stdout.read().strip().splitlines()[-1])
    fifth = max(1, len(memory) // 5)
    return row | {
        "memory_second_fifth_mib": round(float(np.median(memory[fifth : 2 * fifth])), 1),
        "memory_last_fifth_mib": round(float(np.median(memory[-fifth:])), 1),
        "memory_mib": [round(one, 1) for one in memory],
    }


def resident(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def answers(folder: Path) -> dict[str, dict[str, float]]:
    predictor = Predictor.load(folder)
    return {text: dict(predictor.predict([text])[0].probabilities) for text in TEXTS}


async def killed(parent: int, expected: dict[str, dict[str, float]], seconds: float) -> dict[str, Any]:
    """One of two workers is killed under load: what its clients saw, and when there were two again."""
    outcomes: Counter[str] = Counter()
    failures: list[float] = []
    ending = time.perf_counter() + seconds
    # A worker that is killed takes the connections with it that it held.
    gone = (OSError, asyncio.IncompleteReadError)

    async def load(number: int) -> None:
        connection = None
        while time.perf_counter() < ending:
            text = TEXTS[number % len(TEXTS)]
            number += 1
            try:
                connection = connection or await asyncio.open_connection(HOST, PORT)
                status, body = await asked(connection, request("POST", {"text": text}, kept=True))
            except gone:
                outcomes["connections lost"] += 1
                failures.append(time.perf_counter())
                connection = None
                continue
            near = status == 200 and all(
                abs(body["predictions"][0]["probabilities"][key] - value) < 0.01
                for key, value in expected[text].items()
            )
            outcomes["right" if near else f"wrong: {status}"] += 1
        if connection:
            connection[1].close()

    loads = [asyncio.create_task(load(number)) for number in range(8)]
    await asyncio.sleep(seconds / 3)
    before = workers(parent)
    struck = time.perf_counter()
    os.kill(before[-1], signal.SIGKILL)
    back = None
    while time.perf_counter() < ending and back is None:
        await asyncio.sleep(0.1)
        # Whoever begins to count forgets the dead; until then the dead one counts still.
        counting = all(has_figures(pid) for pid in set(workers(parent)) - set(before))
        fresh = len(set(workers(parent)) - set(before)) == 1
        if fresh and counting and (await asyncio.to_thread(serving)) >= len(before):
            back = time.perf_counter() - struck
    await asyncio.gather(*loads)
    return {
        **outcomes,
        "workers": len(before),
        "last_connection_lost_after_s": round(max(failures, default=struck) - struck, 2),
        "two_serve_again_after_s": None if back is None else round(back, 1),
    }


def workers(parent: int) -> list[int]:
    """Processes below the service that answer requests, oldest first."""
    children = []
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError, IndexError):
            command = (entry / "cmdline").read_bytes()
            if int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1]) == parent and (
                b"spawn_main" in command
            ):
                children.append(int(entry.name))
    return sorted(children)


def has_figures(pid: int) -> bool:
    """Whether a worker has begun to count for `/metrics`."""
    folder = Path(tempfile.gettempdir())
    return any(folder.glob(f"rubricator-figures-*/gauge_livesum_{pid}.db"))


def serving() -> int:
    """How many processes say that they serve the champion."""
    with suppress(httpx.HTTPError):
        figures = httpx.get(f"http://{HOST}:{PORT}/metrics", timeout=5).text
        for line in figures.splitlines():
            if line.startswith("rubricator_model_info{") and 'role="champion"' in line:
                return int(float(line.rsplit(" ", 1)[1]))
    return 0


def plot(figures: dict[str, Any], path: Path) -> None:
    """Latency against answered requests; what lies past the bend is load that cannot be served."""
    figure, axis = plt.subplots(figsize=(7, 4), constrained_layout=True)
    for name, marker in (("curve", "o"), ("open loop", "s")):
        rows = figures[name]
        label = "closed loop (wrk)" if name == "curve" else "open loop"
        for share, style in (("p50_ms", "-"), ("p99_ms", "--")):
            axis.plot(
                [row["answers_per_second"] for row in rows],
                [row[share] for row in rows],
                f"{marker}{style}",
                label=f"{label}, {share[:3]}",
            )
    axis.set(xlabel="answers a second", ylabel="milliseconds", yscale="log")
    axis.grid(alpha=0.3)
    axis.legend()
    figure.savefig(path, dpi=120)


if __name__ == "__main__":
    main()
