"""Experiments in the terminal."""

from __future__ import annotations

from rich.markup import escape

from rubricator.cli.console import figure_table, out
from rubricator.errors import plural
from rubricator.experiment.conclusion import chance, change, conclusion, day, may_stop, progress
from rubricator.experiment.notes import notes
from rubricator.experiment.plan import ARMS, Plan
from rubricator.experiment.report import ExperimentReport, Result
from rubricator.experiment.size import PlannedSize
from rubricator.pages.formatting import NONE


def show_plan(plan: Plan, size: PlannedSize) -> None:
    """What a plan takes, and what it would find."""
    goal = plan.goal
    out.print(
        f"[bold]{escape(plan.name)}[/]: {escape(goal.name)} ({goal.kind}) {goal.baseline:.6g} → "
        f"{goal.target:.6g}, found {plan.power:.0%} of the time."
    )
    out.print(
        f"One look at the end: {size.fixed:,} {plan.unit}s per arm. A look every day: {size.control:,} "
        f"control + {size.treatment:,} treatment ({size.factor:.2f} times as many), "
        f"{plural(size.days, 'day')}."
    )
    table = figure_table("true change", "found", "stops on average after", "by one look at the end")
    way = 1 if goal.direction == "up" else -1
    for point in size.curve:
        days = point.stops * size.days
        table.add_row(
            f"{way * point.change:+.1%}", f"{point.sequential:.0%}", f"{days:,.0f} days", f"{point.fixed:.0%}"
        )
    out.print(table)
    if size.days < 7:
        out.print("[yellow]![/] Less than a week: weekdays and weekends differ; let it run for whole weeks.")


def show_status(report: ExperimentReport) -> None:
    """How far an experiment is."""
    table = figure_table("arm", f"{report.plan.unit}s exposed", "window over", "planned", "models")
    size = report.plan.size
    assert size is not None
    for arm, planned in zip(ARMS, (size.control, size.treatment), strict=True):
        models = ", ".join(escape(model) for model in report.models[arm]) or NONE
        table.add_row(arm, f"{report.exposed[arm]:,}", f"{report.complete[arm]:,}", f"{planned:,}", models)
    out.print(table)
    verdict = "[red]mismatch[/]" if report.mismatch else "as planned"
    out.print(f"Sizes of the arms: {verdict} (p = {report.mismatch_p:.3g}).")
    out.print(escape(progress(report)))
    out.print("It may stop." if may_stop(report) else "It may not stop yet.")
    _show_notes(report)


def show_report(report: ExperimentReport) -> None:
    """What an experiment found."""
    out.print(f"[bold]{escape(conclusion(report))}[/]\n", soft_wrap=True)
    if not report.mismatch:
        table = figure_table("metric", "control", "treatment", "change", "p", "")
        for column in (0, 3, 5):  # names, intervals and verdicts are long where a terminal is narrow
            table.columns[column].no_wrap = False
        table.columns[0].min_width = 12
        for result in (report.goal, *report.metrics, *report.guardrails):
            table.add_row(*_row(result))
        out.print(table)
        for segment in report.segments:
            out.print(
                f"{escape(segment.column)} = {escape(segment.value)}: {change(segment.relative)}, "
                f"{segment.units:,} {report.plan.unit}s"
            )
    out.print(
        f"{report.complete['control']:,} control and {report.complete['treatment']:,} treatment, "
        f"since {day(report.started)}. Sizes of the arms: p = {report.mismatch_p:.3g}."
    )
    _show_notes(report)


def _row(result: Result) -> tuple[str, ...]:
    name = escape(result.metric.name) + (" (goal)" if result.role == "goal" else "")
    if result.control is None or result.treatment is None:
        return name, NONE, NONE, NONE, NONE, "not measured"
    p_value = result.p_value if result.corrected_p is None else result.corrected_p
    told = {"open": "may be chance"}.get(result.verdict, result.verdict)
    if result.role == "guardrail":
        told = {"within": "within limit", "open": "not clear"}.get(result.verdict, result.verdict)
    values = f"{result.control:.4g}", f"{result.treatment:.4g}"
    interval = change(result.relative).replace(" (", "\n(")  # below its figure, as in other tables
    return name, *values, interval, chance(p_value), told


def _show_notes(report: ExperimentReport) -> None:
    for note in notes(report):
        out.print(f"[yellow]![/] {escape(note)}", soft_wrap=True)
