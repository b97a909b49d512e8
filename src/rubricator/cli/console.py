"""The only place that prints: results on stdout; progress, warnings and errors on stderr."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.logging import RichHandler
from rich.table import Table

from rubricator.masking import masked
from rubricator.pages.formatting import figure, interval
from rubricator.progress import Advance
from rubricator.project.progress import draw_bar, show_counts

if TYPE_CHECKING:  # numpy, which an error or a page of help need not wait for
    from rubricator.stats.bootstrap import Estimate

out = Console(highlight=False, soft_wrap=not sys.stdout.isatty())
err = Console(stderr=True, highlight=False, soft_wrap=not sys.stderr.isatty())

_QUIET_SECONDS = 15.0


@contextmanager
def show_progress(description: str, *, total: int | None) -> Iterator[Advance]:
    """A bar with rate and time left on a terminal; a line now and then elsewhere."""
    if err.is_terminal:
        yield from draw_bar(description, total, err)
    else:
        yield from show_counts(description, total, err.print, every=_QUIET_SECONDS)


def figure_table(first: str, *others: str) -> Table:
    """A table of figures: names on the left, numbers on the right."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column(first, no_wrap=True)
    for heading in others:
        table.add_column(heading, justify="right", no_wrap=True)
    return table


def estimate_cell(estimate: Estimate) -> str:
    """A figure above its interval."""
    return f"{figure(estimate.value, 3)}\n[dim]{interval(estimate, 3)}[/]"


class _Masked(logging.Filter):
    """Takes passwords of addresses out of every message."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = masked(record.getMessage()), ()
        return True


@contextmanager
def log_to(path: Path | None) -> Iterator[None]:
    """Write everything the library logs to `path`, and its warnings to the terminal."""
    logger = logging.getLogger("rubricator")
    logger.setLevel(logging.INFO)
    terminal = RichHandler(console=err, show_time=False, show_path=False, level=logging.WARNING)
    messages: set[str] = set()

    def is_new(record: logging.LogRecord) -> bool:
        message = record.getMessage()
        new = message not in messages
        messages.add(message)
        return new

    # Models that are put together notice the same of a file.
    terminal.addFilter(is_new)
    handlers: list[logging.Handler] = [terminal]
    if path is not None:
        file = logging.FileHandler(path, encoding="utf-8")
        file.setFormatter(logging.Formatter("%(asctime)s %(levelname)-7s %(name)s: %(message)s"))
        handlers.append(file)
    for handler in handlers:
        handler.addFilter(_Masked())
        logger.addHandler(handler)
    try:
        yield
    finally:
        for handler in handlers:
            logger.removeHandler(handler)
            handler.close()
