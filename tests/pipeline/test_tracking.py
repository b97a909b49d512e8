"""Tracking: what is logged is read back, nothing of the process changes, a dead server loses nothing."""

from __future__ import annotations

import http.server
import logging
import os
import sys
import threading
import time
import warnings
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from rubricator.config import Config
from rubricator.config.tracking import Tracking
from rubricator.dataset.files import write_json
from rubricator.errors import ConfigError, MissingExtraError
from rubricator.pipeline import tracking
from rubricator.pipeline.tracking import check_tracking, epoch_figures, parameters, run_figures, track

CONFIG = Config.model_validate(
    {
        "name": "orchard",
        "data": {"files": ["pears.csv", "plums.csv"], "columns": {"body": "note"}},
        "label": {"store": "postgresql://ann:hunter2@db.example/answers"},
    }
)

NOBODY = "http://ann:hunter2@127.0.0.1:9"  # the port of a service that no machine runs


def estimate(value: float | None) -> dict[str, float | None]:
    low, high = (None, None) if value is None else (value - 0.1, value + 0.1)
    return {"value": value, "low": low, "high": high}


def part(macro_f1: float) -> dict[str, Any]:
    return {
        "part": "any",
        "texts": 40,
        "single": True,
        "macro_f1": estimate(macro_f1),
        "accuracy": None,
        "categories": [{"key": "груши", "f1": estimate(0.8)}, {"key": "a/b", "f1": estimate(None)}],
    }


METRICS = {
    "model": "heads",
    "headline": "golden",
    "parts": {"golden": part(0.7), "test": part(0.6)},
    "validation": {"heads": {"macro_f1": 0.65, "texts": 30}},
    "latency": {"p50": 0.01, "within_budget": True},
}


def finish(folder: Path) -> Path:
    """What a whole run leaves, in small."""
    for name in ("stages/training/all/finetune", "plots", "artifact/heads"):
        (folder / name).mkdir(parents=True)
    write_json(folder / "metrics.json", METRICS)
    (folder / "report.html").write_text("<p>report</p>")
    (folder / "plots/roc.png").write_bytes(b"png")
    (folder / "artifact/manifest.json").write_text("{}")
    (folder / "artifact/heads/weights").write_bytes(b"0")
    (folder / "stages/training/all/finetune/epochs.csv").write_text(
        "epoch,train_loss,validation_loss,weighted_f1,note\n1,0.9,1.0,0.4,slow\n2,0.5,,0.6,\n3,0.4,nan,0.7,\n"
    )
    return folder

    return folder


