"""The artifact as the section `export` wants it, through all stages, served and audited."""

from __future__ import annotations

import errno
import os
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from several_encoders import look_through, write_two
from small_project import TEXTS, project

from rubricator.artifact import audit_artifact
from rubricator.config import read_config
from rubricator.dataset.precision_table import PRECISION, read_table
from rubricator.encode import Encoder
from rubricator.errors import ArtifactError, EncoderError
from rubricator.evaluate.precision import choose
from rubricator.pipeline.export import STAGE
from rubricator.pipeline.stage import Run, run_stages, stage_lines
from rubricator.pipeline.stages import STAGES
from rubricator.predict import Predictor
from rubricator.taxonomy import Taxonomy


def wishing(run: Run, **wishes: object) -> Run:
    """The same run with another section `export`."""
    path = run.config.folder / "rubricator.yaml"
    settings = [f"export.{name}={value}" for name, value in wishes.items()]
    return replace(run, config=read_config(path, settings))


def exported(run: Run, **wishes: object) -> Run:
    wished = wishing(run, **wishes)
    run_stages(wished, STAGES, until="export")
    return wished


def test_without_an_encoder_there_is_nothing_to_quantise(tmp_path: Path) -> None:
    path = project(tmp_path, single=True)
    config = read_config(path)
    run = Run(config, Taxonomy.read(config.path(config.taxonomy)), tmp_path / "run")
    exported(run, precision="int8")
    assert any("nothing to quantise" in line for line in stage_lines(run, "export"))
    assert not (run.folder / PRECISION).exists()
    Predictor.load(run.folder / "artifact").predict([TEXTS[0]])


@pytest.mark.slow
def test_encoders_are_exported_as_the_settings_say_and_served(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(choose, "peak_memory", lambda encoders, texts: None)
    look_through(monkeypatch, "base", "second")
    write_two(tmp_path)
    path = project(tmp_path, single=False)
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    encoders = [str(tmp_path / name) for name in ("broad", "narrow")]
    shared = {"max_tokens": 48, "threads": 1, "precision": "fp32", "cache": str(tmp_path / "cache")}
    content |= {
        "encode": {"encoder": encoders, **shared},
        "train": {"models": ["heads"], "learning_curve": False},
        "evaluate": {"plots": False, "bootstrap": 100, "latency_seconds": 0.1},
        "split": {"folds": 2, "test": 0.2},
    }
    path.write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
    config = read_config(path)
    run = Run(config, Taxonomy.read(config.path(config.taxonomy)), tmp_path / "run")
    run_stages(run, STAGES)
    plain = audit_artifact(run.folder / "artifact")
    before = Predictor.load(run.folder / "artifact").probabilities(TEXTS)

    exported(run, runtime="onnx", max_flips=1, max_accuracy_drop=0.9, trim_vocabulary="true")
    artifact = run.folder / "artifact"
    table = read_table(run.folder)
    assert table is not None
    # Both encoders in each precision, and one in each: what is served is one of these.
    assert {row.name for row in table.rows} >= {"ONNX Runtime fp32", "ONNX Runtime int8"}
    assert any(" + " in row.name for row in table.rows)
    assert set(table.vocabulary) == {"base", "second"}
    card = (artifact / "README.md").read_text(encoding="utf-8")
    assert f"computed by {table.chosen}:" in card
    assert all(f"| {row.name} " in card for row in table.rows)
    predictor = Predictor.load(artifact)
    assert abs(predictor.probabilities(TEXTS) - before).max() < 0.2
    assert audit_artifact(artifact).id != plain.id
    asked = {
        name: Encoder.load(artifact / "encoders" / name, threads=1).describe() for name in ("base", "second")
    }
    told = {name: f"ONNX Runtime {about['precision']}" for name, about in asked.items()}
    assert told == table.row(table.chosen).variants

    exported(run, runtime="onnx", max_flips=1, max_accuracy_drop=0.9, trim_vocabulary="true")
    assert audit_artifact(artifact) == predictor.manifest  # nothing changed, nothing was done

    # What fails leaves the artifact of before: a price that nobody allowed, and a full disk.
    monkeypatch.setattr(
        "rubricator.evaluate.precision.candidates.Candidates.keeps", lambda self, verdict: False
    )
    with pytest.raises(EncoderError, match="ONNX Runtime int8 would lose"):
        exported(run, runtime="onnx", precision="int8")
    monkeypatch.undo()

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "encoder.onnx")

    with monkeypatch.context() as patched:
        patched.setattr("rubricator.encode.encoder.shutil.copyfile", full)
        with pytest.raises(ArtifactError, match="No space left"):
            STAGE.work(wishing(run))
    assert audit_artifact(artifact) == predictor.manifest

    STAGE.work(wishing(run))
    assert not (run.folder / PRECISION).exists()
    assert "Precision" not in (artifact / "README.md").read_text(encoding="utf-8")
