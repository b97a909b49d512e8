"""The same promises on a real PostgreSQL."""

from __future__ import annotations

import pytest
from tests.experiment.conftest import START, plan_of

from rubricator.errors import DataError
from rubricator.experiment.events import Exposure, Outcome, save_exposures, save_outcomes
from rubricator.experiment.report import report_experiment
from rubricator.experiment.started import start_experiment, still_runs, stop_experiment
from rubricator.store import Store


@pytest.fixture
def store(postgresql):
    with Store.open(postgresql) as opened:
        yield opened


@pytest.mark.slow
def test_an_experiment_lives_in_postgresql(store):
    plan = plan_of(layer_share=0.6)
    assert start_experiment(store, plan, now=START).buckets == ((0, 6000),)
    with pytest.raises(DataError, match=r"leave 40\.00%"):
        start_experiment(store, plan_of(name="other", layer_share=0.5))
    arms = ("control", "treatment")
    rows = [Exposure(unit=f"u{n}", arm=arms[n % 2], model="m@1", first=START + n) for n in range(300)]
    save_exposures(store, "blocks", rows)
    save_exposures(store, "blocks", rows[:1], lost=3)
    clicks = [
        Outcome(id=f"c{n}", unit=f"u{n}", event="click", value=1.0, at=START + n) for n in range(0, 300, 3)
    ]
    assert save_outcomes(store, clicks, received=START).stored == 100
    assert save_outcomes(store, clicks[:2], received=START).repeated == 2
    report = report_experiment(store, plan, now=START + 10 * 86_400)
    assert (report.exposed, report.lost) == ({"control": 150, "treatment": 150}, 3)
    assert report.goal.control == report.goal.treatment == pytest.approx(1 / 3)
    assert report.faults == {"sent again": 2}
    stop_experiment(store, plan)
    assert not still_runs(store, "blocks")
