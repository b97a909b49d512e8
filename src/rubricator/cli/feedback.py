"""`rubricator feedback`: what editors' decisions tell about the model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rubricator.cli.console import out

if TYPE_CHECKING:
    from rubricator.review.overrides import FeedbackReport, Overrides


def show_feedback(
    store: Annotated[str, typer.Argument(help="The database that `serve --feedback` writes.")],
    import_: Annotated[
        Path | None,
        typer.Option(
            "--import",
            metavar="FILE",
            help="Take decisions from a table first: CSV, TSV, JSONL, Parquet, Excel.",
        ),
    ] = None,
    artifact: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="The model that the editors of FILE corrected.", show_default=False),
    ] = None,
    categories: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="The list whose history knows earlier versions.", show_default=False
        ),
    ] = None,
    json_: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write the same figures as JSON.")
    ] = None,
) -> None:
    """Show how often editors overrule the model, how far they agree, and what suggestions save.

    With `--import`, decisions that another tool exported join the database first: a row each, with columns
    `editor`, `categories` and `body` at least. All faults are listed, and nothing is stored if there is one;
    a file may be taken twice.

    Example: `rubricator feedback feedback.sqlite --import examples/news/decisions.csv --artifact runs/news`
    """
    import dataclasses

    from rubricator.dataset.files import save_json
    from rubricator.pipeline.feedback import report_of, take_file

    if import_ is not None:
        if artifact is None:
            raise typer.BadParameter("--import needs --artifact DIR: it says how texts are cleaned.")
        new, known = take_file(store, import_, artifact=artifact, categories=categories)
        out.print(f"{new:,} new decisions from {import_}" + (f", {known:,} known already" if known else ""))
    report = report_of(store)
    _show(report)
    if json_ is not None:
        save_json(json_, dataclasses.asdict(report))


def _show(report: FeedbackReport) -> None:
    out.print(
        f"{report.decisions:,} decisions. Only those given blind measure; suggestions shift what people say."
    )
    for title, rows in (
        ("Overall", report.overall),
        ("Category", report.categories),
        ("Source", report.sources),
        ("Editor", report.editors),
    ):
        if rows:
            out.print(_table(title, rows))
    for pair in report.agreement:
        out.print(pair.said)
    if not report.agreement:
        out.print("No text was judged blind by two editors: how far they agree cannot be told.")
    out.print(report.time.said)


def _table(title: str, rows: list[Overrides]) -> object:
    from rich.table import Table

    table = Table(title, "Shown", "Overridden", "Rate", "95% interval")
    for row in rows:
        rate = row.rate
        if rate.value is None or rate.low is None or rate.high is None:
            continue
        table.add_row(
            row.name,
            row.shown,
            f"{row.overridden} of {row.decisions}",
            f"{rate.value:.0%}",
            f"{rate.low:.0%} to {rate.high:.0%}",
        )
    return table
