"""A run may be killed or interrupted at any moment and goes on afterwards."""

import json
import os
import random
import signal
import subprocess
import time
from pathlib import Path

import pytest

from commands import COMMAND, rubricator

# The same stages with less work in them: no cross-validation of golden texts, one model, few samples.
LESS = ("golden.use=test", "train.models=[heads]", "evaluate.bootstrap=100")
RUN = ("run", "-c", "mine/rubricator.yaml", *(part for setting in LESS for part in ("--set", setting)))
STAGES = ("read", "split", "label", "train", "evaluate", "export")


def start(cwd: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [COMMAND, *RUN],
        cwd=cwd,
        env={**os.environ, "NO_COLOR": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for(path: Path, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 240
    while not path.exists():
        assert process.poll() is None, f"the run ended before {path.name}: {process.communicate()[1]}"
        assert time.monotonic() < deadline
        time.sleep(0.01)


def figures(folder: Path) -> object:
    metrics = json.loads((folder / "runs/videos/metrics.json").read_text(encoding="utf-8"))
    return metrics["parts"], metrics["models"]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that nobody disturbed."""
    folder = tmp_path_factory.mktemp("whole")
    rubricator("init", "mine", "--template", "videos", cwd=folder)
    done = rubricator(*RUN, cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder


def test_a_run_killed_in_every_stage_ends_like_an_undisturbed_one(whole: Path, tmp_path: Path) -> None:
    rubricator("init", "mine", "--template", "videos", cwd=tmp_path)
    draw = random.Random(5)
    for stage in STAGES[:-1]:
        process = start(tmp_path)
        wait_for(tmp_path / f"runs/videos/stages/{stage}.done", process)
        # Somewhere in the next stage.
        time.sleep(draw.random() * 0.3)
        process.kill()
        process.communicate()
        assert not (tmp_path / "runs/videos/stages/export.done").exists() or stage == "evaluate"
    done = rubricator(*RUN, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "unchanged" in done.stdout, "what was whole is not done again"
    assert figures(tmp_path) == figures(whole)
    assert (
        rubricator(
            "predict", "runs/videos/artifact", "mine/videos.csv", "-o", "out.csv", cwd=tmp_path
        ).returncode
        == 0
    )


def test_ctrl_c_says_how_to_go_on(whole: Path, tmp_path: Path) -> None:
    rubricator("init", "mine", "--template", "videos", cwd=tmp_path)
    process = start(tmp_path)
    wait_for(tmp_path / "runs/videos/stages/split.done", process)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Run the same command again" in said
    assert "Traceback" not in said


def test_answers_given_before_a_kill_are_not_asked_for_again(whole: Path) -> None:
    (whole / "runs/videos/stages/label.done").unlink()
    (whole / "runs/videos/run.log").unlink()
    done = rubricator("label", *RUN[1:], cwd=whole)
    assert done.returncode == 0, done.stderr
    log = (whole / "runs/videos/run.log").read_text(encoding="utf-8")
    assert "encoder: 0 of 308 texts to ask about" in log
    assert "rules: 0 of 308 texts to ask about" in log
