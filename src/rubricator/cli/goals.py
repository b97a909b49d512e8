"""`rubricator goals`: what the business wants, where it stands, what it takes to show it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from rubricator.cli.console import err, estimate_cell, figure_table, out
from rubricator.cli.run import ConfigFile, OutFolder, Overrides
from rubricator.pages.formatting import NONE, figure

if TYPE_CHECKING:
    from rich.table import Table

    from rubricator.pipeline.goals import GoalPlan

_STATES = {"reached": "[green]reached[/]", "missed": "[red]missed[/]", "unsure": "unsure", "": ""}


def show_goals(
    config: ConfigFile = Path("rubricator.yaml"),
    overrides: Overrides = None,
    out_folder: OutFolder = None,
    plain: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write the same as JSON, too.")
    ] = None,
    templates: Annotated[
        bool, typer.Option("--templates", help="Show the goals to start from, as YAML, and nothing else.")
    ] = False,
) -> None:
    """Show where each goal of the settings stands, and what an experiment would take to show a change.

    A goal is what the business wants, the figure of the model that stands for it (measured on the texts of
    the run's headline), and the metric that readers or editors move. Units per arm show the least change
    worth having with a power of 90 %: with one look in the end, or with a look a day; days are of the latter.
    `ab plan --goal NAME` says the same.
    Nothing is run: the last run's predictions are read.

    Example: `rubricator goals -c examples/news/rubricator.yaml`
    """
    if templates:
        _show_templates()
        return
    from rubricator.config import read_config
    from rubricator.pipeline.goals import plan_goals
    from rubricator.pipeline.stage import RUNS

    settings = read_config(config, overrides or [])
    plans = plan_goals(settings, out_folder or Path(RUNS) / settings.name)
    _show(plans)
    if plain:
        _write(plain, plans)
        out.print(f"JSON      {plain}")


def _show(plans: list[GoalPlan]) -> None:
    table = figure_table("goal", "offline", "now", "target", "")
    for plan in plans:
        standing = plan.standing
        table.add_row(
            escape(plan.goal.name),
            plan.goal.offline,
            NONE if standing is None else estimate_cell(standing.figure),
            figure(plan.goal.offline_target, 3),
            "" if standing is None else _STATES[standing.state],
        )
    out.print(table)
    out.print(_online(plans))
    if any(plan.standing is None for plan in plans):
        err.print("[yellow]![/] No run was measured yet: `rubricator run` says where the model stands.")
    for plan in plans:
        for note in plan.notes:
            out.print(f"[bold]{escape(plan.goal.name)}[/]  {escape(note)}")


def _online(plans: list[GoalPlan]) -> Table:
    """What the metrics are at, and the size of an experiment: per arm, looked at once or daily."""
    table = figure_table("metric", "today", "wanted", "least", "per arm", "daily looks", "days")
    for plan in plans:
        goal = plan.goal
        sign = "+" if goal.direction == "up" else "−"
        table.add_row(
            escape(goal.metric),
            NONE if goal.baseline is None else f"{goal.baseline:g}",
            NONE if goal.target is None else f"{goal.target:g}",
            f"{sign}{goal.smallest_change:.0%}",
            NONE if plan.units is None else f"{plan.units:,}",
            NONE if plan.sequential_units is None else f"{plan.sequential_units:,}",
            NONE if plan.days is None else f"{plan.days:,}",
        )
    return table


def _show_templates() -> None:
    import yaml

    from rubricator.config.goals import TEMPLATES

    goals = [{"name": name, **one} for name, one in TEMPLATES.items()]
    out.print(yaml.safe_dump({"goals": goals}, sort_keys=False), markup=False, end="")


def _write(path: Path, plans: list[GoalPlan]) -> None:
    from dataclasses import asdict

    from rubricator.dataset.files import save_json

    rows = [
        {
            "goal": plan.goal.model_dump(mode="json"),
            "standing": plan.standing and asdict(plan.standing) | {"state": plan.standing.state},
            "units": plan.units,
            "sequential_units": plan.sequential_units,
            "days": plan.days,
            "notes": list(plan.notes),
        }
        for plan in plans
    ]
    save_json(path, rows)
