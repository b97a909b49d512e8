"""`rubricator ab`: experiments, planned before they start and told honestly after."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from rubricator.cli.console import err, log_to, out
from rubricator.cli.run import ConfigFile
from rubricator.pages.formatting import percent

if TYPE_CHECKING:
    from rubricator.experiment.plan import Plan
    from rubricator.experiment.report import ExperimentReport
    from rubricator.store import Store

PlanFile = Annotated[Path, typer.Argument(metavar="PLAN", help="The file of the plan.", show_default=False)]
StoreName = Annotated[
    str, typer.Option("--store", metavar="STORE", help="Where experiments are kept: a file or a URL.")
]
Exposures = Annotated[
    list[Path] | None,
    typer.Option(
        "--exposures", metavar="FILE", help="A table with unit, arm, at; beside those of the service."
    ),
]
Outcomes = Annotated[
    list[Path] | None,
    typer.Option(
        "--outcomes",
        metavar="FILE",
        help="A table with unit, event, at, and perhaps value and id; beside those sent to the service.",
    ),
]
Moment = Annotated[
    str | None,
    typer.Option("--at", metavar="TIME", help="As of this moment, not as of now.", show_default=False),
]
_DEFAULT = "experiments.sqlite"

ab = typer.Typer(
    name="ab",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_show_locals=False,
    help="Compare two models on live traffic: planned and frozen before, safe to look at every day.\n\n"
    "`plan` writes down what would be worth having and says what it takes, `start` freezes it, "
    "`rubricator serve --experiment` divides the units, `status` and `report` tell, `stop` ends it.\n\n"
    "Example: `rubricator ab plan clicks.yaml --event click --baseline 0.05 --smallest-change 0.1 "
    "--traffic 4000`, then `rubricator ab start clicks.yaml`",
)


@ab.command("plan")
def plan_experiment(
    path: PlanFile,
    event: Annotated[str | None, typer.Option(help="Outcome that counts, as `click`.")] = None,
    kind: Annotated[
        str, typer.Option(help="Share of units with it (proportion), sum per unit (mean), or ratio.")
    ] = "proportion",
    over: Annotated[str | None, typer.Option(help="Of a ratio: the outcome below the line.")] = None,
    baseline: Annotated[float | None, typer.Option(help="What the metric is today.")] = None,
    deviation: Annotated[
        float | None, typer.Option(help="Of a mean or ratio: standard deviation from unit to unit.")
    ] = None,
    smallest_change: Annotated[
        float | None, typer.Option(help="Smallest relative change worth having, 0.1 for a tenth.")
    ] = None,
    direction: Annotated[str, typer.Option(help="Which way is good: up or down.")] = "up",
    traffic: Annotated[float | None, typer.Option(help="New units a day.")] = None,
    unit: Annotated[str, typer.Option(help="What is divided: user, article or editor.")] = "user",
    share: Annotated[float, typer.Option(help="Of the treatment.")] = 0.5,
    layer: Annotated[str, typer.Option(help="Experiments of one layer share no unit.")] = "default",
    layer_share: Annotated[float, typer.Option(help="Of all units that take part.")] = 1.0,
    window_hours: Annotated[
        float, typer.Option(help="After its first exposure, in which outcomes of a unit count.")
    ] = 24.0,
    power: Annotated[float, typer.Option(help="How often the smallest change shall be found.")] = 0.9,
    goal: Annotated[
        str | None, typer.Option("--goal", help="A goal of the settings, which says all of it.")
    ] = None,
    config: ConfigFile = Path("rubricator.yaml"),
    name: Annotated[str | None, typer.Option(help="Of the experiment; else the file's.")] = None,
    aa: Annotated[
        bool, typer.Option("--aa", help="Give both arms the same model, to try the set-up.")
    ] = False,
    json_: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write the same figures as JSON.")
    ] = None,
) -> None:
    """Write a plan and say how many units and days it takes; of one that is there, only say it.

    `--goal NAME` takes metric, baseline, smallest change, guardrails and traffic from the settings.
    Guardrails, further metrics and segments are added to the file before the start (docs/experiments.md).

    Example: `rubricator ab plan ads.yaml --event click --baseline 0.05 --smallest-change 0.1 --traffic 4000`
    """
    import dataclasses

    from rubricator.cli.ab_tables import show_plan
    from rubricator.dataset.files import save_json
    from rubricator.errors import DataError
    from rubricator.experiment.plan import make_plan, read_plan, write_plan
    from rubricator.experiment.size import planned_size, sized

    given = (event, baseline, traffic, goal)
    if path.exists():
        if any(value is not None for value in given):
            raise DataError(
                f"{path} is there already.", fix="Change it with an editor, or name another file."
            )
        plan = read_plan(path)
    else:
        content: dict[str, Any] = {
            "name": name or path.stem,
            "mode": "aa" if aa else "ab",
            "share": share,
            "layer": layer,
            "layer_share": layer_share,
            "window_hours": window_hours,
            "power": power,
        }
        if goal is not None:
            said = (event, over, baseline, deviation, smallest_change, traffic)
            if any(value is not None for value in said):
                raise DataError(
                    f"The goal '{goal}' says metric, baseline, change and traffic itself.",
                    fix="Leave these options out, or correct the goal in the settings.",
                )
            content |= _of_goal(config, goal)
        else:
            options = {
                "event": event,
                "kind": kind,
                "over": over,
                "baseline": baseline,
                "deviation": deviation,
                "smallest_change": smallest_change,
                "direction": direction,
            }
            _needed(path, event=event, baseline=baseline, smallest_change=smallest_change, traffic=traffic)
            metric = {"name": event, **{key: value for key, value in options.items() if value is not None}}
            content |= {"goal": metric, "unit": unit, "traffic": traffic}
        plan = make_plan(content, where="The plan of these options")
    size, plan = planned_size(plan), sized(plan)
    write_plan(path, plan)
    show_plan(plan, size)
    out.print(
        f"[dim]{escape(str(path))}, digest {plan.digest[:12]}; nothing of it can change after the start.[/]"
    )
    if json_ is not None:
        figures = {"plan": plan.model_dump(mode="json"), "digest": plan.digest, **dataclasses.asdict(size)}
        save_json(json_, figures)


@ab.command("start")
def start(
    path: PlanFile,
    store: StoreName = _DEFAULT,
    since: Annotated[
        str | None,
        typer.Option(
            metavar="TIME",
            help="It began then: something else divides the units. The report tells of it.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Freeze a plan: from now on it cannot be changed, and the experiment has its part of the units.

    Example: `rubricator ab start clicks.yaml`
    """
    from rubricator.experiment.assignment import BUCKETS
    from rubricator.experiment.plan import read_plan
    from rubricator.experiment.started import start_experiment

    plan = read_plan(path)
    with _opened(store, new=True) as opened:
        started = start_experiment(opened, plan, since=None if since is None else _moment(since))
    share = sum(end - first for first, end in started.buckets) / BUCKETS
    out.print(
        f"[bold]{escape(plan.name)}[/] runs since {_shown(started.started)} with {percent(share)} of the "
        f"units in layer '{escape(plan.layer)}'; its plan is frozen ({started.plan.digest[:12]})."
    )
    out.print(f"Serve it:  rubricator serve ARTIFACT --challenger OTHER --experiment {escape(str(path))}")
    out.print(f"See it:    rubricator ab status {escape(str(path))}")


