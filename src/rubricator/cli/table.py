"""The metrics of a finished run as a table, and what to do next."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

from rich.table import Table

from rubricator.cli.console import figure_table, out

_HEADLINE = ("macro_f1", "micro_f1", "weighted_f1", "subset_accuracy")


def show_result(folder: Path, *, config: Path) -> None:
    """Print the metrics with their intervals, where the report lies and the next three commands."""
    metrics = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    part = metrics["parts"][metrics["headline"]]
    out.print()
    out.print(_categories(part))
    out.print(_headline(metrics, part))
    out.print(f"[dim]Measured on {part['about']}.[/dim]\n")
    out.print(f"Report    {folder / 'report.html'}")
    out.print(f"Artifact  {folder / 'artifact'}\n")
    out.print("Next:")
    command, artifact = _command(), folder / "artifact"
    out.print(f"  {command} predict {artifact} YOUR.csv -o predictions.csv")
    out.print(f"  {command} serve {artifact} --port 8000")
    out.print(f"  {command} run -c {config} --set golden.use=test --out {folder}-strict")


def _command() -> str:
    """How this very program is called: by name where the shell finds it, else by its path."""
    called = Path(sys.argv[0])
    found = shutil.which(called.name)
    return called.name if found and Path(found).resolve() == called.resolve() else str(called)


def _categories(part: dict[str, Any]) -> Table:
    interval = f"{part['confidence']:.0%} interval"
    table = figure_table("category", "F1", interval, "precision", "recall", "AUC", "AP", "texts")
    for category in part["categories"]:
        columns = ("precision", "recall", "roc_auc", "average_precision")
        table.add_row(
            category["key"],
            _figure(category["f1"]["value"]),
            _interval(category["f1"]),
            *(_figure(category[column]) for column in columns),
            str(category["support"]),
        )
    return table


def _headline(metrics: dict[str, Any], part: dict[str, Any]) -> Table:
    """A row per model, each figure above its interval: with many models a column each would not fit."""
    table = figure_table(
        f"{part['part']}, {part['texts']} texts", *(name.replace("_", " ") for name in _HEADLINE)
    )
    chosen, models = metrics["model"], metrics["models"]
    if any(part[figure] != models[chosen][figure] for figure in _HEADLINE):
        # In a fold another kind may have won: the procedure is more than the kind that it chose in the end.
        _add(table, "whole procedure", part)
    for name in sorted(models, key=lambda name: name != chosen):
        _add(table, f"{name} (chosen)" if name == chosen else name, models[name])
    return table


def _add(table: Table, name: str, figures: dict[str, Any]) -> None:
    cells = [figures[figure] for figure in _HEADLINE]
    table.add_row(name, *(f"{_figure(cell['value'])}\n[dim]{_interval(cell)}[/dim]" for cell in cells))


def _figure(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _interval(estimate: dict[str, float | None]) -> str:
    if estimate["low"] is None or estimate["high"] is None:
        return ""
    return f"{estimate['low']:.3f}–{estimate['high']:.3f}"
