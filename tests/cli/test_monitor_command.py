"""`rubricator monitor`, from a log to the page."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from invented_predictions import predictions
from typer.testing import CliRunner

from rubricator.cli.app import app
from rubricator.monitor.reference import reference_bytes
from rubricator.store import Store
from rubricator.store.predictions import PredictionLog


@pytest.fixture
def place(tmp_path, invented):
    (tmp_path / "reference.safetensors").write_bytes(reference_bytes(invented))
    with Store.open(tmp_path / "log.sqlite") as store:
        begin = datetime.now(UTC) - timedelta(days=21)
        rows = predictions(120, seed=1, at=begin, length=timedelta(days=1))
        rows += predictions(120, seed=2, at=begin + timedelta(days=7), length=timedelta(days=1), shift=3.0)
        PredictionLog(store).append([replace(row, at=row.at) for row in rows])
    return tmp_path


def run(*words):
    return CliRunner().invoke(app, ["monitor", *map(str, words)])


@pytest.mark.slow
def test_a_run_writes_page_json_and_figures_and_says_what_changed(place):
    options = ["--reference", place / "reference.safetensors", "--out", place / "out"]
    done = run(
        "run", place / "log.sqlite", *options, "--json", place / "m.json", "--prometheus", place / "m.prom"
    )
    assert done.exit_code == 0, done.output
    assert "Alert 1" in done.output
    content = json.loads((place / "m.json").read_text(encoding="utf-8"))
    assert [one["state"] for one in content["windows"] if one["rows"]] == ["quiet", "alarm"]
    assert "Спорт" in (place / "out/monitor.html").read_text(encoding="utf-8")
    assert "rubricator_monitor_alerts" in (place / "m.prom").read_text(encoding="utf-8")
    again = run("report", place / "log.sqlite", *options)
    assert again.exit_code == 0, again.output


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["run", "absent.sqlite", "--reference", "x"], "no database"),
        (["reference", "absent", "texts.csv"], "no artifact"),
    ],
)
def test_what_is_not_there_is_said(words, said):
    done = run(*words)
    assert done.exit_code == 2
    assert said in done.output


def test_a_store_that_is_none_is_named_as_it_was_given(place):
    (place / "text.txt").write_text("nothing of the kind, and longer than a header" * 9, encoding="utf-8")
    options = ["--reference", place / "reference.safetensors", "--out", place / "out"]
    done = run("run", place / "text.txt", *options)
    assert (done.exit_code, "Name another file (STORE)" in done.output) == (2, True), done.output
    done = run("run", place / "log.sqlite", *options, "--reviews", place / "text.txt")
    assert (done.exit_code, "Name another file (--reviews)" in done.output) == (2, True), done.output


def test_a_reference_that_is_none_is_said(place):
    (place / "other.bin").write_bytes(b"nothing of the kind")
    done = run("run", place / "log.sqlite", "--reference", place / "other.bin")
    assert done.exit_code == 2
    assert "cannot be read" in done.output
