"""A run may be killed or interrupted at any moment and goes on afterwards."""

import json
import random
import shutil
import signal
import time
from pathlib import Path

import polars as pl
import pytest
from commands import Started, installed, overrides, rubricator, start
from once import made_once
from small_project import project

# The same stages with less work in them: no cross-validation of golden texts, one model, few samples.
LESS = (
    "golden.use=test",
    "train.models=[heads]",
    "train.learning_curve=false",
    "evaluate.bootstrap=100",
    "evaluate.latency_seconds=0.5",
    "evaluate.plots=false",
)
RUN = ("run", "-c", "mine/rubricator.yaml", *overrides(*LESS))
STAGES = ("read", "split", "label", "train", "evaluate", "export")


def wait_for(path: Path, run: Started) -> None:
    deadline = time.monotonic() + 240
    while not path.exists():
        assert not run.ended(), f"the run ended before {path.name}: {run.wait().stderr}"
        assert time.monotonic() < deadline
        time.sleep(0.01)


def figures(folder: Path) -> object:
    metrics = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    return metrics["parts"], metrics["models"]


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that nobody disturbed. Tests must not change it."""

    def run(folder: Path) -> str:
        rubricator("init", "mine", "--template", "videos", cwd=folder)
        # A process of another kind than those that are killed: not even the order of its sets is theirs.
        done = installed(*RUN, cwd=folder)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return made_once("undisturbed-run", run, tmp_path_factory)


@pytest.mark.slow
@pytest.mark.xdist_group("undisturbed-run")
def test_a_killed_run_ends_like_an_undisturbed_one(whole: Path, tmp_path: Path) -> None:
    rubricator("init", "mine", "--template", "videos", cwd=tmp_path)
    run = start(*RUN, cwd=tmp_path)
    wait_for(tmp_path / "runs/videos/stages/label.done", run)
    run.send(signal.SIGKILL)
    run.wait()
    assert not (tmp_path / "runs/videos/stages/train.done").exists()
    done = rubricator(*RUN, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("unchanged") == 3, "what was whole is not done again"
    assert figures(tmp_path / "runs/videos") == figures(whole / "runs/videos")
    pl.read_csv(tmp_path / "mine/videos.csv", infer_schema=False).head(20).write_csv(tmp_path / "few.csv")
    done = rubricator("predict", "runs/videos/artifact", "few.csv", "-o", "out.csv", cwd=tmp_path)
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_a_run_killed_in_every_stage_ends_like_an_undisturbed_one(tmp_path: Path) -> None:
    for name in ("killed", "undisturbed"):
        project(tmp_path / name, single=False)
    few = (
        "run",
        *overrides("evaluate.bootstrap=100", "evaluate.latency_seconds=0.5", "evaluate.plots=false"),
    )
    draw = random.Random(5)
    for stage in STAGES[:-1]:
        run = start(*few, cwd=tmp_path / "killed")
        wait_for(tmp_path / f"killed/runs/small/stages/{stage}.done", run)
        # Somewhere in the next stage.
        time.sleep(draw.random() * 0.01)
        run.send(signal.SIGKILL)
        run.wait()
    assert not (tmp_path / "killed/runs/small/stages/export.done").exists()
    for name in ("killed", "undisturbed"):
        done = rubricator(*few, cwd=tmp_path / name)
        assert done.returncode == 0, done.stderr
        assert ("unchanged" in done.stdout) == (name == "killed"), "what was whole is not done again"
    killed, undisturbed = tmp_path / "killed/runs/small", tmp_path / "undisturbed/runs/small"
    assert figures(killed) == figures(undisturbed)
    assert (killed / "labels.csv").read_bytes() == (undisturbed / "labels.csv").read_bytes()
    table = ("predict", "runs/small/artifact", "texts.csv", "-o", "out.csv")
    tables = []
    for name in ("killed", "undisturbed"):
        assert rubricator(*table, cwd=tmp_path / name).returncode == 0
        tables.append((tmp_path / name / "out.csv").read_bytes())
    assert tables[0] == tables[1]


@pytest.mark.slow
def test_ctrl_c_says_how_to_go_on(tmp_path: Path) -> None:
    rubricator("init", "mine", "--template", "videos", cwd=tmp_path)
    run = start(*RUN, cwd=tmp_path)
    wait_for(tmp_path / "runs/videos/stages/split.done", run)
    run.send(signal.SIGINT)
    done = run.wait()
    assert done.returncode == 130
    assert "Run the same command again" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.slow
@pytest.mark.xdist_group("undisturbed-run")
def test_answers_given_before_a_kill_are_not_asked_for_again(whole: Path, tmp_path: Path) -> None:
    shutil.copytree(whole, tmp_path, dirs_exist_ok=True, ignore=shutil.ignore_patterns("artifact"))
    (tmp_path / "runs/videos/stages/label.done").unlink()
    (tmp_path / "runs/videos/run.log").unlink()
    done = rubricator("label", *RUN[1:], cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    log = (tmp_path / "runs/videos/run.log").read_text(encoding="utf-8")
    assert "encoder: 0 of 308 texts to ask about" in log
    assert "rules: 0 of 308 texts to ask about" in log
