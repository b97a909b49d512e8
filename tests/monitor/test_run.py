"""From a log to alerts: each window judged once, one alert for one cause, told once."""

from __future__ import annotations

import http.server
import json
import threading
from datetime import timedelta
from typing import ClassVar

import numpy as np
import pytest
from invented_predictions import MONDAY, SPACE, predictions, truth_of

from rubricator.config import Monitor
from rubricator.errors import DataError, LockedStoreError
from rubricator.monitor.run import Monitoring
from rubricator.monitor.windows import read_windows
from rubricator.review.feedback import Decision, store_decision
from rubricator.store import Store
from rubricator.store.predictions import Loss, PredictionLog
from rubricator.taxonomy import Category, Taxonomy

WEEK = timedelta(days=7)
AFTER = MONDAY + 20 * WEEK
TAXONOMY = Taxonomy(categories=tuple(Category(key=key) for key in SPACE.keys))


@pytest.fixture
def store(tmp_path):
    with Store.open(tmp_path / "log.sqlite") as opened:
        yield opened


def weeks(store, *changes, count=150):
    """One week of predictions after the other."""
    log = PredictionLog(store)
    for number, change in enumerate(changes):
        log.append(predictions(count, seed=number + 1, at=MONDAY + number * WEEK, **change))


THRESHOLDS: dict = {}
"""Resampled once for all tests."""


def monitoring(store, invented, **options):
    made = Monitoring(store, [invented], rounds=99, **options)
    THRESHOLDS.update(made._thresholds)
    made._thresholds = THRESHOLDS
    return made


def test_consecutive_windows_and_joint_checks_are_one_alert(store, invented):
    weeks(store, {}, {"shift": 2.0}, {"shift": 2.0}, {}, {"unknown": 0.6})
    found = monitoring(store, invented).run(AFTER)
    assert [one.state for one in found.judged] == ["quiet", "alarm", "alarm", "quiet", "alarm"]
    first, second = found.opened
    assert {"labels:sport", "vectors"} <= set(first.about["checks"])
    assert (first.since, first.over) == (MONDAY + WEEK, MONDAY + 4 * WEEK)
    assert first.about["windows"] == 2
    assert second.over is None
    assert "unknown words" in second.about["what"]
    assert found.lasting == [second]


def test_what_was_judged_and_told_is_not_repeated(store, invented, caplog):
    weeks(store, {}, {"shift": 2.0})
    first = monitoring(store, invented).run(AFTER)
    assert len(first.judged) == 2
    assert sum("something changed" in record.message for record in caplog.records) == 1
    again = monitoring(store, invented).run(AFTER)
    assert (again.judged, again.opened) == ([], [])
    assert [alert.id for alert in again.lasting] == [1]
    assert sum("something changed" in record.message for record in caplog.records) == 1
    weeks(store, {}, {}, {"shift": 2.0})  # the first two once more, into windows that are over
    later = monitoring(store, invented).run(AFTER)
    assert [one.start for one in later.judged] == [MONDAY + 2 * WEEK]
    assert later.opened == []
    assert later.lasting[0].about["windows"] == 2


def test_an_alert_says_what_to_look_at_and_what_helps(store, invented, tmp_path):
    weeks(store, {"shift": 2.5})
    (alert,) = monitoring(store, invented, folder=tmp_path / "out").run(AFTER).opened
    ids = (tmp_path / "out/alert-1.txt").read_text(encoding="utf-8").split()
    assert ids == alert.about["examples"]
    assert 0 < len(ids) <= 50
    assert any("review" in command for command in alert.about["commands"])


class Hook(http.server.BaseHTTPRequestHandler):
    taken: ClassVar[list] = []
    status = 200

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if Hook.status == 200:
            Hook.taken.append(json.loads(body))
        self.send_response(Hook.status)
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture
def webhook(monkeypatch):
    monkeypatch.setattr("rubricator.monitor.channels._PAUSE", 0.01)
    Hook.taken, Hook.status = [], 200
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hook) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/hook"
        server.shutdown()
        thread.join()


