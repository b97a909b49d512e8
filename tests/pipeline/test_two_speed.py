"""From a finished run to an artifact of two speeds: what it serves, what it tells, and when there is none."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from once import made_once
from small_encoder import write_encoder
from small_project import CATEGORIES

from rubricator.artifact import read_artifact
from rubricator.config import read_config
from rubricator.dataset import files
from rubricator.encode.export import export
from rubricator.encode.source import resolve
from rubricator.errors import TrainingError
from rubricator.models.two_speed import REST, STUDENT, TwoSpeedModel
from rubricator.pipeline.stage import Run, run_stages
from rubricator.pipeline.stages import STAGES
from rubricator.pipeline.two_speed import CURVE, PLOT, distil
from rubricator.predict import Predictor
from rubricator.taxonomy import Taxonomy
from rubricator.train.two_speed import student

WORDS = {
    "weather": "дождь гроза снег ветер туман град облака иней оттепель ливень мороз радуга заря зной",
    "sport": "матч турнир вратарь тренер чемпион гонка лыжи удар счёт команда старт финиш кубок мяч",
    "food": "рецепт пирог суп тесто тмин мука сахар ревень уха каша масло соль ужин печь",
    "none": "мост катер письмо атлас крыша забор поезд ключ окно лампа стол дорога часы шкаф",
}
TEXTS = 140
CONFIG = """
name: quick
data: {files: [texts.csv], columns: {id: id, body: text}}
label: {teachers: [rules]}
split: {folds: 3, test: 0.15}
encode: {encoder: ./encoder, max_tokens: 48, threads: 1, cache: ./cache}
evaluate: {bootstrap: 100, plots: false, latency_seconds: 0.1}
train: {models: [heads], learning_curve: false, heads: {mix: false}}
"""

pytestmark = pytest.mark.slow


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Finished runs of the same texts, with one category each and with any number of them."""
    return made_once("two-speed", _finish_runs, tmp_path_factory)


def _finish_runs(folder: Path) -> str:
    encoder, cache = write_encoder(folder / "encoder"), folder / "cache"
    export(resolve(str(encoder), cache=cache), cache=cache)
    rng = np.random.default_rng(0)
    for task in ("single-label", "multi-label"):
        place = folder / task
        place.mkdir()
        with (place / "texts.csv").open("w", encoding="utf-8", newline="") as file:
            table = csv.writer(file)
            table.writerow(("id", "text"))
            for number in range(TEXTS):
                words = list(WORDS.values())[number % 4].split()
                table.writerow((number, " ".join(rng.choice(words, size=8).tolist())))
        (place / "taxonomy.yaml").write_text(f"task: {task}\n{CATEGORIES}", encoding="utf-8")
        config = CONFIG.replace("./encoder", str(encoder)).replace("./cache", str(cache))
        (place / "rubricator.yaml").write_text(config, encoding="utf-8")
        run_stages(run_of(folder, task), STAGES)
    return ""


def run_of(home: Path, task: str, *overrides: str, name: str = "run") -> Run:
    config = read_config(home / task / "rubricator.yaml", list(overrides))
    return Run(config, Taxonomy.read(config.path(config.taxonomy)), home / task / name)


@pytest.mark.parametrize("task", ["single-label", "multi-label"])
def test_both_routes_serve_what_was_trained_and_everything_tells_of_it(home, task):
    run = run_of(home, task)
    done = distil(run, max_drop=0.2)
    predictor = Predictor.load(done.folder)
    slower = Predictor.load(run.folder / "artifact")
    texts = files.read_dataset(run.folder).texts
    predictions = predictor.predict(texts)
    assert {one.route for one in predictions} <= {STUDENT, REST}
    assert any(one.route == STUDENT for one in predictions)
    model = read_artifact(done.folder).model
    assert isinstance(model, TwoSpeedModel)
    for text, one, other in zip(texts, predictions, slower.predict(texts), strict=True):
        if one.route == REST:
            assert one.probabilities == other.probabilities, "the same bits"
            assert one.categories == other.categories
        assert predictor.predict([text])[0] == one, "whatever is beside it"
    curve = json.loads((run.folder / CURVE).read_text(encoding="utf-8"))
    assert curve["model"] == done.manifest.identifier
    assert curve["chosen"] in curve["points"]
    assert curve["chosen"]["fall"]["high"] <= 0.2
    assert (run.folder / PLOT).stat().st_size > 5_000
    card = (done.folder / "README.md").read_text(encoding="utf-8")
    assert "## Two speeds" in card
    assert card.count("(in force)") == 1
    assert f"{sum(part == 'train' for part in files.read_split(run.folder).part.values()):,} texts" in card


def test_no_text_of_validation_or_test_teaches_the_student(home, monkeypatch):
    run, taught = run_of(home, "multi-label"), []
    fit = student.fit_linear

    def watched(examples, **others):
        taught.extend(examples.contents)
        return fit(examples, **others)

    monkeypatch.setattr(student, "fit_linear", watched)
    distil(run, max_drop=0.9)
    part = files.read_split(run.folder).part
    texts = files.read_dataset(run.folder).texts
    assert taught == [text.content for text in texts if part[text.id] == "train"]


def test_what_cannot_be_made_faster_says_why(home, tmp_path, make_artifact):
    run = run_of(home, "multi-label")
    make_artifact(tmp_path / "run/artifact")
    with pytest.raises(TrainingError, match="linear, looks through no encoder"):
        distil(replace(run, folder=tmp_path / "run"))
    text = "task: multi-label\n" + CATEGORIES.replace("key: food", "key: meals")
    (tmp_path / "taxonomy.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(TrainingError, match="other categories than the list of today"):
        distil(replace(run, taxonomy=Taxonomy.read(tmp_path / "taxonomy.yaml")))
