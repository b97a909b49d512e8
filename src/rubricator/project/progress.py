"""Progress bars in a terminal and in a notebook."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from rubricator.progress import Advance


@contextmanager
def bars(description: str, *, total: int | None) -> Iterator[Advance]:
    """Show one bar with what is done, what there is and the time left; rich draws it in notebooks, too."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, TextColumn("{task.fields[note]}"), transient=True) as display:
        task = display.add_task(description, total=total, note="")

        def advance(items: int, note: str = "", /) -> None:
            display.update(task, advance=items, note=note)

        yield advance
