"""An experiment on a real server: from exposure to conclusion, and whatever the database does meanwhile."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing

import httpx
import numpy as np
import pytest

from rubricator.errors import ConfigError, DataError
from rubricator.experiment.conclusion import decision
from rubricator.experiment.events import Exposure, save_exposures, stored_exposures
from rubricator.experiment.plan import make_plan, write_plan
from rubricator.experiment.report import report_experiment
from rubricator.experiment.started import start_experiment, started_experiment, stop_experiment
from rubricator.predict import Predictor
from rubricator.serve import ServeOptions, create_app
from rubricator.serve.deployments import Beside
from rubricator.serve.experiment import ServedExperiment, unit_of
from rubricator.serve.exposures import ExposureLog
from rubricator.serve.metrics import Metrics
from rubricator.serve.processes import build
from rubricator.store import Store
from rubricator.taxonomy import Category, Taxonomy

TEXT = {"text": "Хоккеисты победили в гостях"}


def plan_of(**changes):
    goal = {"name": "ctr", "event": "click", "baseline": 0.2, "smallest_change": 1.0}
    content = {"name": "blocks", "goal": goal, "traffic": 1000, "window_hours": 1.0, "layer": "page"}
    return make_plan(content | changes, where="the test")


@pytest.fixture(scope="module")
def folders(make_artifact, tmp_path_factory):
    """Two artifacts whose categories have nothing in common."""
    home = tmp_path_factory.mktemp("arms")
    others = Taxonomy(categories=tuple(Category(key=key) for key in ("ice", "money", "art")))
    return make_artifact(home / "a"), make_artifact(home / "b", taxonomy=others)


@pytest.fixture(scope="module")
def arms(folders):
    return [Predictor.load(folder) for folder in folders]


@pytest.fixture
def place(tmp_path):
    return tmp_path / "experiments.sqlite"


@pytest.fixture
def started(place):
    with Store.open(place) as store:
        start_experiment(store, plan_of())
    return place


def started_of(place):
    with Store.open(place) as store:
        return started_experiment(store, plan_of())


def app_of(arms, place, **changes):
    return create_app(
        arms[0],
        beside=Beside(challenger=arms[1]),
        experiment=ServedExperiment(plan_of(**changes), place),
    )


def ask(client, unit=None):
    headers = {} if unit is None else {"X-Split-Key": unit.encode()}
    answer = client.post("/v1/classify", json=TEXT, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer


def kept(place):
    """Units that were kept, read beside whatever lock there is."""
    with closing(sqlite3.connect(place)) as connection:
        return sorted(unit for (unit,) in connection.execute("SELECT unit FROM exposures"))


def eventually(true, seconds=20.0):
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.slow
def test_from_exposure_to_conclusion(arms, started, run_app):
    """Readers click on what the treatment leads them to; every tenth of them comes twice."""
    rng = np.random.default_rng(1)
    models = [one.manifest.identifier for one in arms]
    with run_app(app_of(arms, started)) as address, httpx.Client(base_url=address, timeout=30) as client:
        clicks, given = [], {}
        for number in range(240):
            unit = f"читатель-{number}"
            answer = ask(client, unit)
            if number % 10 == 0:
                assert ask(client, unit).json()["model"] == answer.json()["model"]
            given[unit] = answer.headers["x-experiment"].removeprefix("blocks=")
            assert answer.json()["model"] == models[given[unit] == "treatment"]
            clicked = rng.random() < (
                0.7 if "ice" in answer.json()["predictions"][0]["probabilities"] else 0.2
            )
            if clicked:
                clicks.append({"id": f"c{number}", "unit": unit, "event": "click"})
        ask(client)
        sent = client.post("/v1/outcomes", json={"outcomes": [*clicks, clicks[0]]})
        assert sent.json() == {"stored": len(clicks), "repeated": 1, "contradicted": 0, "unread": {}}
    with Store.open(started) as store:
        found = report_experiment(store, plan_of(), now=time.time() + 7200)
        exposures = stored_exposures(store, "blocks").frame
    assert dict(zip(exposures["unit"], exposures["arm"], strict=True)) == given
    assert found.models == {"control": {models[0]: found.exposed["control"]}} | {
        "treatment": {models[1]: found.exposed["treatment"]}
    }
    assert (decision(found), found.lost) == ("adopt", 0)
    assert found.faults == {"sent again": 1}
    assert found.goal.control == pytest.approx(0.2, abs=0.1)
    assert found.goal.treatment == pytest.approx(0.7, abs=0.12)


def test_when_it_is_stopped_the_champion_answers_everybody(arms, started, run_app):
    with run_app(app_of(arms, started)) as address, httpx.Client(base_url=address, timeout=30) as client:
        treated = next(
            unit
            for unit in map(str, range(50))
            if ask(client, unit).headers["x-experiment"].endswith("treatment")
        )
        with Store.open(started) as store:
            stop_experiment(store, plan_of())
        eventually(lambda: "x-experiment" not in ask(client, treated).headers)
        assert ask(client, treated).json()["model"] == arms[0].manifest.identifier


def test_one_that_was_stopped_is_told_of_when_it_is_served(started, caplog):
    with Store.open(started) as store:
        stop_experiment(store, plan_of())
    served = ServedExperiment(plan_of(), started)
    assert served.arm("a") is None
    assert "'blocks' was stopped: the champion answers everybody" in caplog.text
    served.close()


def test_while_the_database_is_locked_only_outcomes_wait(arms, started, run_app):
    outcome = {"outcomes": [{"id": "1", "unit": "a", "event": "click"}]}
    with run_app(app_of(arms, started)) as address, httpx.Client(base_url=address, timeout=30) as client:
        other = sqlite3.connect(started, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        begun = time.monotonic()
        for unit in "abcd":
            ask(client, unit)
        assert time.monotonic() - begun < 1.5
        refused = client.post("/v1/outcomes", json=outcome)
        assert (refused.status_code, "locked" in refused.json()["detail"]) == (503, True)
        assert kept(started) == []
        other.execute("ROLLBACK")
        other.close()
        eventually(lambda: kept(started) == list("abcd"))
        assert client.post("/v1/outcomes", json=outcome).json()["stored"] == 1


def test_what_does_not_fit_the_buffer_is_lost_and_counted(started):
    metrics = Metrics()
    away = started.rename(started.with_name("away.sqlite"))
    log = ExposureLog(started, "blocks", metrics, most=3, pause=0.02)
    for unit in "abcdea":
        log.add(unit, "control", "m@1")
    time.sleep(0.1)
    away.rename(started)
    eventually(lambda: kept(started) == list("abc"))
    log.close()
    assert started_of(started).lost == 2
    assert 'rubricator_exposures_total{outcome="lost"} 2.0' in metrics.text().decode()


def test_a_database_that_is_taken_away_while_serving_is_noticed(started):
    log = ExposureLog(started, "blocks", Metrics(), pause=0.02)
    log.add("a", "control", "m@1")
    eventually(lambda: kept(started) == ["a"])
    away = started.rename(started.with_name("away.sqlite"))
    log.add("b", "control", "m@1")
    time.sleep(0.1)
    away.rename(started)
    eventually(lambda: kept(started) == ["a", "b"])
    log.close()


def test_at_the_end_what_cannot_be_written_is_told(started, caplog, monkeypatch):
    monkeypatch.setattr("rubricator.serve.store_writer.CLOSING_SECONDS", 0.1)
    log = ExposureLog(started, "blocks", Metrics(), pause=0.02)
    started.unlink()
    log.add("a", "control", "m@1")
    log.close()
    assert "1 exposures of 'blocks' could not be kept" in caplog.text


GOOD = {"id": "1", "unit": "a", "event": "click"}
BAD = {
    "value": [{**GOOD, "value": "much"}, {**GOOD, "value": True}, {**GOOD, "value": 1e300}],
    "unit": [{**GOOD, "unit": ""}, {**GOOD, "unit": "a\0"}, {**GOOD, "unit": "a" * 256}],
    "id": [{**GOOD, "id": ""}, {"unit": "a", "event": "click"}],
    "timezone": [{**GOOD, "at": "2026-01-01T00:00:00"}],
    "whatever": [{**GOOD, "whatever": 1}],
}


def test_outcomes_that_are_none_are_refused(arms, started, run_app):
    headers = {"content-type": "application/json"}
    with run_app(app_of(arms, started)) as address, httpx.Client(base_url=address, timeout=30) as client:
        for said, bodies in BAD.items():
            for body in bodies:
                refused = client.post("/v1/outcomes", json={"outcomes": [GOOD | {"id": "0"}, body]})
                assert (refused.status_code, said in refused.json()["detail"]) == (422, True), refused.text
        for content in (
            '{"outcomes": []}',
            '{"outcomes": [{"id": "1", "unit": "a", "event": "x", "value": NaN}]}',
            "[",
        ):
            assert client.post("/v1/outcomes", content=content, headers=headers).status_code in (400, 422)
    with closing(sqlite3.connect(started)) as connection:
        assert connection.execute("SELECT count(*) FROM outcomes").fetchone() == (0,)


def test_outcomes_that_no_metric_reads_are_taken_and_told(arms, started, run_app):
    sent = [GOOD, GOOD | {"id": "2", "event": "clik"}, GOOD | {"id": "3", "event": "clik"}]
    with run_app(app_of(arms, started)) as address, httpx.Client(base_url=address, timeout=30) as client:
        taken = client.post("/v1/outcomes", json={"outcomes": sent}).json()
    assert (taken["stored"], taken["unread"]) == (3, {"clik": 2})


def test_units_outside_its_buckets_take_no_part(arms, place, run_app):
    changes = {"layer_share": 0.0001}
    with Store.open(place) as store:
        start_experiment(store, plan_of(**changes))
    with run_app(app_of(arms, place, **changes)) as address, httpx.Client(base_url=address) as client:
        answers = [ask(client, unit) for unit in "abcdef"]
    assert {answer.json()["model"] for answer in answers} == {arms[0].manifest.identifier}
    assert all("x-experiment" not in answer.headers for answer in answers)
    assert kept(place) == []


def test_the_plan_names_the_artifacts_of_its_arms(folders, tmp_path, place):
    named = {
        arm: {"artifact": str(folder)} for arm, folder in zip(("control", "treatment"), folders, strict=True)
    }
    file = tmp_path / "plan.yaml"
    write_plan(file, plan_of(arms=named))
    options = ServeOptions(experiment=file, experiment_store=str(place))
    with pytest.raises(DataError, match="There is no database"):
        build(options)
    assert not place.exists()
    Store.open(place).close()
    with pytest.raises(DataError, match="was not started"):
        build(options)
    with Store.open(place) as store:
        start_experiment(store, plan_of(arms=named))
    assert options.champion() == folders[0]
    assert build(options).title == Predictor.load(folders[0]).manifest.identifier
    for other in ({"artifact": folders[1]}, {"challenger": str(folders[0])}):
        with pytest.raises(ConfigError, match="The plan names"):
            build(options.model_copy(update=other))
    write_plan(file, plan_of())
    with pytest.raises(ConfigError, match="nothing to compare"):
        ServeOptions(artifact=folders[0], experiment=file).other()
    write_plan(file, plan_of(mode="aa"))
    assert ServeOptions(artifact=folders[0], experiment=file).other() is None
    with pytest.raises(ConfigError, match="one model"):
        ServeOptions(artifact=folders[0], challenger="x", experiment=file).other()


def test_a_header_in_utf_8_names_the_same_unit_as_an_outcome():
    assert unit_of("Анна".encode().decode("latin-1")) == "Анна"
    assert unit_of("\xe9") == "\xe9"
    assert unit_of(None) == ""


def test_exposures_add_up_whatever_process_they_come_from(started):
    with Store.open(started) as store:
        for first in (50.0, 20.0, 90.0):
            save_exposures(
                store, "blocks", [Exposure(unit="a", arm="control", model="m", first=first, times=2)]
            )
        assert stored_exposures(store, "blocks").frame["at"].to_list() == [20.0]
