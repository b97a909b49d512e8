"""How long training may take, looked at wherever work tells how far it is."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rubricator.errors import TrainingError
from rubricator.progress import Advance, Progress

_FIRST_LOOK = 3.0  # seconds of work, before which its rate says little: a first batch pays for loading


class EarlyStoppedError(TrainingError):
    """Training was stopped because the model could not win any more, or not be done in time."""


class TimeLimit:
    """Minutes from now, for all that shares this object; None for no limit."""

    def __init__(self, minutes: float | None = None) -> None:
        self._end = math.inf if minutes is None else time.monotonic() + minutes * 60

    def left(self) -> float:
        """Seconds until the end; below zero once it has passed."""
        return self._end - time.monotonic()

    def bound(self, progress: Progress) -> Progress:
        """The same display, which ends the work that it shows once this cannot be done in time.

        Its `Advance` raises `EarlyStoppedError` when the time is up or when the rest, at the rate so far,
        would take longer than is left.
        """

        @contextmanager
        def bounded(description: str, *, total: int | None) -> Iterator[Advance]:
            started, done = time.monotonic(), 0
            with progress(description, total=total) as advance:

                def advance_in_time(items: int, note: str = "", /) -> None:
                    nonlocal done
                    advance(items, note)
                    done += items
                    if total is None or 0 < done < total:
                        self._look(description, time.monotonic() - started, done, total)

                yield advance_in_time

        return bounded

    def _look(self, description: str, seconds: float, done: int, total: int | None) -> None:
        left = self.left()
        if left <= 0:
            raise EarlyStoppedError(f"{description}: the minutes were up")
        if total is None or seconds < _FIRST_LOOK:
            return
        coming = seconds / done * (total - done)
        if coming > left:
            raise EarlyStoppedError(
                f"{description}: {done / total:.0%} done after {seconds:.0f} s, the rest would take about "
                f"{coming:.0f} s and {left:.0f} s were left"
            )
