"""Other people's classifiers on the same texts, labels and folds as Rubricator, in turn on one machine.

    python benchmarks/peers.py --json benchmarks/results/peers.json

Every peer works in a process of its own, in this environment unless --python names another one for it; one
that is not installed is a row that says so. Those that need an encoder have Rubricator's bundled one. Seconds
are processor seconds, which neighbours on the machine hardly change.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from machine import ROOT, arguments, described, write
from rivals import PEERS
from splits import DATA, SEED, Divided, divided

from rubricator.encode.folders import cache_folder
from rubricator.encode.source import resolve
from rubricator.evaluate.metrics.part_metrics import measure
from rubricator.evaluate.metrics.scored_predictions import ScoredPredictions
from rubricator.label_space import DecisionRule

THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
SCRATCH = ROOT / "runs/benchmarks/peers"
FIGURES = ("accuracy", "macro_f1", "micro_f1", "weighted_f1", "subset_accuracy")
TOO_LONG = {("SetFit", "videos"), ("SetFit", "news"), ("AutoIntent", "news")}
"""Long texts in several folds: hours on a processor."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a peer may use."""

    threads: int
    setfit_steps: int
    budget: int
    limit: int


def main() -> None:
    options = arguments(__doc__.splitlines()[0])
    options.add_argument("--data", nargs="+", choices=DATA, default=list(DATA))
    options.add_argument(
        "--only", metavar="TEXT", help="only the rows whose name holds TEXT; others in the file stay"
    )
    add_options(options, default=list(PEERS))
    given = options.parse_args()
    rows = earlier(given.json)
    for name in given.data:
        add_rows(rows, name, given)


def add_options(options: ArgumentParser, default: Sequence[str] = ()) -> None:
    """What peers are told; `--peers` alone means all of them."""
    options.add_argument("--peers", nargs="*", choices=PEERS, default=list(default) or None)
    options.add_argument("--python", nargs="+", default=[], metavar="PEER=PATH", help="another interpreter")
    options.add_argument("--threads", type=int, default=1)
    options.add_argument("--setfit-steps", type=int, default=120, help="of 16 pairs, shared among the folds")
    options.add_argument("--budget", type=int, default=60, help="seconds per fold for what tunes itself")
    options.add_argument("--limit", type=int, default=1800, help="seconds after which a row is given up")
    options.add_argument("--long", action="store_true", help="also what would take more than ten minutes")


def add_rows(rows: dict[str, Any], name: str, given: Namespace) -> None:
    """Measure the wanted peers on one data set, print their lines and write the file after each."""
    chosen = [] if given.peers is None else given.peers or list(PEERS)
    wanted = [peer for peer in chosen if (given.only or "") in row_name(name, peer)]
    told = (pair.split("=", 1) for pair in given.python)
    # A peer works in a folder of its own; a link into an environment must stay a link.
    pythons = {peer: str(Path(path).absolute()) for peer, path in told}
    bounds = Bounds(given.threads, given.setfit_steps, given.budget, given.limit)
    data = divided(name) if wanted else None
    for peer in wanted:
        if data is None or ((peer, name) in TOO_LONG and not given.long):
            row: dict[str, Any] = {"status": "skipped: would take more than ten minutes"}
        else:
            row = measured(data, peer, pythons.get(peer, sys.executable), bounds)
        rows[row_name(name, peer)] = {"data": name, "peer": peer} | row
        print(line(row_name(name, peer), row), flush=True)
        write(given.json, {"rows": rows})


def row_name(data: str, peer: str) -> str:
    return f"{data}, {peer}"


def earlier(path: Path | None) -> dict[str, Any]:
    """Rows measured before; each knows its own commit."""
    if path is None or not path.exists():
        return {}
    return dict(json.loads(path.read_text(encoding="utf-8"))["rows"])


