"""How long work tells that it goes on, without the library ever printing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol


class Progress(Protocol):
    """Opens a progress display; what it yields is called with the number of items just done."""

    def __call__(
        self, description: str, *, total: int | None
    ) -> AbstractContextManager[Callable[[int], None]]:
        """Show `description` and count up to `total` items (None if unknown)."""


@contextmanager
def silent(
    description: str,  # noqa: ARG001 - the Protocol names it
    *,
    total: int | None,  # noqa: ARG001
) -> Iterator[Callable[[int], None]]:
    """The progress that shows nothing: the default of every function in the library."""
    yield lambda _: None
