"""How fast ways of serving one model are, measured in turn on the same texts."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np

from rubricator.progress import Progress, silent
from rubricator.stats.arrays import Indices

Classify = Callable[[Indices], object]
"""Decides about the texts of these rows."""

Outcome = TypeVar("Outcome")

ROUNDS = 5
_ALONE = 8
_SECONDS = 3.0
_CPU = Path("/proc/cpuinfo")
_FLAGS = ("avx2", "avx512f", "avx512_vnni", "avx512_bf16", "amx_int8", "amx_bf16")


@dataclass(frozen=True, slots=True)
class Speed:
    """Wall clock on this machine.

    Attributes:
        texts_per_second: In bulk; the median of the rounds.
        p50: Seconds for one text alone.
        p95: What 95 of 100 texts alone keep to.
    """

    texts_per_second: float
    p50: float
    p95: float


def measure_in_turn(
    ways: Mapping[str, Classify], texts: int, *, rounds: int = ROUNDS, progress: Progress = silent
) -> tuple[dict[str, Speed], Indices]:
    """Time every way on the same of so many texts, one after the other in each round.

    A round is a batch of as many texts as the first way does in three seconds, 16 at least, and eight texts
    alone. The first calls are not timed: they pay for what a service pays once. In turn, because a machine
    that other programs load is slow for all of them alike.

    Returns:
        The speed of each way, and the rows of the batch.
    """
    bulk = _spread(texts, min(16, texts))
    for classify in ways.values():
        classify(bulk[:1])
    rate = len(bulk) / _seconds(next(iter(ways.values())), bulk)
    bulk = _spread(texts, min(texts, 512, max(16, int(_SECONDS * rate))))
    rates: dict[str, list[float]] = {name: [] for name in ways}
    alone: dict[str, list[float]] = {name: [] for name in ways}
    with progress("Measuring speed", total=rounds * len(ways)) as step:
        for number in range(rounds):
            single = _spread(texts, min(texts, rounds * _ALONE))[number::rounds]
            for name, classify in ways.items():
                rates[name].append(len(bulk) / _seconds(classify, bulk))
                alone[name] += [_seconds(classify, single[at : at + 1]) for at in range(len(single))]
                step(1)
    speeds = {}
    for name in ways:
        p50, p95 = np.quantile(alone[name], (0.5, 0.95))
        speeds[name] = Speed(float(np.median(rates[name])), float(p50), float(p95))
    return speeds, bulk


def _spread(texts: int, most: int) -> Indices:
    """Rows taken evenly, so that long and short texts come in their true mix."""
    return np.unique(np.linspace(0, texts - 1, num=most).round().astype(np.intp))


def _seconds(classify: Classify, rows: Indices) -> float:
    return timed(partial(classify, rows))[1]


def timed(work: Callable[[], Outcome]) -> tuple[Outcome, float]:
    """What some work gives, and how many seconds it took."""
    started = time.perf_counter()
    outcome = work()
    return outcome, max(time.perf_counter() - started, 1e-9)


def cores() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def processor() -> str:
    """The processor and what counts of its instructions here."""
    try:
        lines = _CPU.read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    fields = dict(line.split(":", 1) for line in lines if ":" in line)
    said = {key.strip(): value.strip() for key, value in fields.items()}
    flags = set(said.get("flags", "").split())
    named = ", ".join(flag for flag in _FLAGS if flag in flags)
    return f"{said.get('model name', platform.machine())}{f' ({named})' if named else ''}"
