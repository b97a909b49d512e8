"""`rubricator label`: ask the teachers, agree on labels; or plan, report and export."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.panel import Panel

from rubricator.cli.console import out
from rubricator.cli.run import ConfigFile, Force, OutFolder, Overrides
from rubricator.pages.formatting import duration
from rubricator.records import ONLY_FAILURES, Status

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rubricator.label.asking.plan import TeacherPlan, Trial


def label_texts(
    config: ConfigFile = Path("rubricator.yaml"),
    overrides: Overrides = None,
    out_folder: OutFolder = None,
    plan_only: Annotated[
        bool,
        typer.Option(
            "--plan",
            help="Show one full prompt per language model, tokens, and the time and cost that a dozen real "
            "calls let expect; ask nothing more.",
        ),
    ] = False,
    report: Annotated[
        bool,
        typer.Option("--report", help="Measure the teachers afterwards: tables here, and label-report.html."),
    ] = False,
    export: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Write the labels as a table: id, source, title, text, publication_date, 0/1 per "
            "category, corrupted, generation. CSV, TSV, JSONL, Parquet or Excel, by suffix.",
        ),
    ] = None,
    teacher: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="With --export: this teacher's answers instead of the agreed labels."
        ),
    ] = None,
    ask_again: Annotated[
        bool,
        typer.Option(
            "--ask-again", help="Ask again about texts whose answers could not be read or were refused, too."
        ),
    ] = False,
    force: Force = False,
) -> None:
    """Ask the teachers, store their answers, agree on labels.

    Stages before it run first where something changed. Every answer of a language model is stored as it
    arrives: a run that was stopped, killed or ended at `label.max_cost`, `max_minutes` or `max_texts` goes on
    where it was, and what failed is asked for again.

    Example: `rubricator label -c examples/news/rubricator.yaml --report`
    """
    from rubricator.cli.label_table import show_label_report
    from rubricator.cli.stages import go
    from rubricator.pipeline.label_outputs import plan, write_label_report, write_label_table

    again = frozenset(set(Status) - {Status.OK}) if ask_again else ONLY_FAILURES
    if plan_only:
        _show_plan(plan(go(config, overrides, out_folder, until="split", again=again)))
        return
    forced = ["label"] if force or ask_again else []
    run = go(config, overrides, out_folder, until="label", force=forced, again=again)
    if report:
        show_label_report(write_label_report(run))
        out.print(f"Report    {run.folder / 'label-report.html'}")
    if export:
        rows = write_label_table(run, export, teacher=teacher)
        out.print(f"{rows:,} rows: {export}")


def _show_plan(plans: Sequence[TeacherPlan]) -> None:
    for planned in plans:
        out.print(
            f"\n[bold]{escape(planned.teacher)}[/]: {planned.texts - planned.stored:,} texts to ask about"
            f", {planned.stored:,} of {planned.texts:,} answered before"
        )
        if planned.prompt:
            out.print(escape(planned.about))
            out.print(Panel(escape(planned.prompt), title="one prompt", title_align="left"))
            out.print("\n".join(_expected(planned)))


def _expected(planned: TeacherPlan) -> list[str]:
    trial = planned.trial
    if trial is None:
        return ["Nothing is left to ask."]
    statuses = ", ".join(f"{count} {status}" for status, count in sorted(trial.statuses.items()))
    took = f"{duration(trial.seconds)}, cost {trial.cost:,.4g}"
    return [
        f"About {planned.tokens:,} prompt tokens for the texts to ask about.",
        f"Tried {trial.texts} of them (their answers are stored): {statuses}; {took}.",
        *_judged(trial),
        f"Expected for the rest: {duration(trial.rest_seconds)}, cost {trial.rest_cost:,.4g}.",
    ]


def _judged(trial: Trial) -> list[str]:
    """How the answers tried compare with what people said, where they did."""
    if not trial.golden:
        return []
    unread = trial.texts - trial.statuses.get(Status.OK, 0)
    line = f"Of {trial.golden} that people labelled, {trial.right} were answered as they did; "
    return [f"{line}{unread} of {trial.texts} answers could not be read."]
