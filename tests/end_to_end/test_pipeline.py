"""The whole pipeline on the shipped examples, by the command a user types."""

import csv
import json
import re
import shutil
from pathlib import Path

import pytest
from commands import overrides, rubricator

from rubricator.artifact.manifest import ENCODERS

# The same work done less often. `news_run` goes through all of it with everything as it is.
LESS = (
    "split.folds=2",
    "train.weak_label_weight=0.3",
    "evaluate.bootstrap=100",
    "evaluate.latency_seconds=0.5",
    "train.learning_curve=false",
)
OUTPUTS = (
    "artifact/manifest.json",
    "artifact/README.md",
    "report.html",
    "plots/overview.png",
    "metrics.json",
    "labels.csv",
    "rejected.csv",
    "run.log",
)


def test_the_run_leaves_everything_it_promises(news_run: Path) -> None:
    run = news_run / "runs/news"
    assert [name for name in OUTPUTS if not (run / name).is_file()] == []
    assert (run / "artifact" / ENCODERS).is_dir()
    said = (news_run / "done").read_text(encoding="utf-8")
    assert "runs/news/report.html" in said
    commands = re.findall(r"^  (\S*rubricator) (predict|serve|run) ", said, re.M)
    assert [name for _, name in commands] == ["predict", "serve", "run"]
    assert all(shutil.which(program) for program, _ in commands), "they can be typed as they stand"
    for key in ("politics", "economy", "culture", "technology", "sport"):
        assert re.search(rf"{key} .*\d\.\d{{3}}–\d\.\d{{3}}", said), f"{key} has no interval"


def test_rejected_rows_are_listed_with_their_reason(news_run: Path) -> None:
    with (news_run / "runs/news/rejected.csv").open(encoding="utf-8", newline="") as file:
        rows = {row["id"]: row["reason"] for row in csv.DictReader(file)}
    assert rows.keys() == {"n900", "n212"}
    assert "no text" in rows["n900"]
    assert "duplicate id" in rows["n212"]


def test_every_text_has_a_label_and_golden_ones_are_kept(news_run: Path) -> None:
    def labels_in(path: Path) -> dict[str, set[str]]:
        with path.open(encoding="utf-8", newline="") as file:
            return {row["id"]: set(filter(None, row["labels"].split(","))) for row in csv.DictReader(file)}

    golden = labels_in(news_run / "examples/news/golden.csv")
    labels = labels_in(news_run / "runs/news/labels.csv")
    assert len(labels) == 415
    with (news_run / "runs/news/labels.csv").open(encoding="utf-8", newline="") as file:
        by_people = {row["id"] for row in csv.DictReader(file) if row["origin"] == "golden"}
    assert by_people == set(golden), "labels of people are theirs in whatever part"
    assert all(labels[id_] == golden[id_] for id_ in golden)
    split = json.loads((news_run / "runs/news/stages/split.json").read_text(encoding="utf-8"))
    assert len(split["teaching"]) > 100
    assert all(split["part"][id_] != "test" for id_ in split["teaching"]), "test labels must not be taught"


def test_figures_stand_on_texts_the_model_never_saw(news_run: Path) -> None:
    metrics = json.loads((news_run / "runs/news/metrics.json").read_text(encoding="utf-8"))
    golden = metrics["parts"]["golden"]
    assert golden["texts"] == 150
    assert golden["origins"] == {"golden": 150}
    macro = golden["macro_f1"]
    assert macro["low"] < macro["value"] < macro["high"]
    assert macro["value"] > 0.7
    assert set(metrics["models"]) == {"heads", "linear", "ensemble"}
    assert metrics["latency"]["within_budget"]
    report = (news_run / "runs/news/report.html").read_text(encoding="utf-8")
    assert "http://" not in report.replace("http://www.w3.org", "")
    assert "<script" not in report
    assert f"{macro['value']:.3f}" in report


def test_a_second_run_does_nothing_again(news_run: Path, tmp_path: Path) -> None:
    before = (news_run / "runs/news/artifact/manifest.json").stat().st_mtime_ns
    again = rubricator("run", "-c", "examples/news/rubricator.yaml", cwd=news_run)
    assert again.returncode == 0, again.stderr
    assert again.stdout.count("unchanged") == 6
    assert (news_run / "runs/news/artifact/manifest.json").stat().st_mtime_ns == before


@pytest.mark.slow
@pytest.mark.parametrize("template", ["reviews", "videos"])
def test_templates_run(template: str, tmp_path: Path) -> None:
    begun = rubricator("init", "mine", "--template", template, cwd=tmp_path)
    assert begun.returncode == 0, begun.stderr
    # Reviews are cross-validated; of the videos, where three kinds compete, the golden ones only measure, and
    # the pictures are drawn, those of columns too.
    drawn = template == "videos"
    more = "golden.use=test" if drawn else "evaluate.plots=false"
    done = rubricator("run", "-c", "mine/rubricator.yaml", *overrides(*LESS, more), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    run = tmp_path / "runs" / template
    outputs = [name for name in OUTPUTS if drawn or not name.startswith("plots/")]
    assert [name for name in outputs if not (run / name).is_file()] == []
    if template == "reviews":
        report = (run / "report.html").read_text(encoding="utf-8")
        assert "too few texts to train on" in report, "a weak model must not hide behind its teachers"
    again = rubricator("init", "mine", "--template", template, cwd=tmp_path)
    assert again.returncode == 2
    assert "already holds" in again.stderr


@pytest.mark.parametrize(("use", "teaching"), [("test", 0), ("tune", 75)])
def test_golden_texts_serve_as_the_config_says(
    use: str, teaching: int, news_run: Path, tmp_path: Path
) -> None:
    config = str(news_run / "examples/news/rubricator.yaml")
    done = rubricator("split", "-c", config, "--set", f"golden.use={use}", "--out", "run", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    split = json.loads((tmp_path / "run/stages/split.json").read_text(encoding="utf-8"))
    assert abs(len(split["teaching"]) - teaching) <= 3
    assert split["fold"] == {}
    assert all(split["part"][id_] == "validation" for id_ in split["teaching"])


@pytest.mark.slow
def test_without_any_golden_text_the_report_says_what_its_figures_are_worth(tmp_path: Path) -> None:
    rubricator("init", "mine", "--template", "videos", cwd=tmp_path)
    settings = (
        *LESS,
        "evaluate.plots=false",
        "golden={}",
        "train.models=[linear]",
        "label.teachers=[rules]",
    )
    done = rubricator("run", "-c", "mine/rubricator.yaml", *overrides(*settings), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    metrics = json.loads((tmp_path / "runs/videos/metrics.json").read_text(encoding="utf-8"))
    assert list(metrics["parts"]) == ["test"]
    assert set(metrics["parts"]["test"]["origins"]) == {"agreement"}
    assert "imitates its teachers" in (tmp_path / "runs/videos/report.html").read_text(encoding="utf-8")
    assert not (tmp_path / "runs/videos/artifact" / ENCODERS).exists(), "n-grams need no encoder"
