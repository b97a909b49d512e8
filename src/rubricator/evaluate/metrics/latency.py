"""How long an answer takes: one text at a time, as a visitor waits, and in batches, as a backlog is read."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from rubricator.errors import DataError

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """What was measured on this machine, wall clock: seconds of `n` texts alone, and the rate in batches.

    The budget is kept where 95 of 100 texts alone (`p95`) keep to it.
    """

    p50: float
    p95: float
    slowest: float
    texts_per_second: float
    batch: int
    n: int
    budget: float
    within_budget: bool


def measure_latency(
    classify: Callable[[list[Item]], object],
    contents: Sequence[Item],
    *,
    budget_seconds: float,
    texts: int = 200,
    batch: int = 32,
    patience: float = 2.0,
) -> Latency:
    """Time a classifier on real texts.

    Texts are taken evenly from all of `contents`, so that long and short ones come in their true
    mix: `texts` of them at most, alone and again in batches. The first call is not timed: it pays for what a
    service pays once, at start. After `patience` seconds each of both measurements stops with what it has.

    Raises:
        DataError: There are no texts.
    """
    if not contents:
        raise DataError("There are no texts to time the model on.", fix="Give at least one text.")
    chosen = np.unique(np.linspace(0, len(contents) - 1, num=min(texts, len(contents))).round().astype(int))
    sample = [contents[index] for index in chosen]
    classify(sample[:1])
    alone = _time_calls(classify, [[text] for text in sample], patience=patience)
    batches = [sample[start : start + batch] for start in range(0, len(sample), batch)]
    seconds = _time_calls(classify, batches, patience=patience)
    done = sum(len(texts) for texts in batches[: len(seconds)])
    p50, p95 = np.quantile(alone, (0.5, 0.95))
    return Latency(
        p50=float(p50),
        p95=float(p95),
        slowest=max(alone),
        # A clock may be too coarse to see a trivial classifier at all.
        texts_per_second=done / max(sum(seconds), 1e-9),
        batch=batch,
        n=len(alone),
        budget=budget_seconds,
        within_budget=bool(p95 <= budget_seconds),
    )


def _time_calls(
    classify: Callable[[list[Item]], object], calls: Sequence[list[Item]], *, patience: float
) -> list[float]:
    seconds: list[float] = []
    for texts in calls:
        start = time.perf_counter()
        classify(texts)
        seconds.append(time.perf_counter() - start)
        if sum(seconds) >= patience:
            break
    return seconds
