"""Progress bars in a terminal and in a notebook; elsewhere a line in the log now and then."""

from __future__ import annotations

import html
import logging
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from rich import progress as rich_bars
from rich.console import Console

from rubricator.progress import Advance

_log = logging.getLogger(__name__)
_DRAWN_SECONDS = 0.2
_LOGGED_SECONDS = 15.0


@contextmanager
def bars(description: str, *, total: int | None) -> Iterator[Advance]:
    """Show one bar with what is done, what there is and the time left."""
    console = Console(stderr=True)
    if (display := _notebook()) is not None:
        yield from _counted(description, total, _drawing(display), _DRAWN_SECONDS)
    elif console.is_terminal:
        yield from _bar(description, total, console)
    else:
        yield from _counted(description, total, _log.info, _LOGGED_SECONDS)


def _bar(description: str, total: int | None, console: Console) -> Iterator[Advance]:
    columns = (
        rich_bars.TextColumn("{task.description}"),
        rich_bars.BarColumn(),
        rich_bars.MofNCompleteColumn(),
        rich_bars.TimeRemainingColumn(),
        rich_bars.TextColumn("{task.fields[note]}"),
    )
    with rich_bars.Progress(*columns, console=console, transient=True) as shown:
        task = shown.add_task(description, total=total, note="")

        def advance(items: int, note: str = "", /) -> None:
            shown.advance(task, items)
            if note:
                shown.update(task, note=note)

        yield advance


def _notebook() -> Any | None:
    """What draws in a notebook; None elsewhere. Needs no widgets, which many notebooks lack."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    if shell is None or not hasattr(shell, "kernel"):
        return None
    from IPython import display

    return display


def _drawing(display: Any) -> Callable[[str], None]:
    handle = display.display(display.HTML(""), display_id=True)

    def draw(line: str) -> None:
        handle.update(display.HTML(f"<small>{html.escape(line)}</small>" if line else ""))

    return draw


def _counted(
    description: str, total: int | None, show: Callable[[str], None], every: float
) -> Iterator[Advance]:
    """Count, and show a line at most every so many seconds; an empty one takes it away."""
    started = shown = time.monotonic()
    done, noted = 0, ""

    def advance(items: int, note: str = "", /) -> None:
        nonlocal done, shown, noted
        done, noted, now = done + items, note or noted, time.monotonic()
        if now - shown >= every:
            shown = now
            show(_line(description, done, total, now - started, noted))

    try:
        yield advance
    finally:
        if every < _LOGGED_SECONDS:
            show("")


def _line(description: str, done: int, total: int | None, seconds: float, note: str) -> str:
    rate = done / seconds
    if not total:
        return f"{description}: {done:,}, {rate:,.1f}/s{f'; {note}' if note else ''}"
    filled = min(20, round(20 * done / total))
    left = f", {(total - done) / rate:,.0f} s left" if rate else ""
    bar = "█" * filled + "░" * (20 - filled)
    return f"{description} {bar} {done:,} of {total:,}, {rate:,.1f}/s{left}{f'; {note}' if note else ''}"
