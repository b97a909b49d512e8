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
_WIDTH = 20  # characters of a bar drawn as text


@contextmanager
def bars(description: str, *, total: int | None) -> Iterator[Advance]:
    """Show one bar with what is done, what there is and the time left."""
    console = Console(stderr=True)
    if (display := _notebook()) is not None:
        handle = display.display(display.HTML(""), display_id=True)

        def draw(line: str) -> None:
            handle.update(display.HTML(f"<small>{html.escape(line)}</small>" if line else ""))

        try:
            yield from show_counts(description, total, draw, every=_DRAWN_SECONDS, width=_WIDTH)
        finally:
            draw("")
    elif console.is_terminal:
        columns = (rich_bars.BarColumn(), rich_bars.MofNCompleteColumn(), rich_bars.TimeRemainingColumn())
        yield from draw_bar(description, total, console, *columns)
    else:
        yield from show_counts(description, total, _log.info, every=_LOGGED_SECONDS, width=_WIDTH)


def draw_bar(
    description: str, total: int | None, console: Console, *columns: rich_bars.ProgressColumn
) -> Iterator[Advance]:
    """Draw a bar on a terminal, with these columns between the description and the note."""
    first, last = rich_bars.TextColumn("{task.description}"), rich_bars.TextColumn("{task.fields[note]}")
    with rich_bars.Progress(first, *columns, last, console=console, transient=True) as bar:
        task = bar.add_task(description, total=total, note="")

        def advance(items: int, note: str = "", /) -> None:
            bar.advance(task, items)
            if note:
                bar.update(task, note=note)

        yield advance


def _notebook() -> Any | None:
    """What draws in a notebook; None elsewhere. Needs no widgets, which many notebooks lack."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    if shell is None or not hasattr(shell, "kernel"):
        return None
    from IPython import display

    return display


def show_counts(
    description: str, total: int | None, show: Callable[[str], None], *, every: float, width: int = 0
) -> Iterator[Advance]:
    """Show a line at most every so many seconds, with a bar of `width` characters if the total is known."""
    started = shown = time.monotonic()
    done, latest = 0, ""

    def advance(items: int, note: str = "", /) -> None:
        nonlocal done, shown, latest
        done, latest, now = done + items, note or latest, time.monotonic()
        if now - shown >= every:
            shown, rate = now, done / (now - started)
            count, bar = f"{done:,}, {rate:,.1f}/s", ":"
            if total:
                left = f", {(total - done) / rate:,.0f} s left" if rate else ""
                count = f"{done:,} of {total:,}, {rate:,.1f}/s{left}"
                bar = f" {'█' * min(width, round(width * done / total)):░<{width}}" if width else ":"
            show(f"{description}{bar} {count}{f'; {latest}' if latest else ''}")

    yield advance
