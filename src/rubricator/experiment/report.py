"""What an experiment says as of a moment: whom it reached, whether it can be believed, and what it found."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from rubricator.errors import DataError
from rubricator.experiment.estimates import Effect, Sums, sample_ratio_p
from rubricator.experiment.events import Events, stored_exposures, stored_outcomes
from rubricator.experiment.plan import ARMS, Guardrail, Metric, Plan
from rubricator.experiment.started import Started, read_events, started_experiment
from rubricator.experiment.units import Units, count_units
from rubricator.pages.formatting import series
from rubricator.stats.bootstrap import Estimate
from rubricator.stats.sequential import always_valid_p, always_valid_width
from rubricator.stats.significance import holm
from rubricator.store import Store

if TYPE_CHECKING:
    import polars as pl

MISMATCH = 0.001
"""Below this p-value of the arms' sizes nothing is concluded (Fabijan et al., KDD 2019)."""
LEAST_UNITS = 100
"""Per arm, below which the normal distribution says little."""
_DAY = 86_400.0
_DUE = 5  # outcomes: that none of so many has come is chance once in 150 times
_MOST_LOOKS = 60
_MOST_SEGMENTS = 12
_NOTHING = Estimate(None)
Role = Literal["goal", "metric", "guardrail"]
Verdict = Literal["better", "worse", "open", "within", "harmed", "unmeasured"]


class NobodyExposedError(DataError):
    """There is nothing to report yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One metric.

    Attributes:
        control: The metric there; so is `treatment`. None where it cannot be measured yet.
        difference: Treatment less control, with its always-valid interval.
        relative: The same relative to control; undefined where a metric is not above 0.
        fixed_p: Of one test at this moment. It would be right only if nobody had looked before.
        p_value: That holds at every look.
        corrected_p: The same, corrected for the other metrics (Holm); the goal stands alone.
        deviation: Standard deviation from unit to unit: what the plan of another experiment asks for.
        verdict: `better` or `worse`: the interval leaves zero out; of a guardrail `within` its limit, or
            `harmed` beyond it; `open` where the interval does not tell; `unmeasured`.
    """

    metric: Metric
    role: Role
    control: float | None = None
    treatment: float | None = None
    difference: Estimate = _NOTHING
    relative: Estimate = _NOTHING
    fixed_p: float | None = None
    p_value: float | None = None
    corrected_p: float | None = None
    deviation: float | None = None
    verdict: Verdict = "unmeasured"


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """The goal after a day.

    Attributes:
        at: Seconds since 1970.
        relative: Change relative to control, or where that is undefined None.
        difference: Treatment less control, with its always-valid interval.
        p_value: The smallest of the looks so far.
    """

    at: float
    control: int
    treatment: int
    relative: Estimate
    difference: Estimate
    p_value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """The goal among units of one kind; a place to look, not to conclude.

    Attributes:
        units: Those whose window is over, of both arms.
        relative: With an interval that is corrected for the number of segments (Bonferroni).
    """

    column: str
    value: str
    units: int
    relative: Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class ExperimentReport:
    """What an experiment says.

    Attributes:
        exposed: Units by arm; `complete` those whose window is over, on whom all figures stand.
        mismatch_p: How often so uneven arms come about by chance; below 0.001 nothing is concluded.
        decided: Seconds since 1970 at the first look whose interval left zero out; None if none did.
        reached: Share of the planned units.
        days_left: Until the planned size at the rate so far; None where nobody comes.
        faults: Events that do not count, by reason; `outcome_faults` those of them that are outcomes.
        counted: Outcomes that count, by name.
        others: Outcomes of names that no metric of the plan reads, by name.
        models: What answered each arm, with the number of units.
        lost: Exposures that the service could not keep.
    """

    plan: Plan
    frozen: float
    started: float
    stopped: float | None
    now: float
    exposed: Mapping[str, int]
    complete: Mapping[str, int]
    mismatch_p: float
    goal: Result
    metrics: tuple[Result, ...]
    guardrails: tuple[Result, ...]
    looks: tuple[Look, ...]
    segments: tuple[Segment, ...]
    decided: float | None
    reached: float
    days_left: float | None
    faults: Mapping[str, int]
    outcome_faults: Mapping[str, int]
    counted: Mapping[str, int]
    others: Mapping[str, int]
    models: Mapping[str, Mapping[str, int]]
    lost: int = 0
    note: str = ""

    @property
    def mismatch(self) -> bool:
        """Whether the arms' sizes cannot be chance: then something sorts units, and no difference counts."""
        return self.mismatch_p < MISMATCH

    @property
    def without_outcome(self) -> bool:
        """Whether no outcome of the goal counts, though some came or several are due by now."""
        goal, units = self.plan.goal, sum(self.complete.values())
        if self.counted.get(goal.event):
            return False
        due = units * goal.baseline if goal.kind == "proportion" else units / LEAST_UNITS
        return due >= _DUE or bool((self.dropped or self.others) and not self.counted)

    @property
    def dropped(self) -> dict[str, int]:
        """Outcomes that do not count, by reason, but for those that are there already."""
        return {reason: times for reason, times in self.outcome_faults.items() if reason != "sent again"}

    @property
    def early(self) -> bool:
        """Whether there are too few units for any interval."""
        return min(self.complete.values()) < LEAST_UNITS or self.goal.control is None


