"""A comparison of runs as tables in the terminal."""

from __future__ import annotations

from rich.markup import escape
from rich.table import Table

from rubricator.cli.console import estimate_cell, figure_table, out
from rubricator.evaluate.comparison.compare import Comparison
from rubricator.evaluate.comparison.page import change, change_interval, signed_figure, signed_interval
from rubricator.evaluate.comparison.verdict import chance, figure_name, verdict
from rubricator.pages.formatting import figure
from rubricator.stats.significance import Difference


def show_comparison(comparison: Comparison) -> None:
    """Print the figures of all runs, the changes, and what they come to."""
    out.print()
    out.print(_headline(comparison))
    out.print(_categories(comparison))
    if comparison.goals:
        out.print(_goals(comparison))
    for against in comparison.new:
        out.print(f"[bold]{escape(verdict(comparison, against))}[/]")
    for sentence in comparison.left_out:
        out.print(f"[yellow]![/] {escape(sentence)}")


def _headline(comparison: Comparison) -> Table:
    new = [heading for side in comparison.new for heading in (escape(side.side.name), "change", "p")]
    table = figure_table(f"{comparison.texts:,} texts", escape(comparison.old.name), *new)
    for name in comparison.old.figures:
        cells = [estimate_cell(comparison.old.figures[name])]
        for against in comparison.new:
            gain = against.figures[name]
            cells += [estimate_cell(against.side.figures[name]), _difference(gain), chance(gain.corrected_p)]
        table.add_row(figure_name(name, comparison.space), *cells)
    cells = [""]
    for test in (against.mcnemar for against in comparison.new):
        cells += ["", f"{test.fixed:,} : {test.broken:,}", chance(test.corrected_p)]
    table.add_row("texts fixed : broken", *cells)
    return table


def _categories(comparison: Comparison) -> Table:
    new = [heading for side in comparison.new for heading in (escape(side.side.name), "change")]
    table = figure_table("F1", "texts", escape(comparison.old.name), *new)
    for key, support in comparison.support.items():
        cells = [f"{support:,}", estimate_cell(comparison.old.f1[key])]
        for against in comparison.new:
            cells += [estimate_cell(against.side.f1[key]), _difference(against.f1[key])]
        table.add_row(escape(key), *cells)
    return table


def _goals(comparison: Comparison) -> Table:
    new = [heading for side in comparison.new for heading in (escape(side.side.name), "change")]
    table = figure_table("goal", "target", escape(comparison.old.name), *new)
    for goal in comparison.goals:
        cells = [figure(goal.target, 3), estimate_cell(goal.old)]
        for estimate, gain in zip(goal.new, goal.changes, strict=True):
            cells += [estimate_cell(estimate), f"{signed_figure(gain)}\n[dim]{signed_interval(gain)}[/]"]
        table.add_row(f"{escape(goal.name)}\n[dim]{goal.offline}[/]", *cells)
    return table


def _difference(difference: Difference) -> str:
    cell = f"{change(difference)}\n[dim]{change_interval(difference)}[/]"
    return f"[bold]{cell}[/]" if difference.beyond_chance else cell
