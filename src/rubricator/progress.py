"""How long work tells that it goes on, without the library ever printing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol


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