def report_experiment(
    store: Store,
    plan: Plan,
    *,
    exposures: Sequence[Events] = (),
    outcomes: Sequence[Events] = (),
    units: pl.DataFrame | None = None,
    now: float | None = None,
) -> ExperimentReport:
    """Report on a started experiment, from its store and from files (`read_exposures`, `read_outcomes`).

    Args:
        store: Where it was started.
        plan: As it was frozen; a changed one is refused.
        exposures: Beside those that the service kept.
        outcomes: Beside those that the service took.
        units: Covariates and segments (`read_units`).
        now: As of when; as of now where it is None.

    Raises:
        DataError: It was not started, or the plan was changed.
        NobodyExposedError: Nobody was exposed yet.
        MissingExtraError: tea-tasting is not installed.
        StoreError: The database refused.
    """
    started = started_experiment(store, plan)
    stored = stored_outcomes(store, plan.events, since=started.started - _DAY, known=read_events(store))
    return report(
        started,
        [stored_exposures(store, plan.name), *exposures],
        [stored, *outcomes],
        units=units,
        now=now,
    )


def report(
    started: Started,
    exposures: Sequence[Events],
    outcomes: Sequence[Events],
    *,
    units: pl.DataFrame | None = None,
    now: float | None = None,
) -> ExperimentReport:
    """Report on events that were read; see `report_experiment`."""
    now = time.time() if now is None else now
    plan, counted = started.plan, count_units(started, exposures, outcomes, now=now, table=units)
    if not sum(counted.exposed.values()):
        left_out = series([f"{times:,} {reason}" for reason, times in counted.faults.items()])
        raise NobodyExposedError(
            f"Nobody was exposed to '{plan.name}'{'; it was stopped' if started.stopped else ' yet'}."
            + (f" Left out: {left_out}." if left_out else ""),
            fix="Serve with --experiment and send whom an answer is for as X-Split-Key, or name a file of "
            "--exposures.",
        )
    at = _look_times(started, counted.frame, now)
    goal, looks = _goal(plan, Sums(plan.goal, counted.frame, at), at)
    metrics = tuple(_result(plan, one, "metric", counted.frame, at) for one in plan.metrics)
    corrected = holm([one.p_value for one in metrics])
    complete: dict[str, int] = {arm: int((counted.frame["arm"] == arm).sum()) for arm in ARMS}
    return ExperimentReport(
        plan=plan,
        frozen=started.frozen,
        started=started.started,
        stopped=started.stopped,
        now=now,
        exposed=counted.exposed,
        complete=complete,
        mismatch_p=sample_ratio_p(*(counted.exposed[arm] for arm in ARMS), share=plan.share),
        goal=goal,
        metrics=tuple(_corrected(plan, one, p) for one, p in zip(metrics, corrected, strict=True)),
        guardrails=tuple(_result(plan, one, "guardrail", counted.frame, at) for one in plan.guardrails),
        looks=looks,
        segments=tuple(_segments(plan, counted.frame, at[-1])),
        decided=next((look.at for look in looks if look.p_value <= 1 - plan.confidence), None),
        reached=sum(complete.values()) / _planned(plan),
        days_left=_days_left(started, counted, now),
        faults=dict(counted.faults),
        outcome_faults=dict(counted.outcome_faults),
        counted=dict(counted.counted),
        others=dict(counted.others),
        models=counted.models,
        lost=started.lost,
        note=started.note,
    )


def _look_times(started: Started, frame: pl.DataFrame, now: float) -> list[float]:
    """Once a day while units become complete, and now; evenly fewer where there were very many days."""
    last = min(now, float(frame["complete"].max() or now)) if frame.height else now  # type: ignore[arg-type]
    days = max(0, math.ceil((last - started.started) / _DAY) - 1)
    every = math.ceil((days + 1) / _MOST_LOOKS)
    return [started.started + day * _DAY for day in range(every, days + 1, every)] + [max(last, now)]


