"""Who wants to know how many tokens an encoder reads, and how long finding them takes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

Seen = Callable[[int, float], object]
"""Gets the tokens of some texts and the seconds that finding them took."""

_SEEN: ContextVar[Seen | None] = ContextVar("tokens_seen", default=None)


@contextmanager
def telling(seen: Seen) -> Iterator[None]:
    """Every encoder that this thread calls meanwhile tells `seen` of its tokens."""
    token = _SEEN.set(seen)
    try:
        yield
    finally:
        _SEEN.reset(token)


def tell(tokens: int, seconds: float) -> None:
    """Tell whoever wants to know."""
    if (seen := _SEEN.get()) is not None:
        seen(tokens, seconds)