def measured(data: Divided, peer: str, python: str, bounds: Bounds) -> dict[str, Any]:
    """One peer on one data set: its figures with intervals, its seconds, its versions."""
    started = time.monotonic()
    found = answered(data, peer, python, bounds)
    if found["status"] != "ok":
        return {"status": found["status"]}
    tested = sum(len(test) for _, test in data.splits)
    return {
        "status": "ok",
        "commit": described()["commit"],
        "figure": data.figure,
        "texts": tested,
        **figures(data, found["predictions"]),
        "train_seconds": found["train_seconds"],
        "run_seconds": round(time.monotonic() - started, 1),
        "texts_per_second": round(tested / max(found["predict_seconds"], 0.01), 1),
        "versions": found["versions"],
        "notes": found["notes"],
    }


def answered(data: Divided, peer: str, python: str, bounds: Bounds) -> dict[str, Any]:
    """What a peer answered in a process of its own, or the status that says why it did not."""
    with tempfile.TemporaryDirectory() as folder:
        job, answer = Path(folder) / "job.json", Path(folder) / "answer.json"
        job.write_text(json.dumps(job_of(data, bounds), ensure_ascii=False), encoding="utf-8")
        threads = dict.fromkeys(THREADS, str(bounds.threads))
        try:
            done = subprocess.run(
                [python, str(ROOT / "benchmarks/peer.py"), peer, str(job), str(answer)],
                cwd=folder,
                env={**os.environ, **threads},
                capture_output=True,
                text=True,
                check=False,
                timeout=bounds.limit,
            )
        except subprocess.TimeoutExpired:
            return {"status": f"given up after {bounds.limit} s"}
        if done.returncode:
            last = done.stderr.strip().splitlines()[-1:] or ["no word"]
            return {"status": f"failed: {last[0][:300]}"}
        return dict(json.loads(answer.read_text(encoding="utf-8")))


def job_of(data: Divided, bounds: Bounds) -> dict[str, Any]:
    SCRATCH.mkdir(parents=True, exist_ok=True)
    encoder = resolve(data.config.encoding.encoder, cache=cache_folder(data.config.encoding.cache))
    return {
        "texts": data.contents,
        "labels": data.labels,
        "keys": list(data.keys),
        "single": data.space.single,
        "splits": data.splits,
        "encoder": str(encoder.folder),
        "prefix": encoder.prefix,
        "max_tokens": data.config.encode.max_tokens,
        "scratch": str(SCRATCH),
        "threads": bounds.threads,
        "seed": SEED,
        "setfit_steps": max(10, bounds.setfit_steps // len(data.splits)),
        "budget": bounds.budget,
    }


def figures(data: Divided, predictions: list[list[list[str]]]) -> dict[str, Any]:
    """Figures over the tested texts of all splits together, intervals over groups of duplicates."""
    rows = [row for _, test in data.splits for row in test]
    given = [keys for split in predictions for keys in split]
    decisions = data.space.indicators(given)
    scored = ScoredPredictions(
        part="test",
        about="predictions of a peer",
        ids=[data.ids[row] for row in rows],
        contents=[data.contents[row] for row in rows],
        groups=[data.groups[row] for row in rows],
        truth=data.truth[rows],
        probabilities=decisions.astype(np.float64),
        decisions=decisions,
        origins=["golden"] * len(rows),
    )
    rule = DecisionRule.identity(data.space)
    found = measure(scored, data.keys, rule=rule).as_dict()
    return {name: found[name] for name in FIGURES}


def line(name: str, row: dict[str, Any]) -> str:
    if row["status"] != "ok":
        return f"{name:<24} {row['status']}"
    value = row[row["figure"]]
    macro = f", macro-F1 {row['macro_f1']['value']:.3f}"
    return (
        f"{name:<24} {row['figure']:<11} {value['value']:.3f} [{value['low']:.3f}, {value['high']:.3f}]"
        f"{macro} on {row['texts']} texts; trained in {row['train_seconds']:.0f} s, "
        f"{row['texts_per_second']:.0f} texts/s"
    )


if __name__ == "__main__":
    main()
