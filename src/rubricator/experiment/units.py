"""From exposures and outcomes to what each unit did: who belongs to which arm, and which outcomes count.

A unit enters the analysis when its window is over: from then on what is known of it stays, units are
independent draws, and a look at the experiment is a look at more of them. That is what the always-valid
intervals rest on.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rubricator.errors import DataError, nearest
from rubricator.experiment.events import Events, number, written
from rubricator.experiment.plan import ARMS, Metric, Plan
from rubricator.experiment.started import Started
from rubricator.tables.reading import open_table

if TYPE_CHECKING:
    import polars as pl

_SKEW_SECONDS = 60.0  # clocks of different machines agree that well


@dataclass(frozen=True, slots=True, kw_only=True)
class Units:
    """What each unit did.

    Attributes:
        frame: One row a unit whose window is over: `unit`, `arm`, `complete` (when it was), one column a
            metric, `METRIC/over` for what a ratio stands on, `METRIC/before` for its covariate; segments.
        exposed: Units by arm, whether their window is over or not.
        models: By arm, what answered, and how many units.
        faults: Events that do not count, by reason; `outcome_faults` those of them that are outcomes.
        counted: Outcomes that count, by name.
        others: Outcomes of names that no metric reads, by name.
    """

    frame: pl.DataFrame
    exposed: dict[str, int]
    models: dict[str, dict[str, int]]
    faults: Counter[str]
    outcome_faults: Counter[str]
    counted: Counter[str]
    others: Counter[str]


def count_units(
    started: Started,
    exposures: Sequence[Events],
    outcomes: Sequence[Events],
    *,
    now: float,
    table: pl.DataFrame | None = None,
) -> Units:
    """Attribute outcomes to units as of a moment; `table` has a row a unit with covariates and segments.

    Raises:
        DataError: The table lacks a column that the plan names.
    """
    import polars as pl

    faults: Counter[str] = Counter()
    outcome_faults: Counter[str] = Counter()
    for events in exposures:
        faults.update(events.faults)
    for events in outcomes:
        outcome_faults.update(events.faults)
    seen = pl.concat([events.frame for events in exposures])
    units = _assigned(started, seen, now, faults)
    once, others = _named(started.plan, outcomes)
    counted = _counted(started.plan, units, _once(once, outcome_faults), now, outcome_faults)
    sums = counted.group_by("unit", "event").agg(pl.col("value").sum())
    complete = units.with_columns(complete=pl.col("at") + started.plan.window_hours * 3600).filter(
        pl.col("complete") <= now
    )
    frame = _with_metrics(started.plan, complete, sums)
    models = seen.filter(pl.col("model") != "").group_by("arm", "model").agg(pl.col("unit").n_unique())
    return Units(
        frame=_with_table(started.plan, frame, table, faults),
        exposed={arm: units.filter(pl.col("arm") == arm).height for arm in ARMS},
        models={
            arm: {model: n for a, model, n in models.sort("model").iter_rows() if a == arm} for arm in ARMS
        },
        faults=+(faults + outcome_faults),
        outcome_faults=+outcome_faults,
        counted=Counter(dict(counted["event"].value_counts().iter_rows())),
        others=others,
    )


def read_units(path: Path, plan: Plan) -> pl.DataFrame:
    """The table of units: `unit`, and the columns that the plan names as covariates and segments.

    Raises:
        DataError: The file cannot be read, lacks a column, or has a unit twice.
    """
    import polars as pl

    table = open_table(path).complete()
    covariates = [metric.covariate for metric in plan.all_metrics if metric.covariate]
    wanted = list(dict.fromkeys([*covariates, *plan.segments]))
    for column in ("unit", *wanted):
        if column not in table.columns:
            raise DataError(
                f"{path} has no column '{column}'{nearest(column, table.columns)}.",
                fix="Its columns are `unit`, and those that the plan names as `covariate` and in `segments`.",
            )
    columns: dict[str, list[object]] = {name: [] for name in ("unit", *wanted)}
    for batch in table.rows(10_000):
        for row in batch:
            if row.fault:
                raise DataError(f"{path}: {row.fault}.", fix="Correct the row.")
            columns["unit"].append(written(row.cells["unit"]))
            for name in wanted:
                value = row.cells.get(name)
                columns[name].append(number(value) if name in covariates else written(value))
    schema = {name: pl.Float64 if name in covariates else pl.String for name in columns}
    frame = pl.DataFrame(columns, schema=schema)
    if frame["unit"].is_duplicated().any():
        (twice,) = frame.filter(pl.col("unit").is_duplicated())["unit"].head(1)
        raise DataError(f"{path} has the unit '{twice}' more than once.", fix="Give every unit one row.")
    return frame


def _assigned(started: Started, seen: pl.DataFrame, now: float, faults: Counter[str]) -> pl.DataFrame:
    """One row a unit: its arm and its first exposure."""
    import polars as pl

    end = now if started.stopped is None else started.stopped
    early, late = pl.col("at") < started.started - _SKEW_SECONDS, pl.col("at") > end + _SKEW_SECONDS
    faults["exposed before the start"] = seen.filter(early).height
    faults["exposed after the end, or in the future"] = seen.filter(late).height
    units = (
        seen.filter(~early & ~late)
        .group_by("unit")
        .agg(pl.col("arm").min(), pl.col("arm").n_unique().alias("arms"), pl.col("at").min())
    )
    faults["units in both arms"] = units.filter(pl.col("arms") > 1).height
    return units.filter(pl.col("arms") == 1).drop("arms").sort("at", "unit")


def _named(plan: Plan, outcomes: Sequence[Events]) -> tuple[pl.DataFrame, Counter[str]]:
    """Outcomes of all sources that the plan reads, and how many of which other names there were."""
    import polars as pl

    frame = pl.concat([events.frame for events in outcomes])
    is_read = pl.col("event").is_in(plan.events)
    others = Counter(dict(frame.filter(~is_read)["event"].value_counts().iter_rows()))
    for events in outcomes:
        others.update(events.others)
    return frame.filter(is_read), others


def _once(frame: pl.DataFrame, faults: Counter[str]) -> pl.DataFrame:
    """Outcomes of all sources, each id once: the first that came stays."""
    import polars as pl

    named, others = frame.filter(pl.col("id").is_not_null()), frame.filter(pl.col("id").is_null())
    distinct = named.unique(maintain_order=True)
    once = distinct.unique("id", keep="first", maintain_order=True)
    faults["sent again"] += named.height - distinct.height
    faults["under a used id"] += distinct.height - once.height
    return pl.concat([once, others])


def _counted(
    plan: Plan, units: pl.DataFrame, outcomes: pl.DataFrame, now: float, faults: Counter[str]
) -> pl.DataFrame:
    """The outcomes that count."""
    import polars as pl

    ours = outcomes.join(units.select("unit", pl.col("at").alias("first")), on="unit", how="left")
    faults["of units that were not exposed"] = ours.filter(pl.col("first").is_null()).height
    ours = ours.filter(pl.col("first").is_not_null())
    before = pl.col("at") < pl.col("first") - _SKEW_SECONDS
    after = pl.col("at") > pl.col("first") + plan.window_hours * 3600
    future = pl.col("at") > now + _SKEW_SECONDS
    faults["before the exposure"] = ours.filter(before).height
    faults["in the future"] = ours.filter(~before & future).height
    faults["after the window"] = ours.filter(~before & ~future & after).height
    return ours.filter(~before & ~after & ~future)


def _with_metrics(plan: Plan, units: pl.DataFrame, sums: pl.DataFrame) -> pl.DataFrame:
    import polars as pl

    for metric in plan.all_metrics:
        for column, event in ((metric.name, metric.event), (f"{metric.name}/over", metric.over)):
            if event is None:
                continue
            values = sums.filter(pl.col("event") == event).select("unit", pl.col("value").alias(column))
            units = units.join(values, on="unit", how="left").with_columns(pl.col(column).fill_null(0.0))
        if metric.kind == "proportion":
            units = units.with_columns((pl.col(metric.name) > 0).cast(pl.Float64))
    return units


def _with_table(
    plan: Plan, frame: pl.DataFrame, table: pl.DataFrame | None, faults: Counter[str]
) -> pl.DataFrame:
    import polars as pl

    covariates = [metric for metric in plan.all_metrics if metric.covariate]
    if not covariates and not plan.segments:
        return frame
    if table is None:
        return frame.with_columns(pl.lit("").alias(column) for column in plan.segments)
    frame = frame.join(table, on="unit", how="left")
    unknown = frame.filter(~pl.col("unit").is_in(table["unit"].implode())).height
    faults["units that the table of units does not have"] = unknown
    # The mean of both arms stands for what is unknown: it takes nothing from anybody's side.
    known = [_before(metric) for metric in covariates]
    return frame.with_columns(*known, *(pl.col(column).fill_null("") for column in plan.segments))


def _before(metric: Metric) -> pl.Expr:
    import polars as pl

    column = pl.col(str(metric.covariate))
    return column.fill_null(column.mean()).fill_null(0.0).alias(f"{metric.name}/before")
