"""Experiments that were started: the frozen plan, its buckets, and when it began and ended."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from rubricator.errors import DataError
from rubricator.experiment.assignment import Assignment, Ranges, allocate
from rubricator.experiment.plan import Plan, make_plan
from rubricator.experiment.size import sized
from rubricator.store import Store
from rubricator.store.tables import EXPERIMENTS

DEFAULT_STORE = "experiments.sqlite"
_MOST_DIFFERENCES = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """An experiment as the store has it.

    Attributes:
        plan: As it was frozen, with its size.
        buckets: Of the layer, that it was given.
        frozen: When the plan was, in seconds since 1970; so are the next two.
        started: Since when exposures count.
        stopped: None while it runs.
        note: Why it was stopped.
        lost: Exposures that the service could not keep.
    """

    plan: Plan
    buckets: Ranges
    frozen: float
    started: float
    stopped: float | None = None
    note: str = ""
    lost: int = 0

    @property
    def assignment(self) -> Assignment:
        """How its units are divided."""
        plan = self.plan
        return Assignment(salt=plan.name, layer=plan.layer, buckets=self.buckets, share=plan.share)


def start_experiment(
    store: Store, plan: Plan, *, since: float | None = None, now: float | None = None
) -> Started:
    """Freeze a plan and give it buckets of its layer; one that runs already stays as it is.

    `since` says when it began, where something else divides the units and began before; the report tells it.

    Raises:
        DataError: An experiment of this name had another plan, or was stopped, or the layer is full.
        StoreError: The database refused.
    """
    plan = sized(plan)
    earlier = _find(store, plan.name)
    if earlier is not None:
        _check_unchanged(earlier.plan, plan)
        if earlier.stopped is not None:
            raise DataError(
                f"The experiment '{plan.name}' was stopped; what came later would mix with what came before.",
                fix="Give the new experiment a name of its own.",
            )
        return earlier
    columns = EXPERIMENTS.c
    with store.writing() as connection:
        if connection.dialect.name == "postgresql":  # SQLite has the one lock that `writing` takes
            connection.execute(sa.text("LOCK TABLE experiments IN EXCLUSIVE MODE"))
        running = sa.select(columns.buckets).where(columns.layer == plan.layer, columns.stopped.is_(None))
        taken = [_ranges(buckets) for buckets in connection.scalars(running)]
        now = time.time() if now is None else now
        started = Started(
            plan=plan,
            buckets=allocate(plan.layer_share, taken, layer=plan.layer),
            frozen=now,
            started=now if since is None else min(since, now),
        )
        connection.execute(
            EXPERIMENTS.insert().values(
                name=plan.name,
                layer=plan.layer,
                digest=plan.digest,
                plan=plan.model_dump(mode="json"),
                buckets=started.buckets,
                frozen=started.frozen,
                started=started.started,
                note="",
                lost=0,
            )
        )
    return started


def started_experiment(store: Store, plan: Plan) -> Started:
    """The experiment that was started with this plan.

    Raises:
        DataError: It was not started, or the plan was changed since.
        StoreError: The database refused.
    """
    started = _find(store, plan.name)
    if started is None:
        raise DataError(
            f"The experiment '{plan.name}' was not started.",
            fix="`rubricator ab start FILE` freezes its plan; only then is there something to tell.",
        )
    _check_unchanged(started.plan, plan)
    return started


def read_events(store: Store) -> frozenset[str]:
    """Names of the outcomes that any experiment of the store reads.

    Raises:
        StoreError: The database refused.
    """
    with store.reading() as connection:
        plans = [dict(plan) for plan in connection.scalars(sa.select(EXPERIMENTS.c.plan))]
    metrics = [one for plan in plans for one in (plan["goal"], *plan["metrics"], *plan["guardrails"])]
    return frozenset(name for one in metrics for name in (one["event"], one["over"]) if name)


def still_runs(store: Store, name: str) -> bool:
    """Whether an experiment was not stopped yet.

    Raises:
        DataError: The database does not know it.
        StoreError: The database refused.
    """
    columns = EXPERIMENTS.c
    with store.reading() as connection:
        row = connection.execute(sa.select(columns.stopped).where(columns.name == name)).first()
    if row is None:
        raise DataError(f"The database does not know the experiment '{name}'.", fix="Put the right one back.")
    return row.stopped is None


def stop_experiment(store: Store, plan: Plan, *, note: str = "", now: float | None = None) -> Started:
    """End an experiment: nobody is exposed any more and its buckets are free; a second stop changes nothing.

    Raises:
        DataError: As `started_experiment`.
        StoreError: The database refused.
    """
    started = started_experiment(store, plan)
    if started.stopped is None:
        # A clock that was set back must not end an experiment before it began.
        stopped = max(time.time() if now is None else now, started.started)
        with store.writing() as connection:
            connection.execute(
                EXPERIMENTS.update()
                .where(EXPERIMENTS.c.name == plan.name, EXPERIMENTS.c.stopped.is_(None))
                .values(stopped=stopped, note=note)
            )
    return started_experiment(store, plan)


def _find(store: Store, name: str) -> Started | None:
    with store.reading() as connection:
        row = connection.execute(sa.select(EXPERIMENTS).where(EXPERIMENTS.c.name == name)).first()
    if row is None:
        return None
    return Started(
        plan=make_plan(row.plan, where=f"The plan of '{name}' in the database"),
        buckets=_ranges(row.buckets),
        frozen=row.frozen,
        started=row.started,
        stopped=row.stopped,
        note=row.note,
        lost=row.lost,
    )


def _ranges(buckets: Any) -> Ranges:
    return tuple((int(first), int(end)) for first, end in buckets)


def _check_unchanged(frozen: Plan, plan: Plan) -> None:
    """A plan without a size may stand for the frozen one: the size follows from the rest."""
    if plan.size is None:
        plan = plan.model_copy(update={"size": frozen.size})
    differences = frozen.differences(plan)
    if differences:
        more = len(differences) - _MOST_DIFFERENCES
        raise DataError(
            f"The plan of '{frozen.name}' was changed after the start:\n"
            + "\n".join(f"  {one}" for one in differences[:_MOST_DIFFERENCES])
            + (f"\n  and {more} more" if more > 0 else ""),
            fix="Take the changes back, or stop the experiment and start another under a new name.",
        )
