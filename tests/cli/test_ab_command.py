"""`rubricator ab` from the plan to the end, and everything that can go wrong on the way."""

from __future__ import annotations

import json

import polars as pl
import pytest
from tests.experiment.conftest import START, readers
from typer.testing import CliRunner

from rubricator.cli.app import app

PLAN = ("--event", "click", "--baseline", "0.1", "--smallest-change", "0.2", "--traffic", "20000")


@pytest.fixture
def say(tmp_path, monkeypatch):
    """Runs the command in a folder of its own; gives the exit code and what it said."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments, columns=200):
        done = CliRunner().invoke(app, ["ab", *map(str, arguments)], env={"COLUMNS": str(columns)})
        return done.exit_code, done.output

    return run


@pytest.fixture
def tables(tmp_path):
    """Exposures and outcomes of a clear effect as files, with two outcomes that are none."""
    exposures, outcomes = readers(3000, rates=(0.1, 0.2))
    when = pl.from_epoch(pl.col("at").cast(pl.Int64), time_unit="s").dt.strftime("%Y-%m-%d %H:%M:%S")
    exposures.frame.with_columns(when).write_csv(tmp_path / "exposures.csv")
    rows = outcomes.frame.with_columns(
        when, pl.col("value").cast(pl.String), pl.int_range(pl.len()).alias("id")
    )
    broken = rows.head(2).with_columns(value=pl.Series(["much", "NaN"]), id=pl.Series([90_000, 90_001]))
    pl.concat([rows, broken]).write_csv(tmp_path / "outcomes.csv")


@pytest.mark.slow
def test_from_the_plan_to_the_end(say, tables, tmp_path):
    code, said = say("plan", "clicks.yaml", *PLAN)
    assert (code, "One look at the end: 5,139 users per arm" in said) == (0, True), said
    code, said = say("start", "clicks.yaml", "--since", START)
    assert (code, "its plan is frozen" in said) == (0, True), said
    code, said = say("status", "clicks.yaml")
    assert (code, "Nobody was exposed" in said) == (0, True)
    files = ("--exposures", "exposures.csv", "--outcomes", "outcomes.csv")
    code, said = say("status", "clicks.yaml", *files, "--at", "2026-09-28", "--json", "status.json")
    assert (code, "as planned (p = 1)" in said, "It may stop." in said) == (0, True, True), said
    code, said = say("report", "clicks.yaml", *files, "--json", "report.json")
    assert (code, "Adopt the treatment: “click” changes by +" in said) == (0, True), said
    assert "2 not a number" in said
    narrow = say("report", "clicks.yaml", *files, columns=60)[1]
    assert "click (goal)" in narrow
    assert "better" in narrow
    report = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    assert (report["decision"], report["exposed"]) == ("adopt", {"control": 1500, "treatment": 1500})
    assert report["conclusion"] in (tmp_path / "clicks.html").read_text(encoding="utf-8")
    assert say("stop", "clicks.yaml", "--note", "adopted")[0] == 0
    code, said = say("start", "clicks.yaml")
    assert (code, "was stopped" in said) == (2, True)


def test_what_is_wrong_is_said(say, tmp_path):
    assert "--event, --baseline, --smallest-change, --traffic must be told" in say("plan", "clicks.yaml")[1]
    assert "There is no plan" in say("start", "clicks.yaml")[1]
    say("plan", "clicks.yaml", *PLAN)
    assert "is there already" in say("plan", "clicks.yaml", *PLAN)[1]
    assert "There is no database" in say("report", "clicks.yaml")[1]
    assert "is no time" in say("start", "clicks.yaml", "--since", "soon")[1]
    assert say("start", "clicks.yaml")[0] == 0
    file = tmp_path / "clicks.yaml"
    file.write_text(file.read_text(encoding="utf-8").replace("0.2", "0.3"), encoding="utf-8")
    code, said = say("report", "clicks.yaml")
    assert (code, "goal.smallest_change: 0.2 → 0.3" in said) == (2, True)
    file.write_text(file.read_text(encoding="utf-8").replace("0.3", "0.2"), encoding="utf-8")
    (tmp_path / "e.csv").write_text("user,arm,at\na,control,2026-01-01\n", encoding="utf-8")
    code, said = say("report", "clicks.yaml", "--exposures", "e.csv")
    assert (code, "has no column 'unit'" in said) == (2, True)
    (tmp_path / "e.csv").write_text("unit,arm,at\na,blue,2026-01-01\n", encoding="utf-8")
    code, said = say("report", "clicks.yaml", "--exposures", "e.csv")
    assert (code, "Nobody was exposed" in said) == (2, True)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"--baseline": "1.5"}, "between 0 and 1"),
        ({"--smallest-change": "0"}, "greater than 0"),
        ({"--traffic": "0"}, "greater than 0"),
        ({"--traffic": "0.01"}, "years"),
    ],
)
def test_what_cannot_be_planned_leaves_no_file(say, tmp_path, changed, said):
    options = dict(zip(PLAN[::2], PLAN[1::2], strict=True)) | changed
    code, told = say("plan", "clicks.yaml", *[part for pair in options.items() for part in pair])
    assert (code, said in told) == (2, True), told
    assert not (tmp_path / "clicks.yaml").exists()


def test_a_folder_for_the_page_and_a_store_that_is_none_are_named_as_they_were_given(say, tmp_path):
    say("plan", "clicks.yaml", *PLAN)
    with (tmp_path / "clicks.yaml").open("a", encoding="utf-8") as file:
        file.write("segments: [device]\n")
    assert say("start", "clicks.yaml")[0] == 0
    (tmp_path / "folder").mkdir()
    code, said = say("report", "clicks.yaml", "-o", "folder")
    assert (code, "folder is a folder, and -o names the page itself" in said) == (2, True), said
    code, said = say("report", "clicks.yaml")
    assert (code, "Nobody was exposed" in said, "--units" in said) == (2, True, False), said
    for words in (("status", "clicks.yaml"), ("start", "clicks.yaml")):
        code, said = say(*words, "--store", "clicks.yaml")
        assert (code, "Name another file (--store)" in said) == (2, True), said
        code, said = say(*words, "--store", "folder")
        assert (code, "it is a folder" in said) == (2, True), said
