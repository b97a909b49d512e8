"""Every kind of model goes through the pipeline, is the same twice, and serves what it was measured at."""

import csv
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from once import made_once
from small_encoder import write_encoder
from small_project import CATEGORIES, TEXTS

from rubricator.config import KINDS, read_config
from rubricator.dataset import files
from rubricator.dataset.inputs import BASE, Inputs
from rubricator.encode.export import export
from rubricator.encode.source import resolve
from rubricator.encode.vectors import vector_cache
from rubricator.models.training_files import read_training
from rubricator.pipeline.stage import Run, run_stages
from rubricator.pipeline.stages import STAGES
from rubricator.predict import Predictor
from rubricator.taxonomy import Taxonomy

TOLERANCE = 1e-3
PLACES = ("улица", "поле", "кухня", "")
CONFIG = """
name: kinds
data:
  files: [texts.csv]
  columns: {id: id, body: text, features: [place, length]}
label: {teachers: [rules]}
split: {folds: 3, test: 0.2}
encode: {encoder: ./encoder, max_tokens: 48, threads: 1, cache: ./cache}
evaluate: {bootstrap: 100, plots: false}
train:
  ensemble: false
  finetune: {epochs: 2, layers: 1, learning_rate: 0.005, precision: fp32, contrastive: off}
  cascade: {precision: auto}
  static: {width: 16}
  hybrid: {rare_level_count: 2}
"""


SERVE = """
import sys
from rubricator import Predictor
print(len(Predictor.load(sys.argv[1]).predict(["Дождь над полем"])))
print([name for name in ("torch", "transformers", "peft", "model2vec") if name in sys.modules])
"""


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two projects with the same texts, with one category each and with any number of them."""
    return made_once("kinds", _write_projects, tmp_path_factory)


def _write_projects(folder: Path) -> str:
    encoder, cache = write_encoder(folder / "encoder"), folder / "cache"
    export(resolve(str(encoder), cache=cache), cache=cache)
    for task in ("single-label", "multi-label"):
        place = folder / task
        place.mkdir()
        write_texts(place / "texts.csv")
        (place / "taxonomy.yaml").write_text(f"task: {task}\n{CATEGORIES}", encoding="utf-8")
        config = CONFIG.replace("./encoder", str(encoder)).replace("./cache", str(cache))
        (place / "rubricator.yaml").write_text(config, encoding="utf-8")
    return ""


def write_texts(path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(("id", "text", "place", "length"))
        for number, text in enumerate(TEXTS):
            table.writerow((number, text, PLACES[number // 6], len(text) if number % 5 else ""))


def go(home: Path, task: str, kind: str, name: str, *, until: str | None = None) -> Path:
    config = read_config(home / task / "rubricator.yaml", [f'train.models=["{kind}"]'])
    taxonomy = Taxonomy.read(config.path(config.taxonomy))
    folder = home / task / name
    run_stages(Run(config, taxonomy, folder), STAGES, until=until)
    return folder


def content(folder: Path) -> dict[str, bytes]:
    """What the model is made of: its arrays, and the encoder if that was trained."""
    inside = [*(folder / "stages/models").rglob("*"), *(folder / "stages/training").rglob("encoder.onnx")]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in inside if path.is_file()}


def serve_without_torch(artifact: Path) -> None:
    """Load it in a process of its own: neither torch nor its like is imported."""
    done = subprocess.run(
        [sys.executable, "-c", SERVE, str(artifact)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["1", "[]"]


@pytest.mark.slow
@pytest.mark.parametrize("task", ["single-label", "multi-label"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_is_the_same_twice_and_serves_what_was_measured(home: Path, task: str, kind: str) -> None:
    first = go(home, task, kind, f"{kind}-1")
    manifest = json.loads((first / "artifact/manifest.json").read_text(encoding="utf-8"))
    assert manifest["kind"] == kind
    dataset = files.read_dataset(first)
    trained, _ = read_training(first)
    config = read_config(home / task / "rubricator.yaml")
    encoders = {BASE: vector_cache(config).encoder.encode, **trained.open(config)}
    contents, features = zip(*[(text.content, text.features) for text in dataset.texts], strict=True)
    rule = trained.rules[kind]
    expected = rule.probabilities(trained.winner.logits(Inputs(contents, features, encoders=encoders)))
    found = Predictor.load(first / "artifact").probabilities(dataset.texts)
    np.testing.assert_allclose(found, expected, atol=TOLERANCE)
    clear = np.abs(expected - rule.threshold).min(axis=1) > TOLERANCE
    assert (rule.decide(found) == rule.decide(expected))[clear].all()
    if task == "multi-label":
        serve_without_torch(first / "artifact")
    else:
        again = go(home, task, kind, f"{kind}-2", until="train")
        assert content(again) == content(first), "trained again from nothing"
