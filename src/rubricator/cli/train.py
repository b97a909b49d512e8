"""`rubricator train`: which kinds of model compete, and what came out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from rubricator.cli.console import figure_table, out
from rubricator.cli.run import ConfigFile, Minutes, Models, OutFolder, Overrides, go, overriding


def register(app: typer.Typer) -> None:
    """Add `train`."""
    app.command("train", rich_help_panel="One stage")(_train)


def _train(
    config: ConfigFile = Path("rubricator.yaml"),
    models: Models = None,
    minutes: Minutes = None,
    overrides: Overrides = None,
    out_folder: OutFolder = None,
    force: Annotated[bool, typer.Option("--force", help="Do it again even if nothing changed.")] = False,
) -> None:
    """Train models, calibrate them on validation and choose the best one.

    All compete on the same folds. With `auto` every kind that fits the data is tried, the cheapest first;
    one that surely cannot win, or would not be done in time, is stopped. Stages before this one run first
    where something changed.

    Example: `rubricator train -c examples/news/rubricator.yaml --model heads --model linear`
    """
    wanted = [*(overrides or []), *overriding(models, minutes)]
    run = go(config, wanted, out_folder, until="train", force=["train"] if force else [])
    show_models(run.folder)


def show_models(folder: Path) -> None:
    """Print what every candidate reached on validation and what it costs, the best first."""
    trained = json.loads((folder / "stages/train.json").read_text(encoding="utf-8"))
    out.print()
    out.print(_table(trained))
    for name, reason in trained["dropped"].items():
        out.print(f"[dim]{name}: {reason}[/dim]")


def _table(trained: dict[str, Any]) -> Table:
    metric = trained["metric"]
    table = figure_table("model", metric["words"], "95% interval", "training", "texts/s", "size")
    for name, score in trained["choice"]["scores"].items():
        low, high = score["intervals"].get(metric["name"], (None, None))
        cost = trained["costs"][name]
        table.add_row(
            f"{name} (chosen)" if name == trained["choice"]["name"] else name,
            f"{score[metric['name']]:.3f}",
            "" if low is None else f"{low:.3f}–{high:.3f}",
            f"{trained['seconds'][name]:,.0f} s",
            f"{cost['texts_per_second']:,.0f}",
            f"{cost['bytes'] / 2**20:,.0f} MiB",
        )
    return table
