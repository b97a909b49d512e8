"""Vectors of several encoders go from the config through training and evaluation into what is served."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml
from several_encoders import WIDTHS, look_through, write_two
from small_project import project

from rubricator.config import read_config
from rubricator.dataset import files
from rubricator.dataset.labels import read_labels
from rubricator.dataset.training_data import training_data
from rubricator.encode.vectors import encode_by_each
from rubricator.models.training_files import read_training
from rubricator.pipeline.stage import Run, run_stages, stage_lines
from rubricator.pipeline.stages import STAGES
from rubricator.predict import Predictor
from rubricator.taxonomy import Taxonomy

Prepare = Callable[..., Run]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("several")
    write_two(folder)
    return folder


@pytest.fixture
def prepare(home: Path, tmp_path: Path) -> Prepare:
    """A run of the small project with these encoders of `home`, not yet begun."""

    def prepared(*encoders: str | Mapping[str, object]) -> Run:
        path = project(tmp_path, single=False)
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        content["encode"] = {
            "encoder": [one if isinstance(one, dict) else str(home / one) for one in encoders],
            "max_tokens": 48,
            "threads": 1,
            "precision": "fp32",
            "cache": str(home / "cache"),
        }
        content["train"] = {"models": ["heads"], "learning_curve": False, "refit": "all"}
        content["evaluate"] = {"plots": False, "bootstrap": 100, "latency_seconds": 0.1}
        content["split"] = {"folds": 2, "test": 0.2}
        path.write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
        config = read_config(path)
        return Run(config, Taxonomy.read(config.path(config.taxonomy)), tmp_path / "run")

    return prepared


def served_widths(run: Run) -> dict[str, int]:
    manifest = json.loads((run.folder / "artifact/manifest.json").read_text(encoding="utf-8"))
    folders = {path.name for path in (run.folder / "artifact/encoders").iterdir()}
    assert folders == set(manifest["encoders"])
    return {name: about["width"] for name, about in manifest["encoders"].items()}


@pytest.mark.slow
@pytest.mark.parametrize("names", [("base", "second"), ("second",)])
def test_what_is_served_says_what_was_trained(
    prepare: Prepare, monkeypatch: pytest.MonkeyPatch, names: tuple[str, ...]
) -> None:
    look_through(monkeypatch, *names)
    run = prepare("broad", "narrow")
    run_stages(run, STAGES)
    assert served_widths(run) == {name: WIDTHS[name] for name in names}, "what the model needs and no more"
    trained, _ = read_training(run.folder)
    assert set(trained.untrained) == set(names)
    dataset = files.read_dataset(run.folder)
    vectors = encode_by_each(dataset.texts, run.config, WIDTHS)
    label_set = read_labels(run.folder, dataset, run.taxonomy)
    inputs = training_data(dataset, label_set, vectors.pop("base"), vectors).examples.inputs()
    expected = trained.rules["heads"].probabilities(trained.served[0].logits(inputs))
    found = Predictor.load(run.folder / "artifact").probabilities(dataset.texts)
    np.testing.assert_allclose(found, expected, atol=1e-3)
    assert (run.folder / "artifact/README.md").read_text(encoding="utf-8").count("narrow") == 1
    assert trained.costs["heads"].bytes > 0


@pytest.mark.slow
def test_an_encoder_that_cannot_be_had_is_left_out_of_the_whole_run(
    prepare: Prepare, monkeypatch: pytest.MonkeyPatch, home: Path
) -> None:
    look_through(monkeypatch, "base", "second")
    run = prepare("broad", "nowhere")
    run_stages(run, STAGES)
    told = [line for line in stage_lines(run, "train") if "takes no part" in line]
    assert len(told) == 1
    assert str(home / "nowhere") in told[0]
    assert served_widths(run) == {"base": WIDTHS["base"]}
    assert len(Predictor.load(run.folder / "artifact").predict(["Дождь над полем"])) == 1


@pytest.mark.slow
def test_a_further_encoder_does_not_undo_the_labels_of_rules(prepare: Prepare) -> None:
    run = prepare("broad")
    run_stages(run, STAGES, until="label")
    said: list[str] = []
    again = replace(prepare("broad", {"encoder": "narrow", "prefix": ""}), say=said.append)
    run_stages(again, STAGES, until="label")
    assert all("unchanged" in line for line in said), said
