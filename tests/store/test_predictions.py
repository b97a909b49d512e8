"""The log of predictions, in SQLite and in a real PostgreSQL."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from rubricator.store import Store
from rubricator.store.alerts import Alert, MonitorMemory
from rubricator.store.predictions import LoggedPrediction, Loss, PredictionLog

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)


def prediction(number, **changes):
    return LoggedPrediction(
        at=NOW + timedelta(hours=number),
        text_id=f"t{number}",
        model="news@1",
        taxonomy_version="2.1 (a1b2)",
        role="champion",
        categories=("спорт",),
        probabilities={"спорт": 0.75, "театр": 0.125},
        seconds=0.25,
        characters=120,
        language="ru",
        unknown=0.5,
        source="лист",
        features={"views": 3.0, "kind": None, "own": True},
        vector=bytes(range(64)),
        **changes,
    )


@pytest.fixture(
    params=[
        "sqlite",
        pytest.param("postgresql", marks=[pytest.mark.slow, pytest.mark.xdist_group("postgresql")]),
    ]
)
def store(request, tmp_path):
    place = tmp_path / "log.db" if request.param == "sqlite" else request.getfixturevalue("postgresql")
    with Store.open(place) as opened:
        yield opened


def test_the_log_gives_back_what_it_was_given_and_forgets_what_is_old(store):
    log = PredictionLog(store)
    log.append([prediction(number) for number in range(5)], [Loss(NOW, "buffer", 3), Loss(NOW, "buffer", 4)])
    log.append([prediction(5, text="a\0b")])
    rows = [row for _, row in log.read()]
    assert rows == [prediction(number) for number in range(6)]
    assert [row.text for _, row in log.read(texts=True)][-1] == "a\ufffdb"
    some = [row.text_id for _, row in log.read(NOW + timedelta(hours=1), NOW + timedelta(hours=3))]
    assert some == ["t1", "t2"]
    assert log.span() == (NOW, NOW + timedelta(hours=5))
    assert log.losses() == {"buffer": 7}
    assert log.losses(since=NOW + timedelta(days=1)) == {}
    assert log.forget(NOW + timedelta(hours=4)) == 4
    assert [row.text_id for _, row in log.read()] == ["t4", "t5"]


def test_alerts_and_values_are_remembered_together(store):
    memory = MonitorMemory(store)
    alert = Alert(model="news@1", since=NOW, until=NOW, about={"checks": ["vectors"], "what": "слова"})
    memory.keep([alert], {"window:a": {"rows": 3}, "window_b": 1})
    alert.sent.append("log")
    alert.over = NOW + timedelta(days=1)
    memory.keep([alert], {"window:a": {"rows": 4}})
    assert MonitorMemory(store).alerts() == [alert]
    assert memory.values("window:") == {"window:a": {"rows": 4}}


def test_many_rows_are_read_page_by_page(tmp_path, monkeypatch):
    monkeypatch.setattr("rubricator.store.predictions._PAGE", 2)
    monkeypatch.setattr("rubricator.store.predictions._DELETED", 2)
    with Store.open(tmp_path / "log.db") as store:
        log = PredictionLog(store)
        log.append([prediction(number) for number in range(5)])
        assert len(list(log.read())) == 5
        assert log.forget(NOW + timedelta(days=1)) == 5
        assert log.span() is None
