"""`rubricator augment`: synthetic texts for rare categories; or the plan of what that takes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.panel import Panel
from rich.table import Table

from rubricator.cli.console import out
from rubricator.cli.run import ConfigFile, Force, OutFolder, Overrides
from rubricator.records import ONLY_FAILURES, Status

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rubricator.augment.plan import AugmentPlan


def augment_texts(
    config: ConfigFile = Path("rubricator.yaml"),
    overrides: Overrides = None,
    out_folder: OutFolder = None,
    plan_only: Annotated[
        bool,
        typer.Option(
            "--plan",
            help="Show how many texts each category would get and why, one full prompt, and the questions, "
            "tokens and cost to expect; ask nothing.",
        ),
    ] = False,
    show: Annotated[
        int, typer.Option(min=0, help="Print so many of the texts that passed, to see what they are like.")
    ] = 0,
    ask_again: Annotated[
        bool,
        typer.Option("--ask-again", help="Ask again where answers could not be read or were refused, too."),
    ] = False,
    force: Force = False,
) -> None:
    """Have language models write training texts for rare categories, and a judge keep those that belong.

    The section `augment` of the settings says who writes and how many; stages before it run first where
    something changed. Every answer is stored as it arrives: a run that was stopped, killed or ended at
    `augment.max_cost` or `max_minutes` goes on where it was.

    Example: `rubricator augment -c rubricator.yaml --plan`
    """
    from rubricator.cli.stages import go
    from rubricator.config import read_config
    from rubricator.dataset.files import read_json
    from rubricator.dataset.synthetic import CANDIDATES, read_synthetic
    from rubricator.pipeline.augment import STATISTICS, plan, settings_of

    settings_of(read_config(config, overrides or []))  # before hours of labelling
    again = frozenset(set(Status) - {Status.OK}) if ask_again else ONLY_FAILURES
    if plan_only:
        run = go(config, overrides, out_folder, until="label", again=again)
        _show_plan(plan(run))
        return
    forced = ["augment"] if force or ask_again else []
    run = go(config, overrides, out_folder, until="augment", force=forced, again=again)
    rows = read_json(run.folder / STATISTICS)["stages"]
    if rows:
        out.print(_table(rows))
    for text in read_synthetic(run.folder / CANDIDATES)[:show]:
        out.print(f"[bold]{escape(', '.join(text.categories))}[/]  {escape(text.content)}")


def _table(rows: Sequence[dict[str, Any]]) -> Table:
    table = Table("category", "stage", box=None, pad_edge=False)
    for heading in ("made", "kept"):
        table.add_column(heading, justify="right")
    table.add_column("why dropped")
    for row in rows:
        why = ", ".join(f"{count:,} {reason}" for reason, count in row["dropped"].items())
        table.add_row(escape(row["category"]), row["stage"], f"{row['made']:,}", f"{row['kept']:,}", why)
    return table


def _show_plan(planned: AugmentPlan) -> None:
    for one in planned.wanted:
        out.print(f"[bold]{escape(one.key)}[/]: {one.texts:,} texts ({escape(one.reason)})")
    for note in planned.notes:
        out.print(f"[yellow]![/] none for {escape(note)}")
    if not planned.texts:
        out.print("Nothing is to be made.")
        return
    out.print(Panel(escape(planned.prompt), title="one prompt", title_align="left"))
    least, most = planned.questions
    cheap, dear = planned.cost
    out.print(
        f"{planned.texts:,} texts take {least:,} questions if all pass at once, {most:,} if all are made "
        "again up to the limit."
    )
    out.print(
        f"About {planned.tokens:,} tokens at least, cost {cheap:,.4g} to {dear:,.4g}. No model was asked."
    )
