"""What `rubricator category apply` tells."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from rich.markup import escape

from rubricator.cli.console import figure_table, out, show_progress
from rubricator.pages.formatting import plural
from rubricator.pipeline.extend import Extended, Extension, extend
from rubricator.pipeline.stage import Run

if TYPE_CHECKING:
    from rubricator.dataset.metrics import PartMetrics


def apply(run: Run) -> Extended:
    """Extend the artifact of a run, with progress."""
    return extend(replace(run, progress=show_progress, say=out.print))


def tell_extension(plan: Extension, full_seconds: float) -> None:
    """What would be done."""
    for line in plan.lines():
        out.print(f"  {escape(line)}")
    out.print(f"A whole run took {full_seconds:,.0f} s; this does only what is named above.")


def tell_extended(done: Extended) -> None:
    """What was done, what it took, and the figures before and now."""
    tell_extension(done.extension, done.full_seconds)
    if done.after is not None:
        _tell_figures(done.before, done.after)
    share = f", {done.seconds / done.full_seconds:.0%} of a whole run" if done.full_seconds else ""
    out.print(f"{done.identifier}: {plural(done.texts, 'text')} asked about; {done.seconds:,.1f} s{share}")


def _tell_figures(before: PartMetrics | None, after: PartMetrics) -> None:
    table = figure_table("key")
    for heading in ("texts", "F1 before", "F1 now"):
        table.add_column(heading, justify="right")
    old = {one.key: one.f1.value for one in before.categories} if before else {}
    for one in after.categories:
        cells = ("–" if value is None else f"{value:.3f}" for value in (old.get(one.key), one.f1.value))
        table.add_row(escape(one.key), f"{one.support:,}", *cells)
    out.print(f"On {after.about}; probabilities of kept categories are the same bits:")
    out.print(table)
