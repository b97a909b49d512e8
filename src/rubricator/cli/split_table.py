"""What leaks in a split, as tables in the terminal."""

from __future__ import annotations

from rich.box import SIMPLE_HEAD
from rich.markup import escape
from rich.table import Table

from rubricator.cli.console import figure_table, out
from rubricator.pages.formatting import figure, interval, percent, series
from rubricator.pipeline.split_check import SplitCheck
from rubricator.pipeline.split_points import FIGURES, Measured, Points
from rubricator.stats.bootstrap import Estimate
from rubricator.train.quick import ABOUT

_WORDS = {
    "exact": "same words",
    "near": "nearly the same",
    "group": "same group",
    "relative": "made from one another",
    "time": "later times",
    "all": "all but times",
}


def show_check(check: SplitCheck) -> None:
    """Print the parts, what leaks between them, and what that is worth."""
    sizes = [
        f"{part.texts:,} {escape(part.name)}" + (f" ({part.labelled:,} labelled)" if part.labelled else "")
        for part in check.parts
    ]
    out.print(f"\nParts     {', '.join(sizes)}")
    out.print(f"Looked at {escape(series(list(check.looked_for)))}")
    if check.counts:
        out.print(_leaks(check))
    else:
        out.print("[bold]Nothing leaks.[/]")
    if check.measured is not None:
        out.print(_points(check.measured))
        out.print(f"[dim]{_explained(check.measured)}[/]")
    for note in check.notes:
        out.print(f"[yellow]![/] {escape(note)}")


def _leaks(check: SplitCheck) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("leak")
    table.add_column("texts of", no_wrap=True)
    for heading in ("number", "share", "known by", "labelled alike"):
        table.add_column(heading, justify="right", no_wrap=True)
    for count in check.counts:
        table.add_row(
            _WORDS[count.kind],
            escape(count.held),
            f"{count.texts:,}",
            percent(count.share),
            f"{count.others:,} of {escape(count.other)}",
            f"{count.alike:,} of {count.compared:,}" if count.compared else "",
        )
    return table


def _points(measured: Measured) -> Table:
    table = figure_table("points", "figure", "without them", "model untold", "fewer texts")
    for points in measured.points:
        for one, name in zip(FIGURES, _names(measured), strict=True):
            table.add_row(
                _WORDS[points.kind] if one == FIGURES[0] else "",
                name,
                *(_gain(None if gains is None else gains[one]) for gains in _gains(points)),
            )
    return table


def _gains(points: Points) -> tuple[dict[str, Estimate] | None, ...]:
    return points.easier, points.flatters, points.fewer


def _gain(gain: Estimate | None) -> str:
    """A difference in points with its interval."""
    if gain is None or gain.value is None:
        return "–"
    if gain.low is None or gain.high is None:
        return f"{100 * gain.value:+.1f}"
    return f"{100 * gain.value:+.1f}\n[dim]{100 * gain.low:+.1f} to {100 * gain.high:+.1f}[/]"


def _names(measured: Measured) -> tuple[str, str]:
    return "macro-F1", "accuracy" if measured.single else "micro-F1"


def _explained(measured: Measured) -> str:
    as_it_is = ", ".join(
        f"{name} {figure(value.value, 3)} ({interval(value, 3)})"
        for name, value in zip(_names(measured), map(measured.as_it_is.__getitem__, FIGURES), strict=True)
    )
    return (
        f"As it is: {as_it_is}, by {ABOUT}; {measured.train:,} texts train, {measured.test:,} are measured."
        " In points, how much lower the same comes out without the texts that leak, with a model trained"
        " without what knows them, and with one trained without as many other texts. 95 % intervals, paired"
        " bootstrap."
    )
