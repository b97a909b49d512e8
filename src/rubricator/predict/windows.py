"""Streams in windows: so many items together that the model is kept busy, so few that little is lost."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

Item = TypeVar("Item")

FIRST = 256
"""Items of the first window."""
_SECONDS = 10.0


class WindowSize:
    """How many items a window holds: twice as many as the last, until one takes ten seconds.

    An encoder orders the texts of a window by length, so larger windows cost less padding; what is done of a
    window is lost when the process is killed.

    Attributes:
        size: Items of the next window.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self.size = min(FIRST, most)

    def took(self, seconds: float) -> None:
        """A window took so long."""
        if seconds < _SECONDS:
            self.size = min(2 * self.size, self._most)

    def cut(self, chunks: Iterator[list[Item]]) -> Iterator[list[Item]]:
        """The items of all chunks, as many at a time as a window holds by then."""
        waiting: list[Item] = []
        for chunk in chunks:
            waiting += chunk
            while len(waiting) >= (size := self.size):
                yield waiting[:size]
                del waiting[:size]
        while waiting:
            yield waiting[: self.size]
            del waiting[: self.size]


def ahead(items: Iterator[Item]) -> Iterator[Item]:
    """The items, the next of which is worked out in a thread while one is used."""

    def take() -> list[Item]:
        return list(islice(items, 1))

    with ThreadPoolExecutor(1, thread_name_prefix="ahead") as thread:
        coming = thread.submit(take)
        while one := coming.result():
            coming = thread.submit(take)
            yield from one
