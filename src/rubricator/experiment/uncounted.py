"""Outcomes that count nowhere, and why, in words."""

from __future__ import annotations

from collections.abc import Mapping

from rubricator.errors import nearest, plural
from rubricator.experiment.report import ExperimentReport
from rubricator.pages.formatting import series

_MOST_NAMES = 5


def why_none(report: ExperimentReport) -> str:
    """Why no outcome of the goal counts."""
    goal = report.plan.goal
    reasons = [f"{times:,} {reason}" for reason, times in _most_first(report.dropped)]
    if other := sum(report.counted.values()):
        reasons.append(f"{other:,} of other metrics ({', '.join(sorted(report.counted))})")
    if report.others:
        reasons.append(unread(report))
    called = f"“{goal.event}”" + (f" of “{goal.name}”" if goal.name != goal.event else "")
    if not reasons:
        return (
            f"no outcome {called} has come. Send them to /v1/outcomes of the service, or name a file with "
            "--outcomes."
        )
    return f"no outcome {called} counts; those that came are {series(reasons)}. Mend what sends them."


def unread(report: ExperimentReport) -> str:
    """Outcomes that no metric reads, the most frequent names first."""
    names = _most_first(report.others)
    shown = [f"{times:,} {name}{nearest(name, report.plan.events)}" for name, times in names[:_MOST_NAMES]]
    if len(names) > _MOST_NAMES:
        shown.append(plural(len(names) - _MOST_NAMES, "other name"))
    total = sum(report.others.values())
    return f"{total:,} of names that no metric of the plan reads ({', '.join(shown)})"


def _most_first(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda one: (-one[1], one[0]))
