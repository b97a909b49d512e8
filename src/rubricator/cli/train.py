"""`rubricator train`: which kinds of model compete, and what came out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rich.table import Table

from rubricator.cli.console import figure_table, out
from rubricator.cli.run import ConfigFile, Force, Minutes, Models, OutFolder, Overrides, overriding


def train_models(
    config: ConfigFile = Path("rubricator.yaml"),
    models: Models = None,
    minutes: Minutes = None,
    overrides: Overrides = None,
    out_folder: OutFolder = None,
    force: Force = False,
) -> None:
    """Train models, calibrate them on validation and choose the best one.

    All compete on the same folds. With `auto` every kind that fits the data is tried, the cheapest first;
    one that surely cannot win, or would not be done in time, is stopped. Stages before this one run first
    where something changed.

    Example: `rubricator train -c examples/news/rubricator.yaml --model heads --model linear`
    """
    from rubricator.cli.stages import go
    from rubricator.dataset.files import read_json

    settings = [*(overrides or []), *overriding(models, minutes)]
    run = go(config, settings, out_folder, until="train", force=["train"] if force else [])
    trained = read_json(run.folder / "stages/train.json")
    out.print()
    out.print(_table(trained))
    for name, reason in trained["dropped"].items():
        out.print(f"[dim]{name}: {reason}[/dim]")


def _table(trained: dict[str, Any]) -> Table:
    """What every candidate reached on validation and what it costs, the best first."""
    metric = trained["metric"]
    table = figure_table(
        "model", f"{metric['words']} on validation", "95% interval", "training", "texts/s", "size"
    )
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
