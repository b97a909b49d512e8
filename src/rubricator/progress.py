"""How long work tells that it goes on, without the library ever printing."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

# What has to be counted after the first items before a rate is worth showing.
_SECONDS, _STEPS, _SHARE = 1.0, 5, 0.1


class Advance(Protocol):
    """Tells a progress display how many items were just done and, briefly, how things stand."""

    def __call__(self, items: int, note: str = "", /) -> None:
        """Count `items` and show `note`, if there is one, until the next."""


class Progress(Protocol):
    """Opens a progress display; what it yields is called with the number of items just done."""

    def __call__(self, description: str, *, total: int | None) -> AbstractContextManager[Advance]:
        """Show `description` and count up to `total` items (None if unknown)."""


@contextmanager
def silent(
    description: str,  # noqa: ARG001 - the Protocol names it
    *,
    total: int | None,  # noqa: ARG001
) -> Iterator[Advance]:
    """The progress that shows nothing: the default of every function in the library."""
    yield lambda _items, _note="", /: None


class Clocked:
    """A progress that adds up how long each piece of work took.

    Attributes:
        seconds: By description; work inside other work of the same description counts once.
    """

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._open: list[str] = []
        self.seconds: dict[str, float] = {}

    @contextmanager
    def __call__(self, description: str, *, total: int | None) -> Iterator[Advance]:
        """Show the work, and count its seconds."""
        outermost, started = description not in self._open, time.monotonic()
        self._open.append(description)
        try:
            with self._progress(description, total=total) as advance:
                yield advance
        finally:
            self._open.remove(description)
            if outermost:
                took = time.monotonic() - started
                self.seconds[description] = self.seconds.get(description, 0.0) + took


class Pace:
    """How fast work goes on, and how long it will take; unknown until enough of it was seen.

    Time counts from the moment when the first items were done: what came before was loading, or they were
    done by an earlier run and counted at once.
    """

    def __init__(self, total: int | None) -> None:
        self._total = total
        self._begun: float | None = None
        self._skipped = self._steps = 0
        self.done = 0

    def count(self, items: int) -> None:
        """Count items that were just done."""
        self.done += items
        if self._begun is not None:
            self._steps += items > 0
        elif items:
            self._begun, self._skipped = time.monotonic(), items

    @property
    def rate(self) -> float | None:
        """Items per second."""
        seconds = 0.0 if self._begun is None else time.monotonic() - self._begun
        items = self.done - self._skipped
        enough = self._steps >= _STEPS or (self._steps > 0 and items >= _SHARE * (self._total or items))
        return items / seconds if enough and seconds >= _SECONDS else None

    @property
    def seconds_left(self) -> float | None:
        """Seconds until all is done; None also where nobody knows how much there is."""
        rate = self.rate
        return None if rate is None or self._total is None else max(0, self._total - self.done) / rate
