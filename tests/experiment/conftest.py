"""One small experiment that most tests look at."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl
import pytest

from rubricator.experiment.events import Events
from rubricator.experiment.plan import Plan, make_plan
from rubricator.experiment.size import sized
from rubricator.experiment.started import Started
from rubricator.store import Store

START = 1_790_000_000.0
DAY = 86_400.0


def plan_of(**changes: Any) -> Plan:
    """A plan whose size is quickly worked out: its traffic fills it in a day."""
    content: dict[str, Any] = {
        "name": "blocks",
        "goal": {"name": "ctr", "event": "click", "baseline": 0.1, "smallest_change": 0.2},
        "traffic": 20_000,
    }
    return make_plan(content | changes, where="the test")


def started_of(plan: Plan, **changes: Any) -> Started:
    """The plan as if it had been started."""
    values: dict[str, Any] = {"buckets": ((0, 10_000),), "frozen": START, "started": START}
    return Started(plan=sized(plan), **values | changes)


def exposed(rows: list[tuple[str, str, float]]) -> Events:
    """Exposures of unit, arm and seconds after the start."""
    frame = pl.DataFrame(rows, schema={"unit": pl.String, "arm": pl.String, "at": pl.Float64}, orient="row")
    return Events(frame.select("unit", "arm", pl.lit("").alias("model"), pl.col("at") + START))


def happened(rows: list[tuple[str | None, str, str, float, float]]) -> Events:
    """Outcomes of id, unit, event, value and seconds after the start."""
    schema = {"id": pl.String, "unit": pl.String, "event": pl.String, "value": pl.Float64, "at": pl.Float64}
    return Events(pl.DataFrame(rows, schema=schema, orient="row").with_columns(pl.col("at") + START))


def readers(
    count: int = 4000, *, rates: tuple[float, float] = (0.1, 0.1), days: float = 5, seed: int = 1
) -> tuple[Events, Events]:
    """Readers who come evenly over some days and click, or not, ten seconds later."""
    rng = np.random.default_rng(seed)
    treated = np.arange(count) % 2 == 1
    at = np.sort(rng.random(count)) * days * DAY
    clicks = rng.random(count) < np.where(treated, rates[1], rates[0])
    names = [f"u{number}" for number in range(count)]
    arms = np.where(treated, "treatment", "control")
    return (
        exposed(list(zip(names, arms.tolist(), at.tolist(), strict=True))),
        happened([(None, names[row], "click", 1.0, at[row] + 10) for row in np.flatnonzero(clicks)]),
    )


@pytest.fixture
def store(tmp_path) -> Store:
    with Store.open(tmp_path / "experiments.sqlite") as opened:
        yield opened


@pytest.fixture(scope="session")
def make_readers() -> Callable[..., tuple[Events, Events]]:
    return readers
