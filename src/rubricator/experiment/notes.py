"""What whoever reads a report should know of its data."""

from __future__ import annotations

from collections.abc import Iterator

from rubricator.errors import plural
from rubricator.experiment.conclusion import day, may_stop
from rubricator.experiment.report import ExperimentReport
from rubricator.experiment.uncounted import unread
from rubricator.pages.formatting import series

_WEEK = 7 * 86_400.0


def notes(report: ExperimentReport) -> list[str]:
    """Cautions, the gravest first."""
    unit = report.plan.unit
    said = []
    if report.faults.get("units in both arms"):
        count = plural(report.faults["units in both arms"], unit)
        said.append(f"{count} in both arms, left out: something gives one {unit} two keys over time.")
    if report.lost:
        said.append(
            f"{plural(report.lost, 'exposure')} could not be kept by the service: the database was away."
        )
    said += _of_models(report)
    if report.frozen > report.started + 60:
        said.append(f"The plan was frozen on {day(report.frozen)}, after the start on {day(report.started)}.")
    if may_stop(report) and (report.stopped or report.now) - report.started < _WEEK:
        said.append("It ran for less than a week: weekdays and weekends may differ.")
    others = {reason: times for reason, times in report.faults.items() if reason != "units in both arms"}
    if others:
        counted = series(
            [f"{times:,} {reason}" for reason, times in sorted(others.items(), key=lambda one: -one[1])]
        )
        said.append(f"Events that do not count: {counted}.")
    if report.others:
        said.append(f"Outcomes that count nowhere: {unread(report)}.")
    if report.note:
        said.append(f"Stopped with the note: {report.note}")
    return said


def _of_models(report: ExperimentReport) -> Iterator[str]:
    for arm, models in report.models.items():
        if len(models) > 1:
            yield f"{arm.capitalize()} was answered by several models: {series(list(models))}."
    if report.plan.mode == "ab" and (both := sorted(set.intersection(*map(set, report.models.values())))):
        yield f"Both arms were answered by {series(both)}: these answers compare nothing."