def test_a_webhook_that_is_dead_gets_the_alert_when_it_is_back(store, invented, webhook):
    weeks(store, {"shift": 2.0})
    settings = Monitor(webhook=webhook)
    Hook.status = 503
    found = monitoring(store, invented, settings=settings).run(AFTER)
    assert "did not take the alert" in found.unsent["webhook"]
    assert Hook.taken == []
    Hook.status = 200
    assert monitoring(store, invented, settings=settings).run(AFTER).unsent == {}
    monitoring(store, invented, settings=settings).run(AFTER)
    (payload,) = Hook.taken
    assert payload["model"] == "tiny@1"
    assert "something changed since 2026-03-02" in payload["text"]


def test_in_quiet_hours_nobody_is_told_and_afterwards_once(store, invented, webhook):
    weeks(store, {"shift": 2.0})
    settings = Monitor(webhook=webhook, quiet_hours="22:00-07:00", timezone="Europe/Moscow")
    night = AFTER.replace(hour=20)  # 23 o'clock in Moscow
    assert monitoring(store, invented, settings=settings).run(night).held == 1
    assert Hook.taken == []
    for hour in (5, 6):
        day = AFTER.replace(hour=hour) + timedelta(days=1)
        assert monitoring(store, invented, settings=settings).run(day).held == 0
    assert len(Hook.taken) == 1


def test_models_without_a_reference_are_told_of_once_and_not_compared(store, invented):
    weeks(store, {}, {"model": "other@2"}, {"model": "other@2"})
    found = monitoring(store, invented).run(AFTER)
    assert [one.state for one in found.judged] == ["quiet", "unknown", "unknown"]
    (alert,) = found.opened
    assert "other@2" in alert.about["what"]


def test_windows_with_none_or_with_few_predictions_tell_nothing(store, invented):
    log = PredictionLog(store)
    log.append(predictions(5, seed=1, at=MONDAY))
    log.append(predictions(200, seed=2, at=MONDAY + 2 * WEEK))
    found = monitoring(store, invented).run(AFTER)
    assert [one.state for one in found.judged] == ["few", "few", "quiet"]
    assert [one.rows for one in found.judged] == [5, 0, 200]
    assert found.opened == []


def test_clocks_that_jump_are_told_of_and_lose_nothing(store, invented):
    log = PredictionLog(store)
    log.append(predictions(200, seed=1, at=MONDAY + WEEK))
    log.append(predictions(200, seed=2, at=MONDAY))
    log.append(predictions(60, seed=3, at=AFTER + 5 * WEEK))
    found = monitoring(store, invented).run(AFTER)
    assert [one.rows for one in found.judged] == [200, 200]
    assert "still to come" in found.notes[0]
    assert "set back" in found.notes[1]
    later = monitoring(store, invented).run(AFTER + 10 * WEEK)
    assert sum(one.rows for one in later.judged) == 60


def test_a_clock_that_stood_at_1970_makes_one_empty_window(store, invented):
    log = PredictionLog(store)
    log.append(predictions(60, seed=1, at=MONDAY.replace(year=1970)))
    log.append(predictions(60, seed=2, at=MONDAY))
    found = monitoring(store, invented).run(AFTER)
    assert [one.rows for one in found.judged if one.rows == 0] == [0]
    assert sum(one.rows for one in found.judged) == 120


def test_losses_are_in_the_notes(store, invented):
    weeks(store, {})
    PredictionLog(store).append([], [Loss(MONDAY, "buffer", 17)])
    assert "17 (buffer)" in monitoring(store, invented).run(AFTER).notes[0]


def test_windows_may_be_a_number_of_predictions(store, invented):
    weeks(store, {}, {"shift": 2.0}, count=180)  # the rest of them waits for more
    settings = Monitor(window=150)
    sizes = [len(one.rows) for one in read_windows(PredictionLog(store), settings, AFTER)]
    assert sizes == [150, 150]
    assert [one.rows for one in monitoring(store, invented, settings=settings).run(AFTER).judged] == sizes


