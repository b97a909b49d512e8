"""`rubricator monitor`: whether what is served is still what the model was made for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from rubricator.cli.console import err, estimate_cell, figure_table, log_to, out, show_progress

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from rubricator.config import Monitor
    from rubricator.dataset.goals import GoalStanding
    from rubricator.monitor.judge import Judged
    from rubricator.monitor.reference import Reference
    from rubricator.monitor.run import Monitoring, MonitorRun
    from rubricator.store import Store

LogStore = Annotated[
    str, typer.Argument(metavar="STORE", help="The database that `serve --log` writes.", show_default=False)
]
References = Annotated[
    list[Path],
    typer.Option(
        "--reference",
        metavar="PLACE",
        help="A run, an artifact, a registry, or a file of `monitor reference`; several may be named.",
        show_default=False,
    ),
]
Settings = Annotated[
    Path | None,
    typer.Option(
        "--config", "-c", metavar="FILE", help="Settings with a section `monitor`.", show_default=False
    ),
]
Reviews = Annotated[
    str | None,
    typer.Option(
        metavar="STORE", help="The database of `serve --feedback`, if it is another.", show_default=False
    ),
]

monitor = typer.Typer(
    name="monitor",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_show_locals=False,
    help="Compare what is served with the reference, and alarm rightly.\n\n"
    "`rubricator serve --log STORE` logs every prediction; the artifact holds the reference.\n\n"
    "Example: `rubricator monitor run log.sqlite --reference runs/news`",
)


@monitor.command("run")
def run_monitor(
    store: LogStore,
    reference: References,
    config: Settings = None,
    reviews: Reviews = None,
    out_folder: Annotated[
        Path, typer.Option("--out", metavar="DIR", help="Folder of the page and of lists of ids to review.")
    ] = Path("monitor"),
    json_: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write every judgement as JSON, too.")
    ] = None,
    prometheus: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write figures for the textfile collector of Prometheus."),
    ] = None,
    every: Annotated[
        float | None,
        typer.Option(min=0.01, metavar="MINUTES", help="Do it again and again; without it, once."),
    ] = None,
) -> None:
    """Judge the windows that are over and were not judged yet; send alerts; write the page.

    What was judged and told is kept in the store: a run that is started again repeats nothing.

    Example: `rubricator monitor run log.sqlite --reference runs/news -c rubricator.yaml`
    """
    import time

    from rubricator.errors import StoreError

    settings = _settings(config)
    while True:
        with log_to(None):
            try:
                _once(store, reference, settings, reviews, out_folder, json_, prometheus)
            except StoreError as error:
                # A database that is away for an hour ends no watch.
                if every is None:
                    raise
                err.print(f"[yellow]{escape(error.problem)}[/]")
        if every is None:
            return
        time.sleep(every * 60)


@monitor.command("report")
def report_monitor(
    store: LogStore,
    reference: References,
    config: Settings = None,
    reviews: Reviews = None,
    out_folder: Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder of the page.")] = Path(
        "monitor"
    ),
    json_: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write every judgement as JSON, too.")
    ] = None,
) -> None:
    """Write the page from what was judged; judge and send nothing.

    Example: `rubricator monitor report log.sqlite --reference runs/news`
    """
    from rubricator.monitor.report.page import write_report
    from rubricator.monitor.run import Monitoring

    settings = _settings(config)
    with log_to(None), _opened(store) as opened, _reviews(reviews) as decisions:
        monitoring = Monitoring(opened, _read(reference), settings, reviews=decisions)
        page = write_report(out_folder, monitoring, goals=_goals(reference), json=json_)
    out.print(f"Page      {page}")
    if json_:
        out.print(f"JSON      {json_}")


@monitor.command("reference")
def make_reference(
    artifact: Annotated[Path, typer.Argument(help="Folder of the artifact that serves.")],
    texts: Annotated[Path, typer.Argument(help="A table of texts like those that it will see.")],
    output: Annotated[Path, typer.Option("-o", "--output", metavar="FILE", help="The reference.")] = Path(
        "reference.safetensors"
    ),
) -> None:
    """Make a reference from texts: for an artifact that has none, or whose texts come from elsewhere.

    Best are texts that the model did not learn from, of a time in which all was well.

    Example: `rubricator monitor reference runs/news/artifact texts.csv`
    """
    from rubricator.pipeline.reference import reference_of_table

    with log_to(None):
        made = reference_of_table(artifact, texts, output, progress=show_progress)
    out.print(f"Reference {output}: {len(made.sample):,} texts, {len(made.vocabulary):,} words known")


def _settings(config: Path | None) -> Monitor:
    from rubricator.config import Monitor, read_config

    return Monitor() if config is None else read_config(config).monitor


def _opened(place: str) -> Store:
    from rubricator.store import Store

    return Store.open_existing(place, named="STORE", fix="Name the one that `serve --log` writes.")


def _reviews(place: str | None) -> AbstractContextManager[Store | None]:
    from contextlib import nullcontext

    from rubricator.store import Store

    if place is None:
        return nullcontext()
    return Store.open_existing(place, named="--reviews", fix="Name the one that `serve --feedback` writes.")


def _read(places: list[Path]) -> list[Reference]:
    from rubricator.monitor.reference import read_references

    return [reference for place in places for reference in read_references(place)]


def _goals(places: list[Path]) -> list[GoalStanding]:
    """The goals of the runs among the references, by the folder of the run where there are several."""
    from dataclasses import replace

    from rubricator.dataset.metrics import METRICS, read_metrics

    runs = [place for place in places if (place / METRICS).is_file()]
    return [
        goal if len(runs) == 1 else replace(goal, name=f"{goal.name} ({place.name})")
        for place in runs
        for goal in read_metrics(place).goals
    ]


def _once(
    store: str,
    reference: list[Path],
    settings: Monitor,
    reviews: str | None,
    folder: Path,
    json_: Path | None,
    prometheus: Path | None,
) -> None:
    from rubricator.monitor.prometheus import write_figures
    from rubricator.monitor.report.page import write_report
    from rubricator.monitor.run import Monitoring

    with _opened(store) as opened, _reviews(reviews) as decisions:
        monitoring = Monitoring(
            opened, _read(reference), settings, reviews=decisions, folder=folder, progress=show_progress
        )
        found = monitoring.run()
        _show(found, monitoring)
        page = write_report(folder, monitoring, goals=_goals(reference), json=json_)
        if prometheus is not None:
            write_figures(prometheus, monitoring.judged(), found.lasting)
    out.print(f"\nPage      {page}")
    for name, path in (("JSON", json_), ("Figures", prometheus)):
        if path is not None:
            out.print(f"{name:<10}{path}")


def _show(found: MonitorRun, monitoring: Monitoring) -> None:
    from rubricator.monitor.windows import spoken_window
    from rubricator.monitor.words import moved_sentence

    titles = {key: title for one in monitoring.references for key, title in one.titles.items()}
    table = figure_table("window from", "model", "predictions", "expected macro-F1", "")
    # Names are long where a terminal is narrow.
    table.columns[1].no_wrap = table.columns[4].no_wrap = False
    for one in found.judged:
        table.add_row(
            f"{one.start:%Y-%m-%d %H:%M}",
            escape(one.model),
            f"{one.rows:,}",
            _f1(one),
            _STATES[one.state],
        )
    if found.judged:
        out.print(table)
    else:
        out.print("No window is over that was not judged before; `monitor.window` says how long one is.")
    for one in found.judged:
        if one.moved:
            said = moved_sentence(one.moved, titles)
            out.print(f"{spoken_window(one.start, one.end)}: {escape(said)}", soft_wrap=True)
    for alert in found.opened:
        out.print(f"\n[bold red]Alert {alert.id}[/] {escape(alert.about['what'])}", soft_wrap=True)
        if alert.about["cause"]:
            out.print(escape(alert.about["cause"]), soft_wrap=True)
    if found.held:
        out.print(f"{found.held} alerts are sent after the quiet hours.")
    for problem in found.unsent.values():
        err.print(f"[yellow]{escape(problem)}[/]", soft_wrap=True)
    for note in found.notes:
        out.print(escape(note), soft_wrap=True)


_STATES = {"quiet": "quiet", "alarm": "[bold red]alarm[/]", "few": "too few", "unknown": "no reference"}


def _f1(one: Judged) -> str:
    if one.performance is None:
        return ""
    return estimate_cell((one.performance.corrected or one.performance.shifted).macro)
