"""Exposures and outcomes, of the store and of files, as frames.

Exposures have the columns `unit`, `arm`, `model`, `at`; outcomes `id`, `unit`, `event`, `value`, `at`;
moments are seconds since 1970. What cannot be used is counted by reason, never dropped in silence.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from rubricator.errors import DataError, nearest
from rubricator.experiment.plan import ARMS
from rubricator.store import Store
from rubricator.store.tables import EXPERIMENTS, EXPOSURES, OUTCOMES
from rubricator.tables.reading import open_table
from rubricator.times import parse_time

if TYPE_CHECKING:
    import polars as pl

_EXPOSURES = ("unit", "arm", "at")
_OUTCOMES = ("unit", "event", "at")
_PAGE = 500  # SQLite before 3.32 takes at most 999 parameters in one statement


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Something that a unit did.

    Attributes:
        id: Of this outcome alone: sent again with it, it counts once.
        at: Seconds since 1970.
    """

    id: str
    unit: str
    event: str
    value: float
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposure:
    """A unit that was answered, how often since it was last told, and first when."""

    unit: str
    arm: str
    model: str
    first: float
    times: int = 1


@dataclass(frozen=True, slots=True)
class Saved:
    """What became of outcomes: new ones, such as were there, such as say otherwise than before."""

    stored: int
    repeated: int
    contradicted: int


@dataclass(slots=True)
class Events:
    """A frame, and what is not in it: rows that could not be used, by reason, and outcomes of other names."""

    frame: pl.DataFrame
    faults: Counter[str] = field(default_factory=Counter)
    others: Counter[str] = field(default_factory=Counter)


def save_exposures(store: Store, experiment: str, exposures: Iterable[Exposure], *, lost: int = 0) -> None:
    """Add exposures to those that are there, in one transaction, and count those that were lost before.

    Raises:
        StoreError: The database refused; nothing is kept then.
    """
    rows = [
        {
            "experiment": experiment,
            "unit": one.unit,
            "arm": one.arm,
            "model": one.model,
            "first": one.first,
            "times": one.times,
        }
        for one in exposures
    ]
    insert = store.insert(EXPOSURES)
    new, present = insert.excluded, EXPOSURES.c
    upsert = insert.on_conflict_do_update(
        index_elements=[present.experiment, present.unit, present.arm, present.model],
        set_={
            "first": sa.case((new.first < present.first, new.first), else_=present.first),
            "times": present.times + new.times,
        },
    )
    columns = EXPERIMENTS.c
    with store.writing() as connection:
        if rows:
            connection.execute(upsert, rows)
        if lost:
            connection.execute(
                EXPERIMENTS.update().where(columns.name == experiment).values(lost=columns.lost + lost)
            )


def save_outcomes(store: Store, outcomes: Sequence[Outcome], *, received: float) -> Saved:
    """Keep outcomes, each once under its id, in one transaction; the first under an id stays.

    Raises:
        StoreError: The database refused; none is kept then.
    """
    stored = repeated = contradicted = 0
    columns = OUTCOMES.c
    with store.writing() as connection:
        present: dict[str, tuple[Any, ...]] = {}
        ids = list({one.id for one in outcomes})
        for start in range(0, len(ids), _PAGE):
            query = sa.select(columns.id, columns.unit, columns.event, columns.value, columns.at)
            for row in connection.execute(query.where(columns.id.in_(ids[start : start + _PAGE]))):
                present[row.id] = (row.unit, row.event, row.value, row.at)
        rows: list[dict[str, Any]] = []
        again: Counter[tuple[str, str]] = Counter()
        for one in outcomes:
            said = (one.unit, one.event, one.value, one.at)
            if one.id not in present:
                present[one.id] = said
                rows.append(_row(one, received))
                stored += 1
            elif _repeats(one, present[one.id], received):
                again[one.id, "repeated"] += 1
                repeated += 1
            else:
                again[one.id, "contradicted"] += 1
                contradicted += 1
        if rows:
            # Another process may store the same outcome at the same moment.
            connection.execute(store.insert(OUTCOMES).on_conflict_do_nothing(), rows)
        for (id_, what), times in again.items():
            connection.execute(
                OUTCOMES.update().where(columns.id == id_).values({what: columns[what] + times})
            )
    return Saved(stored, repeated, contradicted)


def _repeats(one: Outcome, kept: tuple[Any, ...], received: float) -> bool:
    """Whether it says what was kept; one without a time of its own has that of its receipt."""
    *what, at = kept
    return what == [one.unit, one.event, one.value] and (one.at == at or one.at == received)


def stored_exposures(store: Store, experiment: str) -> Events:
    """All exposures of an experiment.

    Raises:
        StoreError: The database refused.
    """
    columns = EXPOSURES.c
    query = sa.select(columns.unit, columns.arm, columns.model, columns.first).where(
        columns.experiment == experiment
    )
    with store.reading() as connection:
        return Events(_exposure_frame(connection.execute(query).all()))