@ab.command("status")
def status(
    path: PlanFile,
    store: StoreName = _DEFAULT,
    exposures: Exposures = None,
    outcomes: Outcomes = None,
    at: Moment = None,
    json_: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write the same figures as JSON.")
    ] = None,
) -> None:
    """Show whom it reached, whether the arms are as planned, how long it takes, whether it may stop.

    Example: `rubricator ab status clicks.yaml`
    """
    from rubricator.cli.ab_tables import show_status
    from rubricator.experiment.page import write_report_json
    from rubricator.experiment.plan import read_plan
    from rubricator.experiment.report import NobodyExposedError

    plan = read_plan(path)
    with _opened(store) as opened:
        try:
            report = _report(opened, plan, exposures, outcomes, None, at)
        except NobodyExposedError as error:
            out.print(f"{escape(error.problem)}\n{escape(error.fix)}")
            return
    show_status(report)
    if json_ is not None:
        write_report_json(json_, report)


@ab.command("report")
def report_(
    path: PlanFile,
    store: StoreName = _DEFAULT,
    exposures: Exposures = None,
    outcomes: Outcomes = None,
    units: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="A table with unit and the columns the plan names: covariates, segments."
        ),
    ] = None,
    at: Moment = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="FILE", help="The page; else PLAN.html.")
    ] = None,
    json_: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write the same figures as JSON.")
    ] = None,
) -> None:
    """Tell what the experiment found, as a page with plots, in the terminal and as JSON.

    Example: `rubricator ab report clicks.yaml --outcomes outcomes.csv -o clicks.html`
    """
    from rubricator.cli.ab_tables import show_report
    from rubricator.experiment.page import write_report, write_report_json
    from rubricator.experiment.plan import read_plan

    plan = read_plan(path)
    page = output or path.with_suffix(".html")
    _no_folder(page)
    with _opened(store) as opened:
        report = _report(opened, plan, exposures, outcomes, units, at)
    write_report(page, report)
    if json_ is not None:
        write_report_json(json_, report)
    show_report(report)
    if units is None and (plan.segments or any(metric.covariate for metric in plan.all_metrics)):
        err.print(
            "[yellow]![/] Without --units there are no segments, and no covariate makes intervals narrower."
        )
    out.print(f"Page  {escape(str(page))}")