def together(store, *models, count=150, **changes):
    """Predictions of several models, one after the other in turn."""
    rows = [predictions(count, seed=n, model=model, **changes) for n, model in enumerate(models)]
    PredictionLog(store).append([row for some in zip(*rows, strict=True) for row in some])


def test_windows_of_a_number_are_of_one_model_each(store, invented):
    together(store, "tiny@1", "other@2", count=110)
    settings = Monitor(window=60)
    first = monitoring(store, invented, settings=settings).run(AFTER)
    assert sorted((one.model, one.rows, one.state) for one in first.judged) == [
        ("other@2", 60, "unknown"),
        ("tiny@1", 60, "quiet"),
    ]
    assert first.notes == ["Of the 60 predictions of a window other@2 has 50, tiny@1 has 50."]
    together(store, "tiny@1", "other@2", count=10)
    later = monitoring(store, invented, settings=settings).run(AFTER)
    assert sorted((one.model, one.rows) for one in later.judged) == [("other@2", 60), ("tiny@1", 60)]
    (alert,) = later.lasting  # the quiet window of the one ends no alert of the other
    assert (alert.model, alert.about["windows"]) == ("other@2", 2)


def test_a_run_that_ended_between_two_models_judges_each_prediction_once(store):
    together(store, "a", "b", "c", count=500)
    settings, log, seen = Monitor(window=70), PredictionLog(store), None
    ids = []
    while True:
        window = next(iter(read_windows(log, settings, AFTER, seen)), None)
        if window is None:
            break
        assert {row.model for row in window.rows} == {window.alone}
        ids += [(row.model, row.text_id) for row in window.rows]
        seen = window.seen
    assert len(ids) == len(set(ids)) == 3 * 490
    assert seen.last == 3 * 490


def test_the_rest_of_a_model_that_serves_no_more_is_judged_and_holds_up_nothing(store, invented):
    log = PredictionLog(store)
    log.append(predictions(30, seed=1, model="old@1"))
    log.append(predictions(1300, seed=2, at=MONDAY + WEEK))
    windows = list(read_windows(log, Monitor(window=50), AFTER))
    (rest,) = [one for one in windows if one.alone == "old@1"]
    assert (len(rest.rows), rest.leaving) == (30, True)
    assert windows[-1].seen.last == 1330


def test_two_runs_at_once_tell_nothing_twice(store, invented, tmp_path):
    weeks(store, {"shift": 2.0})
    with (
        Store.open(tmp_path / "log.sqlite") as other,
        other.alone("monitor run"),
        pytest.raises(LockedStoreError, match="Another monitor run is at work"),
    ):
        monitoring(store, invented).run(AFTER)
    assert len(monitoring(store, invented).run(AFTER).opened) == 1


def test_an_empty_log_is_refused(store, invented):
    with pytest.raises(DataError, match="no prediction"):
        monitoring(store, invented).run(AFTER)


def test_blind_reviews_alarm_where_probabilities_see_nothing(store, invented):
    rows = predictions(300, seed=1)
    PredictionLog(store).append(rows)
    truth = truth_of(rows)
    truth[:, 0] = ~truth[:, 0]  # what the category means has turned around
    for number in np.random.default_rng(1).permutation(300)[:60]:
        decision = Decision(
            text_id=rows[number].text_id,
            content=f"Текст {number}",
            editor="Анна",
            categories=tuple(np.array(SPACE.keys)[truth[number]]),
            predicted=rows[number].categories,
            shown="blind",
            chosen="random",
            model="tiny@1",
            taxonomy=TAXONOMY.version,
        )
        assert store_decision(store, decision, f"k{number}", TAXONOMY)
    found = monitoring(store, invented).run(AFTER)
    (alert,) = found.opened
    assert alert.about["checks"] == ["reviewed"]
    performance = found.judged[0].performance
    assert performance.reviews == 60
    assert performance.corrected.categories["sport"].high < performance.expected.categories["sport"].low