def _goal(plan: Plan, sums: Sums, at: Sequence[float]) -> tuple[Result, tuple[Look, ...]]:
    looks: list[Look] = []
    smallest = 1.0
    for look, moment in enumerate(at):
        effect = _enough(sums, look)
        if effect is None:
            continue
        width = _width(plan, sums, look)
        smallest = min(smallest, _p_value(plan, sums, look, effect))
        looks.append(
            Look(
                at=moment,
                control=sums.count("control", look),
                treatment=sums.count("treatment", look),
                relative=effect.relative(width),
                difference=effect.absolute(width),
                p_value=smallest,
            )
        )
    result = _judged(plan, plan.goal, "goal", sums, smallest)
    return result, tuple(looks)


def _result(plan: Plan, metric: Metric, role: Role, frame: pl.DataFrame, at: Sequence[float]) -> Result:
    sums = Sums(metric, frame, at)
    effects = [(look, _enough(sums, look)) for look in range(len(at))]
    smallest = min((_p_value(plan, sums, look, one) for look, one in effects if one is not None), default=1.0)
    return _judged(plan, metric, role, sums, smallest)


def _judged(plan: Plan, metric: Metric, role: Role, sums: Sums, p_value: float) -> Result:
    effect = _enough(sums, -1)
    if effect is None:
        return Result(metric=metric, role=role)
    width = _width(plan, sums, -1)
    return Result(
        metric=metric,
        role=role,
        control=effect.control,
        treatment=effect.treatment,
        difference=effect.absolute(width),
        relative=effect.relative(width),
        fixed_p=effect.fixed_p,
        p_value=p_value,
        deviation=effect.deviation,
        verdict=_verdict(metric, effect, width, significant=p_value <= 1 - plan.confidence),
    )


def _verdict(metric: Metric, effect: Effect, width: float, *, significant: bool) -> Verdict:
    sign = 1 if metric.direction == "up" else -1
    if not isinstance(metric, Guardrail):
        return ("better" if sign * effect.difference > 0 else "worse") if significant else "open"
    change = effect.relative(width)
    if change.low is None or change.high is None:
        return "open"
    worst, best = (change.low, change.high) if sign > 0 else (-change.high, -change.low)
    if best < -metric.worst:
        return "harmed"
    return "within" if worst > -metric.worst else "open"


def _corrected(plan: Plan, result: Result, p_value: float | None) -> Result:
    open_ = p_value is None or p_value > 1 - plan.confidence
    verdict: Verdict = "open" if open_ and result.verdict in ("better", "worse") else result.verdict
    return replace(result, corrected_p=p_value, verdict=verdict)


def _segments(plan: Plan, frame: pl.DataFrame, now: float) -> Iterator[Segment]:
    import polars as pl

    for column in plan.segments:
        counts = frame.filter(pl.col(column) != "")[column].value_counts()
        values = counts.sort("count", column, descending=[True, False])[column].head(_MOST_SEGMENTS).to_list()
        confidence = 1 - (1 - plan.confidence) / max(1, len(values))
        for value in values:
            rows = frame.filter(pl.col(column) == value)
            effect = _enough(Sums(plan.goal, rows, [now]), 0)
            planned = _planned(plan) * rows.height / frame.height
            width = always_valid_width(rows.height, planned=planned, confidence=confidence)
            yield Segment(
                column=column,
                value=value,
                units=rows.height,
                relative=_NOTHING if effect is None else effect.relative(float(width)),
            )


def _enough(sums: Sums, look: int) -> Effect | None:
    few = min(sums.count(arm, look) for arm in ARMS) < LEAST_UNITS
    return None if few else sums.effect(look)


def _width(plan: Plan, sums: Sums, look: int) -> float:
    """In standard errors. Time is counted in units, so that it does not depend on what they do."""
    units = sum(sums.count(arm, look) for arm in ARMS)
    return float(always_valid_width(units, planned=_planned(plan), confidence=plan.confidence))


def _p_value(plan: Plan, sums: Sums, look: int, effect: Effect) -> float:
    units = np.array([sum(sums.count(arm, look) for arm in ARMS)])
    return float(
        always_valid_p(np.array([effect.z]), units, planned=_planned(plan), confidence=plan.confidence)[0]
    )


def _planned(plan: Plan) -> int:
    assert plan.size is not None
    return plan.size.control + plan.size.treatment


def _days_left(started: Started, counted: Units, now: float) -> float | None:
    """At the rate of new units so far; their windows come on top."""
    if started.stopped is not None:
        return 0.0
    so_far = sum(counted.exposed.values())
    missing = max(0, _planned(started.plan) - so_far)
    elapsed = max(now - started.started, 1.0)
    return missing / so_far * elapsed / _DAY + started.plan.window_hours / 24 if missing else 0.0