@ab.command("stop")
def stop(
    path: PlanFile,
    store: StoreName = _DEFAULT,
    note: Annotated[str, typer.Option(help="Why; it goes into the report.", show_default=False)] = "",
) -> None:
    """End it: the champion answers everybody again within a second or two, and its units are free.

    Example: `rubricator ab stop clicks.yaml --note "adopted"`
    """
    from rubricator.experiment.plan import read_plan
    from rubricator.experiment.started import stop_experiment

    with _opened(store) as opened:
        started = stop_experiment(opened, read_plan(path), note=note)
    assert started.stopped is not None
    out.print(f"[bold]{escape(started.plan.name)}[/] ended {_shown(started.stopped)}.")


def _report(
    store: Store,
    plan: Plan,
    exposures: list[Path] | None,
    outcomes: list[Path] | None,
    units: Path | None,
    at: str | None,
) -> ExperimentReport:
    from rubricator.experiment.events import read_exposures, read_outcomes
    from rubricator.experiment.report import report_experiment
    from rubricator.experiment.units import read_units

    return report_experiment(
        store,
        plan,
        exposures=[read_exposures(file) for file in exposures or []],
        outcomes=[read_outcomes(file) for file in outcomes or []],
        units=None if units is None else read_units(units, plan),
        now=None if at is None else _moment(at),
    )


@contextmanager
def _opened(store: str, *, new: bool = False) -> Iterator[Store]:
    from rubricator.store import Store

    with log_to(None):
        if new:
            opened = Store.open(store, named="--store")
        else:
            fix = "`rubricator ab start PLAN` makes it; --store names another."
            opened = Store.open_existing(store, named="--store", fix=fix)
        with opened:
            yield opened


def _no_folder(page: Path) -> None:
    from rubricator.errors import DataError

    if page.is_dir():
        raise DataError(
            f"{page} is a folder, and -o names the page itself.", fix=f"Write `-o {page / 'report.html'}`."
        )


def _of_goal(config: Path, name: str) -> dict[str, Any]:
    from rubricator.config import read_config
    from rubricator.errors import ConfigError, nearest
    from rubricator.experiment.goals import plan_content

    goals = {goal.name: goal for goal in read_config(config).goals}
    if name not in goals:
        raise ConfigError(
            f"{config} has no goal '{name}'{nearest(name, goals)}.",
            fix=f"Its goals: {', '.join(goals) or 'none; `rubricator goals --templates` shows three'}.",
        )
    return plan_content(goals[name])


def _needed(path: Path, **options: object) -> None:
    from rubricator.errors import DataError

    missing = [f"--{name.replace('_', '-')}" for name, value in options.items() if value is None]
    if missing:
        raise DataError(
            f"There is no plan {path} yet, and to write one {', '.join(missing)} must be told.",
            fix="For example `rubricator ab plan clicks.yaml --event click --baseline 0.05 "
            "--smallest-change 0.1 --traffic 4000`.",
        )


def _moment(written: str) -> float:
    from rubricator.errors import DataError
    from rubricator.times import parse_time

    moment = parse_time(written)
    if moment is None:
        raise DataError(
            f"'{written}' is no time.", fix="Write for example 2026-03-01 or 2026-03-01T12:00:00Z."
        )
    if moment.timestamp() > datetime.now(UTC).timestamp():
        raise DataError(f"{written} is still to come.", fix="Name a time that is over.")
    return moment.timestamp()


def _shown(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d %H:%M UTC")
