"""Whether work on a text grows no faster than the text."""

from __future__ import annotations

import time
from collections.abc import Callable

LENGTHS = (1_000, 10_000, 100_000)
_FACTOR = 40  # for ten times the length: a hundred would be quadratic, and machines are noisy
_FLOOR = 0.005  # seconds of the processor below which only noise is measured


def repeated(unit: str, length: int, *, before: str = "", after: str = "") -> str:
    """The unit over and over again, about `length` characters of it."""
    return before + unit * (length // len(unit)) + after


def assert_linear(work: Callable[[str], object], text_of: Callable[[int], str]) -> None:
    """Fail if ten times the text takes far more than ten times as long."""
    before = _FLOOR
    for length in LENGTHS:
        seconds = _best(work, text_of(length), enough=_FACTOR * before)
        assert seconds <= _FACTOR * before, f"{length:,} characters: {seconds:.3f} s after {before:.3f} s"
        before = max(seconds, _FLOOR)


def _best(work: Callable[[str], object], text: str, *, enough: float) -> float:
    """Seconds of the quickest of several tries, of which one that is quick enough is the last."""
    best = float("inf")
    for _ in range(4):
        started = time.process_time()
        work(text)
        best = min(best, time.process_time() - started)
        if best <= enough:
            break
    return best
