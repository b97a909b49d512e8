"""What logging every prediction costs a request: the same service with `--log` and without, in turn.

    python benchmarks/serving_log.py --json benchmarks/results/serving-log.json

Each round starts both services anew and asks each for one text a request, over one connection (latency) and
over several (rate); the order changes from round to round. `processor_ms` is the processor time of the
service by request, that of its log included: neighbours on the machine hardly change it. Without --artifact a
small linear model answers, so that hardly anything but HTTP and the log is measured.
"""

from __future__ import annotations

import os
import statistics
import time
from argparse import Namespace
from pathlib import Path
from typing import Any

import httpx
from machine import arguments, write
from serving_load import HOST, PORT, prepared, served, wrk

FIGURES = ("answers_per_second", "p50_ms", "p95_ms", "processor_ms")


def main() -> None:
    options = arguments(__doc__.splitlines()[0])
    options.add_argument("--artifact", type=Path)
    options.add_argument("--rounds", type=int, default=7)
    options.add_argument("--seconds", type=float, default=5, help="of every point")
    options.add_argument("--connections", type=int, nargs="+", default=[1, 8])
    given = options.parse_args()
    with prepared(given.artifact) as (home, folder, bodies):
        rows = [
            measured(given, folder, bodies, place, number)
            for number in range(given.rounds)
            for place in in_turn(number, home / f"log-{number}.sqlite")
        ]
    figures = [summary(rows, connections) for connections in given.connections]
    for figure in figures:
        print(figure, flush=True)
    write(
        given.json,
        {
            "artifact": str(given.artifact or "small linear model"),
            "rounds": given.rounds,
            "figures": figures,
            "each": [row for some in rows for row in some],
        },
    )


def in_turn(number: int, log: Path) -> list[Path | None]:
    return [None, log] if number % 2 else [log, None]


def measured(
    given: Namespace, folder: Path, bodies: Path, log: Path | None, number: int
) -> list[dict[str, Any]]:
    """One service, at every number of connections."""
    rows = []
    with served(folder, *(() if log is None else ("--log", str(log)))) as process:
        wrk(bodies, 4, 2.0)
        for connections in given.connections:
            row = {"round": number, "log": log is not None, "connections": connections}
            began = processor_seconds(process.pid)
            row |= wrk(bodies, connections, given.seconds)
            time.sleep(1)  # what waits for the log is written
            spent = processor_seconds(process.pid) - began
            rows.append(row | {"processor_ms": round(1000 * spent / max(row["ok"], 1), 3)})
            print(rows[-1], flush=True)
        if log is not None:
            rows[-1] |= counted()
    return rows


def processor_seconds(pid: int) -> float:
    """Of a process and its threads so far (proc(5))."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def counted() -> dict[str, float]:
    """Predictions that were logged and lost since the service began."""
    lines = httpx.get(f"http://{HOST}:{PORT}/metrics", timeout=10).text.splitlines()
    return {
        name: sum(
            float(line.split()[-1])
            for line in lines
            if line.startswith(f"rubricator_{name}_predictions_total")
        )
        for name in ("logged", "unlogged")
    }


def summary(rows: list[list[dict[str, Any]]], connections: int) -> dict[str, Any]:
    """Medians over the rounds of both, and the median of the rounds' own differences."""
    by = {
        (row["round"], row["log"]): row for some in rows for row in some if row["connections"] == connections
    }
    rounds = sorted({number for number, _ in by})
    result: dict[str, Any] = {"connections": connections}
    for name in FIGURES:
        without, logged = ([by[number, log][name] for number in rounds] for log in (False, True))
        result[name] = {
            "without": round(statistics.median(without), 2),
            "with": round(statistics.median(logged), 2),
            "ratio": round(statistics.median(b / a for a, b in zip(without, logged, strict=True)), 3),
            "ratios": [round(b / a, 3) for a, b in zip(without, logged, strict=True)],
        }
    lost = [row["unlogged"] for row in by.values() if "unlogged" in row]
    if lost:
        result |= {"logged": sum(row.get("logged", 0) for row in by.values()), "lost": sum(lost)}
    return result


if __name__ == "__main__":
    main()