def stored_outcomes(
    store: Store, events: Collection[str], *, since: float, known: Collection[str] = ()
) -> Events:
    """All outcomes of these names from a moment on, and how many came again or said otherwise.

    Those of other names are counted by name, but for the `known` ones, which something else reads.

    Raises:
        StoreError: The database refused.
    """
    columns = OUTCOMES.c
    others = sa.select(columns.event, sa.func.count()).group_by(columns.event)
    others = others.where(columns.event.not_in(sorted({*events, *known})), columns.at >= since)
    wanted = sa.and_(columns.event.in_(sorted(events)), columns.at >= since)
    query = sa.select(columns.id, columns.unit, columns.event, columns.value, columns.at).where(wanted)
    again = sa.select(sa.func.sum(columns.repeated), sa.func.sum(columns.contradicted)).where(wanted)
    with store.reading() as connection:
        frame = _outcome_frame(connection.execute(query).all())
        repeated, contradicted = connection.execute(again).one()
        by_name = Counter({name: int(count) for name, count in connection.execute(others)})
    faults = Counter({"sent again": int(repeated or 0), "under a used id": int(contradicted or 0)})
    return Events(frame, faults, by_name)


def read_exposures(path: Path) -> Events:
    """Exposures of a table with the columns `unit`, `arm`, `at` and, where known, `model`.

    Raises:
        DataError: The file cannot be read, or lacks a column.
    """
    faults: Counter[str] = Counter()
    rows: list[tuple[str, str, str, float]] = []
    for cells in _rows(path, _EXPOSURES, faults):
        unit, arm, at = written(cells["unit"]), written(cells["arm"]), parse_time(cells["at"])
        if not unit:
            faults["without a unit"] += 1
        elif arm not in ARMS:
            faults[f"in an arm other than {' and '.join(ARMS)}"] += 1
        elif at is None:
            faults["without a time"] += 1
        else:
            rows.append((unit, arm, written(cells.get("model")), at.timestamp()))
    return Events(_exposure_frame(rows), faults)


def read_outcomes(path: Path) -> Events:
    """Outcomes of a table with the columns `unit`, `event`, `at` and, where known, `value` (else 1) and `id`.

    Without `id` equal rows are different outcomes.

    Raises:
        DataError: The file cannot be read, or lacks a column.
    """
    faults: Counter[str] = Counter()
    rows: list[tuple[str | None, str, str, float, float]] = []
    for cells in _rows(path, _OUTCOMES, faults):
        unit, event, at = written(cells["unit"]), written(cells["event"]), parse_time(cells["at"])
        value = number(cells["value"]) if "value" in cells else 1.0
        if not unit:
            faults["without a unit"] += 1
        elif not event:
            faults["without an event"] += 1
        elif at is None:
            faults["without a time"] += 1
        elif value is None:
            faults["not a number"] += 1
        else:
            rows.append((written(cells.get("id")) or None, unit, event, value, at.timestamp()))
    return Events(_outcome_frame(rows), faults)


def number(value: Any) -> float | None:
    """A finite number, or None."""
    if value is None or isinstance(value, bool):
        return None if value is None else float(value)
    try:
        read = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return read if math.isfinite(read) else None


def _rows(path: Path, needed: Sequence[str], faults: Counter[str]) -> Iterable[Mapping[str, Any]]:
    table = open_table(path).complete()
    for column in needed:
        if column not in table.columns:
            raise DataError(
                f"{path} has no column '{column}'{nearest(column, table.columns)}: it has "
                f"{', '.join(table.columns)}.",
                fix=f"Name its columns {', '.join(needed)}.",
            )
    for batch in table.rows(10_000):
        for row in batch:
            if row.fault:
                faults["broken rows"] += 1
            else:
                yield {name: row.cells.get(name) for name in table.columns}


def written(value: Any) -> str:
    """A name as a table holds it: whole numbers without a point, whatever type the column has."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # a column of ids with a gap in it
    return "" if value is None else str(value).strip()


def _row(one: Outcome, received: float) -> dict[str, Any]:
    return {
        "id": one.id,
        "unit": one.unit,
        "event": one.event,
        "value": one.value,
        "at": one.at,
        "received": received,
        "repeated": 0,
        "contradicted": 0,
    }


def _exposure_frame(rows: Iterable[Any]) -> pl.DataFrame:
    import polars as pl

    schema = {"unit": pl.String, "arm": pl.String, "model": pl.String, "at": pl.Float64}
    return pl.DataFrame([tuple(row) for row in rows], schema=schema, orient="row")


def _outcome_frame(rows: Iterable[Any]) -> pl.DataFrame:
    import polars as pl

    schema = {
        "id": pl.String,
        "unit": pl.String,
        "event": pl.String,
        "value": pl.Float64,
        "at": pl.Float64,
    }
    return pl.DataFrame([tuple(row) for row in rows], schema=schema, orient="row")
