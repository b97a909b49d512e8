"""What to do, in sentences that somebody can act on who has read nothing else."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Literal

from rubricator.errors import plural
from rubricator.experiment.plan import Arm
from rubricator.experiment.report import LEAST_UNITS, ExperimentReport, Result
from rubricator.experiment.uncounted import why_none
from rubricator.pages.formatting import NONE, series
from rubricator.stats.bootstrap import Estimate

Decision = Literal[
    "invalid", "no outcome", "early", "go on", "adopt", "keep", "no worth", "open", "fault", "sound"
]


def decision(report: ExperimentReport) -> Decision:
    """What the figures come down to."""
    if report.mismatch:
        return "invalid"
    if report.without_outcome:
        return "no outcome"
    if report.early:
        return "early"
    if report.plan.mode == "aa":
        return "fault" if report.decided is not None else "sound"
    return _of_goal(report)


def conclusion(report: ExperimentReport) -> str:
    """One or two sentences: what was found, and what follows."""
    goal, plan = report.goal, report.plan
    name = f"“{goal.metric.name}”"
    match decision(report):
        case "invalid":
            got = " and ".join(f"{report.exposed[arm]:,}" for arm in report.exposed)
            wanted = f"{1 - plan.share:.0%} and {plan.share:.0%}"
            return (
                f"No conclusion: control and treatment got {got} {plan.unit}s where {wanted} of them were "
                f"planned, which chance does once in {_odds(report.mismatch_p)}. Something sorts the "
                f"{plan.unit}s; find it, then start anew."
            )
        case "no outcome":
            return f"Nothing can be concluded: {why_none(report)}"
        case "early":
            few, then = ("early", " Go on.") if report.stopped is None else ("few", "")
            return (
                f"Too {few} to say anything: {_complete(report)} {plan.unit}s whose window is over, and "
                f"{LEAST_UNITS} per arm at least are needed, some of them with the outcome.{then}"
            )
        case "fault":
            return (
                f"Both arms have the same model, yet {name} differs by {_change(goal)}: the way from "
                "exposure to outcome treats the arms differently. Find the fault before any real experiment."
            )
        case "sound":
            return (
                f"Both arms have the same model, and {name} does not differ ({_change(goal)}): the "
                "set-up is sound so far."
            )
        case _:
            return _on_goal(report, name)


def _on_goal(report: ExperimentReport, name: str) -> str:
    goal, control, treatment = report.goal, _arm(report, "control"), _arm(report, "treatment")
    match decision(report):
        case "adopt":
            return (
                f"Adopt {treatment}: {name} changes by {_change(goal)}, for the better{_since(report)}."
                f"{_guarded(report)}"
            )
        case "keep":
            harmed = [
                f"“{one.metric.name}” ({_change(one)})"
                for one in report.guardrails
                if one.verdict == "harmed"
            ]
            if harmed:
                return (
                    f"Keep {control}: the treatment harms {series(harmed)}, more than the plan puts up with."
                    f"{_beside(report)}"
                )
            return f"Keep {control}: the treatment makes {name} worse, by {_change(goal)}{_since(report)}."
        case "no worth":
            return (
                f"Keep {control}: whatever the treatment does to {name} ({_change(goal)}), it is less than "
                f"the {_percent(report.plan.goal.smallest_change, signed=False)} that would be worth having."
            )
        case "open":
            return (
                f"Not shown: {name} changes by {_change(goal)}, which may be chance. {progress(report)} Keep "
                "control, or plan a larger experiment."
            )
        case _:
            return f"Go on: {name} changes by {_change(goal)} so far, which may be chance. {progress(report)}"


def progress(report: ExperimentReport) -> str:
    """How far it is, and how long it still takes."""
    if report.stopped is not None:
        share = f"{report.reached:.0%} of the planned {report.plan.unit}s"
        return f"It was stopped on {day(report.stopped)} with {share}."
    days = round(report.days_left or 0) or 1
    left = f"; {plural(days, 'day')} left at this rate" if report.days_left else ""
    return f"{min(report.reached, 9.99):.0%} of the planned {report.plan.unit}s are complete{left}."


def may_stop(report: ExperimentReport) -> bool:
    """Whether another day would change nothing that the plan asks."""
    undecided = decision(report) in ("no outcome", "early", "go on", "sound")
    return not undecided or report.reached >= 1 or report.stopped is not None


def day(moment: float) -> str:
    """A moment as a date in UTC."""
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d")


def _arm(report: ExperimentReport, arm: Arm) -> str:
    """An arm with the model that answered it, where it was one: `the treatment (news@3)`."""
    models = report.models[arm]
    name = "the treatment" if arm == "treatment" else arm
    return f"{name} ({next(iter(models))})" if len(models) == 1 else name


def _of_goal(report: ExperimentReport) -> Decision:
    if report.goal.verdict == "worse" or any(one.verdict == "harmed" for one in report.guardrails):
        return "keep"
    if report.goal.verdict == "better":
        return "adopt"
    if _too_small(report):
        return "no worth"
    return "open" if report.reached >= 1 or report.stopped is not None else "go on"


def _too_small(report: ExperimentReport) -> bool:
    change, goal = report.goal.relative, report.plan.goal
    best = change.high if goal.direction == "up" else None if change.low is None else -change.low
    return best is not None and best < goal.smallest_change


def _guarded(report: ExperimentReport) -> str:
    open_ = [f"“{one.metric.name}”" for one in report.guardrails if one.verdict in ("open", "unmeasured")]
    if not report.guardrails:
        return ""
    return f" Not yet shown unharmed: {series(open_)}." if open_ else " No guardrail is harmed."


def _beside(report: ExperimentReport) -> str:
    goal = report.goal
    better = f" It does improve “{goal.metric.name}” by {_change(goal)}."
    return better if goal.verdict == "better" else ""


def _since(report: ExperimentReport) -> str:
    assert report.decided is not None
    return f", beyond chance since {day(report.decided)}"


def _complete(report: ExperimentReport) -> str:
    return " and ".join(f"{units:,}" for units in report.complete.values())


def _change(result: Result) -> str:
    """`+12% (+4% to +21%)`, or in the metric's own unit where no ratio is defined."""
    if result.relative.value is not None:
        return change(result.relative)
    value, low, high = result.difference.value, result.difference.low, result.difference.high
    return f"{value:+.4g} ({low:+.4g} to {high:+.4g})" if value is not None else "an unknown amount"


def change(estimate: Estimate) -> str:
    """A relative change with its interval, `+12% (+4% to +21%)`; a dash where there is none."""
    if estimate.value is None or estimate.low is None or estimate.high is None:
        return NONE
    return f"{_percent(estimate.value)} ({_percent(estimate.low)} to {_percent(estimate.high)})"


def chance(p_value: float | None) -> str:
    """`0.031`, `<0.001`, or a dash."""
    if p_value is None:
        return NONE
    return "<0.001" if p_value < 0.001 else f"{p_value:.3f}"


def _percent(share: float, *, signed: bool = True) -> str:
    digits = 0 if abs(share) >= 0.0995 else 1
    if share >= 10:
        return "more than tenfold"
    return f"{share:{'+' if signed else ''}.{digits}%}"


def _odds(p_value: float) -> str:
    return f"{1 / p_value:,.0f} times" if p_value > 1e-9 else "more than a billion times"
