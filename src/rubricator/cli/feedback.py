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
    json_: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write the same figures as JSON.")
    ] = None,
) -> None:
    """Show how often editors overrule the model, how far they agree, and what suggestions save.

    Example: `rubricator serve ARTIFACT --feedback STORE`, then `rubricator feedback STORE --json told.json`
    """
    import dataclasses

    from rubricator.dataset.files import write_json
    from rubricator.errors import DataError
    from rubricator.review.feedback import read_decisions
    from rubricator.review.overrides import report_feedback
    from rubricator.store import Store

    if "://" not in store and not Path(store).is_file():
        raise DataError(f"There is no database {store}.", fix="Name the one that `serve --feedback` writes.")
    with Store.open(store) as opened:
        report = report_feedback(read_decisions(opened))
    _show(report)
    if json_ is not None:
        write_json(json_, dataclasses.asdict(report))


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
