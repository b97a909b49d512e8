"""From an editor's decision over HTTP to a challenger, and whether it may serve."""

from __future__ import annotations

import json
import random
import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import httpx
import pytest
import yaml
from small_project import project
from tests.serve.conftest import running
from typer.testing import CliRunner

from rubricator.artifact import ModelRegistry
from rubricator.cli.app import app
from rubricator.config import read_config
from rubricator.dataset import files
from rubricator.dataset.sources import read_sources
from rubricator.errors import ArtifactError, ConfigError, DataError
from rubricator.pipeline import challenger as building
from rubricator.pipeline.feedback import take_file
from rubricator.pipeline.retrain import RetrainSettings, plan_retraining, retrain
from rubricator.pipeline.review import open_review
from rubricator.pipeline.stage import Run, run_stages
from rubricator.pipeline.stages import STAGES
from rubricator.predict import Predictor
from rubricator.project.project import Project
from rubricator.review.feedback import read_decisions
from rubricator.serve import create_app
from rubricator.serve.feedback import FeedbackStore
from rubricator.stats.promotion import Verdict
from rubricator.store import Store
from rubricator.tables.reading import open_writer
from rubricator.taxonomy import Taxonomy

WORDS = {
    "weather": ["ливень", "метель", "оттепель", "заморозки", "циклон", "гололёд"],
    "sport": ["финал", "лыжи", "команда", "гонщик", "стадион", "заезд"],
    "food": ["каша", "варенье", "борщ", "выпечка", "соус", "кухня"],
}
OTHERS = (
    *("сегодня", "утром", "снова", "очень", "старый", "новый", "весной", "говорят", "издалека", "почти"),
    *("вчера", "долго", "тихо", "мимо", "скоро", "опять", "редко", "вдруг", "сразу", "потом", "рядом"),
)


