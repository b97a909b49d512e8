"""The metrics of a finished run as a table, and what to do next."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from rich.markup import escape
from rich.table import Table

from rubricator.cli.console import estimate_cell, figure_table, out
from rubricator.dataset.metrics import PartMetrics, RunMetrics, read_metrics
from rubricator.pages.formatting import figure, interval, series

_HEADLINE = ("macro_f1", "micro_f1", "weighted_f1", "subset_accuracy")


def show_result(folder: Path, *, config: Path) -> None:
    """Print the metrics with their intervals, where the report lies and the next three commands."""
    metrics = read_metrics(folder)
    head = metrics.head
    out.print()
    out.print(_categories(head))
    out.print(_headline(metrics))
    if head.unmeasured:
        out.print(f"[yellow]![/] Macro-F1 leaves out what no text has: {escape(series([*head.unmeasured]))}.")
    out.print(f"[dim]Measured on {escape(head.about)}.[/dim]\n")
    out.print(f"Report    {folder / 'report.html'}")
    out.print(f"Artifact  {folder / 'artifact'}\n")
    out.print("Next:")
    command, artifact = _command(), folder / "artifact"
    out.print(f"  {command} predict {artifact} YOUR.csv -o predictions.csv")
    out.print(f"  {command} serve {artifact} --port 8000")
    # Golden texts that only measure leave labels to learn from where teachers gave some.
    if head.part == "golden" and "test_agreed" in metrics.parts:
        out.print(f"  {command} run -c {config} --set golden.use=test --out {folder}-strict")


def _command() -> str:
    """How this very program is called: by name where the shell finds it, else by its path."""
    called = Path(sys.argv[0])
    if called.name == "__main__.py":
        return "python -m rubricator"
    path = shutil.which(called.name)
    return called.name if path and Path(path).resolve() == called.resolve() else str(called)


def _categories(head: PartMetrics) -> Table:
    columns = ("precision", "recall", "AUC", "AP", "texts")
    table = figure_table("category", "F1", f"{head.confidence:.0%} interval", *columns)
    for category in head.categories:
        shares = (category.precision, category.recall, category.roc_auc, category.average_precision)
        table.add_row(
            escape(category.key),
            figure(category.f1.value, 3),
            interval(category.f1, 3),
            *(figure(share, 3) for share in shares),
            f"{category.support:,}",
        )
    return table


def _headline(metrics: RunMetrics) -> Table:
    """A row per model, each figure above its interval: with many models a column each would not fit."""
    head, chosen = metrics.head, metrics.models[metrics.model]
    headings = (name.replace("_", " ") for name in _HEADLINE)
    table = figure_table(f"{head.part}, {head.texts:,} texts", *headings)
    if any(getattr(head, name) != getattr(chosen, name) for name in _HEADLINE):
        # In a fold another kind may have won: the procedure is more than the kind that it chose in the end.
        _add(table, "whole procedure", head)
    _add(table, f"{metrics.model} (chosen)", chosen)
    for name, part in metrics.models.items():
        if name != metrics.model:
            _add(table, name, part)
    return table


def _add(table: Table, name: str, part: PartMetrics) -> None:
    table.add_row(name, *(estimate_cell(getattr(part, figure)) for figure in _HEADLINE))
