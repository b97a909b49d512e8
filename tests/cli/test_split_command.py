"""`rubricator split --check` at the command line: what it prints, writes and ends with."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

from rubricator.cli.app import app

TRAIN = "text,author\nсыр пахнет грушей,Аня\nсдача не сошлась,Вера\n"
TEST = "text,author\nСыр пахнет грушей!,Глеб\nочередь до лифта,Вера\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "train.csv").write_text(TRAIN, encoding="utf-8")
    (tmp_path / "test.csv").write_text(TEST, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "120")
    return tmp_path


def split(*arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["split", *arguments])
    return done.exit_code, " ".join(done.output.split())


def test_leaks_are_told_and_written_and_end_well(folder: Path) -> None:
    code, said = split(
        "--check", "train.csv", "test.csv", "--group-by", "author", "--json", "r.json", "--pairs", "p.csv"
    )
    assert code == 0
    assert "2 train, 2 test" in said
    assert "same words test 1 50% 1 of train" in said
    assert "same group test 1 50% 1 of train" in said
    report = json.loads((folder / "r.json").read_text(encoding="utf-8"))
    assert [(leak["kind"], leak["texts"]) for leak in report["leaks"]] == [("exact", 1), ("group", 1)]
    pairs = pl.read_csv(folder / "p.csv")
    assert pairs["shared"].to_list() == [None, "Вера"]
    assert pairs["twin_text"].to_list() == ["сыр пахнет грушей", "сдача не сошлась"]


def test_strict_ends_with_one_where_something_leaks_and_else_with_nought(folder: Path) -> None:
    assert split("--check", "train.csv", "test.csv", "--strict")[0] == 1
    (folder / "test.csv").write_text("text\nмасло не тает\n", encoding="utf-8")
    code, said = split("--check", "train.csv", "test.csv", "--strict")
    assert code == 0
    assert "Nothing leaks." in said


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["train.csv", "test.csv"], "train.csv belongs to --check"),
        (["--strict"], "--strict belongs to --check"),
        (["--check", "--time", "date"], "--time is for FILES"),
        (["--check", "train.csv", "test.csv", "--pairs", "pairs.doc"], ".doc"),
        (["--check", "train.csv"], "no column in it tells the part"),
    ],
)
def test_what_would_do_nothing_and_what_cannot_be_end_with_two(
    folder: Path, arguments: list[str], said: str
) -> None:
    code, output = split(*arguments)
    assert code == 2
    assert said in output
    assert sorted(path.name for path in folder.iterdir()) == ["test.csv", "train.csv"]