@pytest.fixture
def finished(tmp_path: Path) -> Path:
    """A finished run."""
    return finish(tmp_path / "runs/orchard")


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for runs: they share a store, which takes seconds to be made."""
    return tmp_path_factory.mktemp("runs")


def tracked(folder: Path, **settings: Any) -> str | None:
    """Track, and see that nothing of the process is changed."""
    if find_spec("mlflow") is None:
        pytest.skip("mlflow-skinny is not installed")
    before = dict(os.environ), logging.root.level, list(logging.root.handlers), list(warnings.filters)
    said = track(folder, CONFIG, Tracking(mlflow=True, **settings))
    assert (dict(os.environ), logging.root.level, logging.root.handlers, warnings.filters) == before
    return said


@pytest.mark.slow
def test_a_run_is_logged_and_read_back(runs: Path, capfd: pytest.CaptureFixture[str]) -> None:
    finished = finish(runs / "orchard")
    said = tracked(finished)
    assert said is not None
    assert "experiment 'orchard'" in said
    again = tracked(finished)
    assert again is not None
    assert again.startswith("logged before")
    assert capfd.readouterr() == ("", "")

    from mlflow.tracking import MlflowClient

    client = MlflowClient(tracking_uri=f"sqlite:///{finished.parent / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("orchard")
    (run,) = client.search_runs([experiment.experiment_id])
    assert (run.info.run_name, run.info.status) == ("orchard", "FINISHED")
    assert run.data.params["data.files"].startswith('[{"path": "pears.csv"')
    assert run.data.params["split.test"] == "0.2"
    assert run.data.metrics["macro_f1"] == 0.7
    assert run.data.metrics["macro_f1_low"] == pytest.approx(0.6)
    assert run.data.metrics["f1/груши"] == 0.8
    losses = client.get_metric_history(run.info.run_id, "finetune/train_loss")
    assert [(point.step, point.value) for point in losses] == [(1, 0.9), (2, 0.5), (3, 0.4)]
    files = {
        found.path
        for at in (None, "plots", "artifact")
        for found in client.list_artifacts(run.info.run_id, at)
    }
    assert {
        "report.html",
        "metrics.json",
        "plots/roc.png",
        "artifact/manifest.json",
        "artifact/heads",
    } <= files


def test_nothing_is_logged_unless_asked(finished: Path) -> None:
    assert track(finished, CONFIG, Tracking()) is None
    assert not (finished.parent / "mlflow.db").exists()


class _Broken(http.server.BaseHTTPRequestHandler):
    """A server that answers every request with an error."""

    def do_GET(self) -> None:
        self.send_error(500)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def broken_server() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Broken) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_a_server_that_fails_costs_a_warning_and_little_time(
    finished: Path, broken_server: str, caplog: pytest.LogCaptureFixture
) -> None:
    tracked(finished, uri=NOBODY)  # imports MLflow, which is not part of the time that is measured
    for uri in (NOBODY, broken_server):
        caplog.clear()
        started = time.monotonic()
        assert tracked(finished, uri=uri) is None
        assert time.monotonic() - started < 10
        (record,) = [r for r in caplog.records if r.name == "rubricator.pipeline.tracking"]
        assert record.levelno == logging.WARNING
        assert str(finished) in record.message
        assert uri.replace("ann:hunter2@", "***@") in record.message
        assert "hunter2" not in record.message


@pytest.mark.slow
def test_a_run_that_was_logged_in_part_is_marked_and_logged_again(
    runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    finished = finish(runs / "meadow")

    def full(*_: object) -> None:
        raise OSError("No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(tracking, "_log_files", full)
        assert tracked(finished, experiment="meadow") is None
    said = tracked(finished, experiment="meadow")
    assert said is not None
    assert said.startswith("logged as")

    from mlflow.tracking import MlflowClient

    client = MlflowClient(tracking_uri=f"sqlite:///{finished.parent / 'mlflow.db'}")
    runs = client.search_runs([client.get_experiment_by_name("meadow").experiment_id])
    assert sorted(run.info.status for run in runs) == ["FAILED", "FINISHED"]


def test_telemetry_is_off_while_mlflow_works(finished: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str | None] = []
    monkeypatch.setattr(
        tracking, "_experiment", lambda *_, **__: seen.append(os.environ.get("MLFLOW_DISABLE_TELEMETRY"))
    )
    monkeypatch.setattr(tracking, "_log", lambda *_: "logged")
    tracked(finished, uri=NOBODY)
    assert seen == ["true"]


def test_settings_of_the_users_own_environment_win(finished: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "77")
    seen: list[str | None] = []
    monkeypatch.setattr(
        tracking, "_experiment", lambda *_, **__: seen.append(os.environ.get("MLFLOW_HTTP_REQUEST_TIMEOUT"))
    )
    monkeypatch.setattr(tracking, "_log", lambda *_: "logged")
    tracked(finished, uri=NOBODY)
    assert seen == ["77"]


def test_what_is_missing_is_said_before_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_SUCH_SERVER", raising=False)
    check_tracking(Tracking())
    monkeypatch.setattr(tracking, "find_spec", lambda _: None)
    with pytest.raises(MissingExtraError, match=r"rubricator\[track\]"):
        check_tracking(Tracking(mlflow=True))
    monkeypatch.setattr(tracking, "find_spec", lambda _: object())
    with pytest.raises(ConfigError, match="NO_SUCH_SERVER"):
        check_tracking(Tracking(mlflow=True, uri="${NO_SUCH_SERVER}"))


def test_an_address_of_no_known_kind_is_refused() -> None:
    with pytest.raises(ValidationError, match="begin with http://"):
        Tracking(uri="127.0.0.1:5000")


def test_parameters_are_short_and_hold_no_password() -> None:
    found = parameters(CONFIG)
    assert found["label.store"] == "postgresql://***@db.example/answers"
    assert found["seed"] == "13"
    assert max(map(len, found.values())) <= 500


def test_undefined_figures_are_left_out() -> None:
    found = run_figures(METRICS)
    assert found["test/macro_f1"] == 0.6
    assert found["validation/heads/macro_f1"] == 0.65
    assert "f1/a_b" not in found
    assert "accuracy" not in found


def test_empty_cells_of_epochs_are_left_out(finished: Path) -> None:
    found = list(epoch_figures(finished))
    assert ("finetune/validation_loss", 1, 1.0) in found
    assert len(found) == 7


@pytest.mark.slow
def test_mlflow_is_not_imported_for_nothing() -> None:
    code = "import sys, rubricator.pipeline.tracking; sys.exit('mlflow' in sys.modules)"
    assert os.spawnv(os.P_WAIT, sys.executable, [sys.executable, "-c", code]) == 0
