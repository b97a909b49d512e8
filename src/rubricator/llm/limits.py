"""When to stop asking: money, minutes and texts, counted over all language models of one run."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from rubricator.records import Answer, Status

_Item = TypeVar("_Item")


@dataclass(frozen=True, slots=True)
class Limits:
    """Where one run stops asking; None where it does not.

    `max_cost` is in the currency of the prices; minutes count since the first text was asked about,
    texts for each teacher.
    """

    max_cost: float | None = None
    max_minutes: float | None = None
    max_texts: int | None = None


NO_LIMITS = Limits()


class Meter:
    """Counts what a run has spent, and ends the stream of texts when a limit is reached.

    Requests in flight when a limit is reached still cost: the last answers may go a little beyond.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._started: float | None = None
        self._texts = 0
        self.cost = 0.0
        self.statuses: Counter[Status] = Counter()

    def within(self, texts: Iterable[_Item]) -> Iterator[_Item]:
        """What is asked about (texts, or prompts), one by one, until a limit is reached."""
        for text in texts:
            if self.reached:
                return
            if self._started is None:
                self._started = time.monotonic()
            self._texts += 1
            yield text

    def count(self, answer: Answer) -> None:
        """Take an answer into account."""
        self.cost += answer.cost
        self.statuses[answer.status] += 1

    @property
    def reached(self) -> str:
        """The limit that stops the run, as written in the config, or an empty string."""
        limits = self._limits
        if limits.max_cost is not None and self.cost >= limits.max_cost:
            return f"max_cost: {limits.max_cost:g}"
        if limits.max_texts is not None and self._texts >= limits.max_texts:
            return f"max_texts: {limits.max_texts:,}"
        minutes = (time.monotonic() - self._started) / 60 if self._started is not None else 0.0
        if limits.max_minutes is not None and minutes >= limits.max_minutes:
            return f"max_minutes: {limits.max_minutes:g}"
        return ""

    @property
    def note(self) -> str:
        """How things stand, in a few words: answers by status, and the cost where there is one."""
        counts = ", ".join(f"{self.statuses[s]:,} {s}" for s in Status if self.statuses[s])
        return f"{counts}; cost {self.cost:,.4g}" if self.cost else counts
