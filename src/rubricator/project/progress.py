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

from rubricator.pages.formatting import duration
from rubricator.progress import Advance, Pace

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
        yield from draw_bar(description, total, console)
    else:
        yield from show_counts(description, total, _log.info, every=_LOGGED_SECONDS, width=_WIDTH)


def draw_bar(description: str, total: int | None, console: Console) -> Iterator[Advance]:
    """Draw a bar on a terminal, with what is done, the rate, the time left and the latest note."""
    columns = (
        rich_bars.TextColumn("{task.description}"),
        rich_bars.BarColumn(bar_width=None),
        rich_bars.MofNCompleteColumn(),
        rich_bars.TextColumn("[dim]{task.fields[pace]}[/]"),
        rich_bars.TextColumn("{task.fields[note]}"),
    )
    pace = Pace(total)
    with rich_bars.Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(description, total=total, note="", pace="")

        def advance(items: int, note: str = "", /) -> None:
            pace.count(items)
            bar.update(task, advance=items, pace=", ".join(_pace(pace)))
            if note:
                bar.update(task, note=note)

        yield advance


def _pace(pace: Pace) -> list[str]:
    """`12/s` and `4 min left`, as far as they are known."""
    rate, left = pace.rate, pace.seconds_left
    words = [] if rate is None else [f"{rate:,.0f}/s" if rate >= 10 else f"{rate:.1f}/s"]
    return [*words, f"{duration(max(1, round(left)))} left"] if left else words


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
    pace, shown, latest = Pace(total), time.monotonic(), ""

    def advance(items: int, note: str = "", /) -> None:
        nonlocal shown, latest
        pace.count(items)
        latest, now = note or latest, time.monotonic()
        if now - shown >= every:
            shown = now
            count = f"{pace.done:,} of {total:,}" if total else f"{pace.done:,}"
            bar = (
                f" {'█' * min(width, round(width * pace.done / total)):░<{width}}" if total and width else ":"
            )
            note = f"; {latest}" if latest else ""
            show(f"{description}{bar} {', '.join([count, *_pace(pace)])}{note}")

    yield advance