def decided(number, *, categories=tuple(WORDS), blind=2, start=0):
    """Decisions on texts that no two of are alike; every second one blind and drawn by lot."""
    draw = random.Random(start)
    for row in range(start, start + number):
        category = categories[row % len(categories)]
        words = [*draw.sample(OTHERS, 7), *draw.sample(WORDS[category], 2)]
        draw.shuffle(words)
        shown = (row // len(categories)) % blind == 0
        yield {
            "id": str(row),
            "body": " ".join(words),
            "editor": "Анна",
            "categories": category,
            "predicted": "food",
            "shown": "blind" if shown else "suggested",
            "chosen": "random" if shown else "gain",
            "seconds": 4,
        }


def written(path, rows):
    rows = list(rows)
    with open_writer(path, tuple(rows[0])) as writer:
        writer.write(rows)
    return path


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("retrain")
    config = read_config(project(folder, single=True), [])
    run = Run(config, Taxonomy.read(config.path(config.taxonomy)), folder / "runs/small")
    run_stages(run, STAGES)
    return run


@pytest.fixture
def run(made, tmp_path):
    """A copy of the run: what a challenger writes stays in the test."""
    shutil.copytree(made.folder, tmp_path / "run")
    return replace(made, folder=tmp_path / "run")


@pytest.fixture
def asked(tmp_path):
    return RetrainSettings(
        feedback=(str(tmp_path / "feedback.sqlite"),), registry=tmp_path / "models", wanted=20
    )


def take(run, tmp_path, rows, name="decisions.csv"):
    file = written(tmp_path / name, rows)
    return take_file(str(tmp_path / "feedback.sqlite"), file, artifact=run.folder)


def test_parts_that_are_drawn_anew_are_not_those_that_the_champion_knows(run, tmp_path, asked):
    trained = files.read_split(run.folder)
    champion = read_config(run.config.path("rubricator.yaml"), ["seed=7"])
    other = replace(run, config=champion)
    run_stages(other, STAGES, until="split")  # as `rubricator retrain -s seed=7` does
    drawn = files.read_split(run.folder)
    dataset = files.read_dataset(run.folder)
    learnt = [text for text in dataset.texts if trained.part[text.id] == "train" != drawn.part[text.id]]
    assert learnt
    rows = [
        {**row, "body": text.body} for row, text in zip(decided(len(learnt), blind=1), learnt, strict=True)
    ]
    take(run, tmp_path, rows)
    assert plan_retraining(other, asked).material.measured == ()


def test_a_better_challenger_is_promoted_and_what_measured_it_taught_neither(run, tmp_path, asked):
    take(run, tmp_path, decided(240))
    done = retrain(run, asked, promote=True)
    assert (done.verdict, done.promoted, done.look) == (Verdict.PROMOTE, True, 1)
    measured = {one.text.content for one in done.plan.material.measured}
    seen = files.read_dataset(run.folder / "challenger")
    assert len(measured) == 120
    assert not measured & {text.content for text in seen.texts}
    registry = ModelRegistry(asked.registry)
    assert registry.champion() == done.challenger
    assert registry.record()[-1].before == done.champion
    assert "PROMOTE" in registry.notes(done.challenger)[0].note
    told = json.loads(done.file.read_text(encoding="utf-8"))
    assert (told["verdict"], told["champion"], told["promoted"]) == ("PROMOTE", done.champion, True)
    # The same once more is compared with itself no second time, and nothing is new to the new champion.
    again = retrain(run, asked)
    assert (again.verdict, again.challenger) == (Verdict.HOLD, None)
    assert "0 came since the champion was made" in again.reasons[0]


def test_killed_in_the_middle_it_goes_on_and_the_champion_stays(run, tmp_path, asked, monkeypatch):
    take(run, tmp_path, decided(120))
    before = Predictor.load(run.folder / "artifact").manifest.identifier
    export = STAGES[-1]

    def killed(_):
        raise KeyboardInterrupt

    monkeypatch.setattr(building, "STAGES", (*STAGES[:-1], replace(export, work=killed)))
    with pytest.raises(KeyboardInterrupt):
        retrain(run, asked)
    monkeypatch.setattr(building, "STAGES", STAGES)
    said = []
    done = retrain(replace(run, say=said.append), asked)
    assert done.champion == before == Predictor.load(run.folder / "artifact").manifest.identifier
    assert [line for line in said if "train" in line and "unchanged" in line]
    assert done.look == retrain(run, asked).look == 1


def test_too_little_that_is_new_is_held_and_nothing_is_trained(run, tmp_path, asked):
    take(run, tmp_path, decided(12))
    done = retrain(run, asked)
    assert (done.verdict, done.challenger) == (Verdict.HOLD, None)
    assert "6 came since the champion was made, 20 are wanted (14 more)" in done.reasons[0]
    assert not (run.folder / "challenger/artifact").exists()
    plan = plan_retraining(run, asked)
    assert not plan.enough
    assert any("6 blind reviews would measure" in line for line in plan.lines)


def test_what_the_champion_may_have_learnt_from_does_not_measure(run, tmp_path, asked):
    texts, split = files.read_dataset(run.folder).texts, files.read_split(run.folder)
    (train, test) = (next(t for t in texts if split.part[t.id] == part) for part in ("train", "test"))
    row = {"editor": "Анна", "categories": "food", "shown": "blind", "chosen": "random"}
    bodies = (train.content, f"{train.content}!", test.content, "кухня и соус к вечеру остались без повара")
    take(run, tmp_path, [row | {"body": body} for body in bodies])
    material = plan_retraining(run, asked).material
    assert {one.text.content for one in material.measured} == {test.content, bodies[-1]}
    # Where texts of test trained, too, nothing of the run measures.
    train_all = run.config.train.model_copy(update={"refit": "all"})
    refitted = replace(run, config=run.config.model_copy(update={"train": train_all}))
    assert [one.text.content for one in plan_retraining(refitted, asked).material.measured] == [bodies[-1]]


def test_decisions_from_before_the_champion_teach_and_do_not_measure(run, tmp_path, asked):
    long_ago = (datetime.now(UTC) - timedelta(days=3)).isoformat()
    rows = [row | {"when": long_ago} for row in decided(30)]
    take(run, tmp_path, rows)
    material = plan_retraining(run, asked).material
    assert (material.measured, material.new) == ((), 0)
    assert len(material.teaching) == 30
    # Decided on once more, blind: it has taught already.
    take(run, tmp_path, [rows[0] | {"when": "", "editor": "Борис"}], name="again.csv")
    assert plan_retraining(run, asked).material.measured == ()


def test_only_the_newest_share_measures_and_near_duplicates_of_it_are_left_out(run, tmp_path, asked):
    rows = list(decided(60, blind=1))
    take(run, tmp_path, [*rows, rows[-1] | {"body": rows[-1]["body"] + ".", "shown": "suggested"}])
    material = plan_retraining(run, replace(asked, share=0.25)).material
    assert (len(material.measured), len(material.teaching)) == (15, 45)
    assert any("near-duplicate" in note for note in material.notes)


def test_golden_labels_stay_golden(run, tmp_path, asked):
    golden = {"0": ("sport",), "1": ("weather",), "6": ("sport",), "12": ("food",)}
    rows = [{"id": key, "labels": ",".join(keys)} for key, keys in golden.items()]
    written(run.config.path("golden.csv"), rows)
    config = read_config(run.config.path("rubricator.yaml"), ["golden.file=golden.csv"])
    run = replace(run, config=config)
    run_stages(run, STAGES)
    content = next(text.content for text in files.read_dataset(run.folder).texts if text.id == "0")
    row = dict.fromkeys(next(decided(1)), "") | {"editor": "Анна", "body": content, "categories": "food"}
    take(run, tmp_path, [*decided(90), row])
    done = retrain(run, asked)
    assert done.challenger is not None, done.reasons
    inside = run.folder / "challenger"
    sources = read_sources(inside, run.taxonomy)
    assert files.read_dataset(inside).golden == files.read_dataset(run.folder).golden
    assert sources.origin[sources.ids.index("0")] == "golden"


def test_lists_that_differ_are_compared_in_what_means_the_same(run, tmp_path, asked):
    take(run, tmp_path, decided(180))
    path = run.config.path(run.config.taxonomy)
    before = path.read_text(encoding="utf-8")
    content = yaml.safe_load(before)
    content["categories"].append(
        {"key": "town", "name": "Город", "keywords": ["сосед*", "мост", "библиотек*"]}
    )
    path.write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
    try:
        changed = replace(run, taxonomy=Taxonomy.read(path))
        run_stages(changed, STAGES, until="split")
        rows = [row | {"when": datetime.now(UTC).isoformat()} for row in decided(180)]
        file = written(tmp_path / "today.csv", rows)
        done = retrain(changed, replace(asked, feedback=(str(file),)))
    finally:
        path.write_text(before, encoding="utf-8")
    assert done.challenge is not None
    assert [one.key for one in done.challenge.categories] == ["weather", "sport", "food"]
    assert any("town" in note for note in done.challenge.notes)


def test_bad_input_is_told(run, tmp_path, asked):
    with pytest.raises(DataError, match=r"no database .*feedback\.sqlite"):
        plan_retraining(run, asked)
    undated = written(tmp_path / "undated.csv", decided(3))
    with pytest.raises(DataError, match="does not say `when`"):
        plan_retraining(run, replace(asked, feedback=(str(undated),)))
    with pytest.raises(ArtifactError):
        plan_retraining(run, replace(asked, champion=tmp_path, feedback=()))
    with pytest.raises(ConfigError, match="margin"):
        RetrainSettings(margin=0)
    nothing = retrain(run, replace(asked, feedback=()))
    assert (nothing.verdict, len(nothing.reasons)) == (Verdict.HOLD, 2)


@pytest.mark.slow
def test_the_whole_way_over_http(run, tmp_path, asked):
    place = tmp_path / "feedback.sqlite"
    texts = files.read_dataset(run.folder).texts
    service = create_app(Predictor.load(run.folder / "artifact"), feedback=FeedbackStore(place))
    with running(service) as address, httpx.Client(base_url=address, timeout=30) as client:
        version = client.get("/v1/model").json()["taxonomy_version"]
        mine = {"id": texts[0].id, "body": texts[0].body, "editor": "Борис", "categories": ["weather"]}
        for number, row in enumerate([*decided(90), mine | {"shown": "blind"}]):
            keys = {
                name: [row[name]] for name in ("categories", "predicted") if isinstance(row.get(name), str)
            }
            body = row | keys | {"taxonomy_version": version}
            sent = client.post("/v1/feedback", json=body, headers={"Idempotency-Key": f"desk-{number}"})
            assert sent.status_code == 201, sent.text
    with Store.open(place) as store:
        assert len(read_decisions(store)) == 91
    with open_review(run, "Вера") as session:
        assert session.take(place) == 1  # the one text that the run has
    run_stages(run, STAGES)
    assert read_sources(run.folder, run.taxonomy).origin[0] == "review"
    # That made a new model, which knows none of the decisions of before.
    assert retrain(run, asked).verdict is Verdict.HOLD
    older = replace(asked, champion=run.folder / "artifact", wanted=1)
    assert plan_retraining(run, older).material.new == 0


def test_the_command_speaks_by_its_exit_code(made, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config = str(made.config.path("rubricator.yaml"))
    runner = CliRunner()
    arguments = ["retrain", "-c", config, "--out", str(made.folder)]
    held = runner.invoke(app, [*arguments, "--json", "told.json"])
    assert held.exit_code == 3, held.output
    assert "HOLD" in held.output
    assert json.loads((tmp_path / "told.json").read_text(encoding="utf-8"))["verdict"] == "HOLD"
    assert runner.invoke(app, [*arguments, "--plan"]).exit_code == 0
    assert runner.invoke(app, [*arguments, "--feedback", "gone.sqlite"]).exit_code == 2
    assert runner.invoke(app, [*arguments, "--share", "0"]).exit_code == 2


def test_a_project_takes_decisions_in_and_plans(made, tmp_path):
    small = Project(made.config.path("rubricator.yaml"), folder=made.folder)
    file = written(tmp_path / "decisions.jsonl", decided(24))
    told = small.feedback(tmp_path / "feedback.sqlite", file)
    assert told.report.decisions == 24
    assert set(told.to_frame()["by"]) == {"all", "category", "source", "editor"}
    assert small.feedback(tmp_path / "feedback.sqlite", file).report.decisions == 24
    options = {"wanted": 5, "registry": tmp_path / "models"}
    plan = small.plan_retraining(tmp_path / "feedback.sqlite", **options)
    assert plan.to_frame()["texts"].to_list() == [12, 12, 12]
    with pytest.raises(ConfigError, match="wanted"):
        small.plan_retraining(wantd=3)
    assert small.retrain(tmp_path / "feedback.sqlite", registry=tmp_path / "models").verdict is Verdict.HOLD
