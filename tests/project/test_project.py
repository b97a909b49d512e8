"""The pipeline for a notebook: each stage returns what it left."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
import yaml
from small_project import TEXTS
from small_project import project as write_project

from rubricator import Project, Rubricator
from rubricator.errors import ConfigError, DataError
from rubricator.pipeline.stage import Run, stage_lines
from rubricator.project.results import RunResult

KEYS = ("weather", "sport", "food")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("project")
    write_project(place, single=True)
    return place


@pytest.fixture(scope="module")
def project(place: Path) -> Project:
    return Project(place, folder=place / "run")


@pytest.fixture(scope="module")
def result(project: Project) -> RunResult:
    return project.run()


def test_a_run_leaves_a_result_for_every_stage(result: RunResult, place: Path) -> None:
    assert result.read.to_frame()["content"].to_list() == list(TEXTS)
    assert set(result.split.to_frame()["part"]) == {"train", "test"}
    assert result.train.chosen == "linear"
    assert result.train.to_frame()["chosen"].to_list() == [True]
    assert result.evaluate.to_frame()["category"].to_list() == list(KEYS)
    estimate = result.evaluate.estimate("macro_f1")
    assert estimate.value is not None
    assert 0 <= estimate.value <= 1
    assert result.evaluate.report == place / "run/report.html"
    assert result.to_frame().equals(result.evaluate.to_frame())


def test_labels_have_a_row_per_text_also_where_nobody_could_tell(result: RunResult) -> None:
    frame = result.label.to_frame()
    assert len(frame) == len(TEXTS)
    assert frame.filter(pl.col("labels").is_null())["text"].to_list() == [
        text for text in TEXTS if text not in frame.drop_nulls("labels")["text"].to_list()
    ]
    assert (
        frame.drop_nulls("labels").select(f"p_{key}" for key in KEYS).null_count().sum_horizontal().sum() == 0
    )
    assert result.label.teachers().columns[:2] == ["teacher", "texts"]


def test_every_result_shows_itself_in_a_notebook(result: RunResult) -> None:
    for name in ("read", "split", "label", "train", "evaluate", "export"):
        shown = getattr(result, name)._repr_html_()
        assert "<table" in shown
        assert "<p>" in shown


def test_a_plot_is_shown_where_one_was_drawn(result: RunResult, tmp_path: Path) -> None:
    (tmp_path / "plots").mkdir()
    (tmp_path / "plots/overview.png").write_bytes(b"png")
    assert "data:image/png;base64,cG5n" in replace(result.evaluate, folder=tmp_path)._repr_html_()


def test_what_is_exported_is_what_the_classifier_loads(result: RunResult) -> None:
    model = Rubricator.load(result.export.artifact)
    assert model.classes_.tolist() == list(KEYS)
    texts = ["Матч перенесли", "Суп остыл"]
    told = [prediction.categories for prediction in result.export.load().predict(texts)]
    assert model.predict_labels(texts) == told


def test_what_has_not_changed_is_not_done_again(
    project: Project, result: RunResult, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("INFO", logger="rubricator.project"):
        assert project.split().lines == result.split.lines
        assert [line.split()[1] for line in caplog.messages] == ["unchanged:", "unchanged:"]
        caplog.clear()
        project.split(force=True)
    assert [line.split()[1] for line in caplog.messages] != ["unchanged:", "unchanged:"]


def test_an_edit_of_the_settings_counts_at_once(tmp_path: Path) -> None:
    path = write_project(tmp_path, single=True)
    project = Project(path, folder=tmp_path / "run")
    before = project.split().to_frame()["part"].to_list().count("test")
    settings = yaml.safe_load(path.read_text(encoding="utf-8"))
    settings["split"]["test"] = 0.5
    path.write_text(yaml.safe_dump(settings), encoding="utf-8")
    assert project.split().to_frame()["part"].to_list().count("test") > before


def test_settings_and_folder_can_be_given_beside_the_file(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = Project(place / "rubricator.yaml", settings={"name": "other", "train.models": ["heads"]})
    assert project.folder == Path("runs/other")
    assert project.config.train.models == ("heads",)
    with pytest.raises(ConfigError, match="did you mean 'models'"):
        Project(place, settings={"train.modles": "heads"})
    with pytest.raises(ConfigError, match="There is no config file"):
        Project(place / "nowhere.yaml")


def test_one_text_goes_through_the_teachers_before_anything_is_labelled(tmp_path: Path) -> None:
    write_project(tmp_path, single=True)
    project = Project(tmp_path, folder=tmp_path / "run")
    annotation = project.annotate("<b>Суп</b> остыл")
    assert annotation.categories == {"weather": 0, "sport": 0, "food": 1}
    assert not annotation.corrupted
    assert annotation.text.content == "Суп остыл"
    assert [one.generation for one in annotation.teachers] == ['{"food": ["Суп"]}']
    assert annotation.to_frame()["teacher"].to_list() == ["rules", "agreement"]
    assert not (tmp_path / "run/stages/labels.parquet").exists()
    nobody = project.annotate("Мост закрыли на ремонт")
    assert (sum(nobody.categories.values()), nobody.probabilities, nobody.corrupted) == (0, {}, False)
    assert nobody.sentences() == ("No teacher has an opinion.",)
    with pytest.raises(DataError, match="empty"):
        project.annotate(" ")


def test_a_text_of_the_run_is_annotated_like_it_was_labelled(project: Project, result: RunResult) -> None:
    row = result.label.to_frame().drop_nulls("labels").row(0, named=True)
    annotation = project.annotate(row["text"])
    assert [key for key, on in annotation.categories.items() if on] == row["labels"]


MODEL = """
label:
  teachers:
    - {kind: llm, task: choose, engine: {kind: replay, file: said.csv, text: text}}
"""


def test_what_a_model_wrote_is_told_and_also_that_nobody_can_read_it(tmp_path: Path) -> None:
    path = write_project(tmp_path, single=True)
    settings = yaml.safe_load(path.read_text(encoding="utf-8")) | yaml.safe_load(MODEL)
    path.write_text(yaml.safe_dump(settings, allow_unicode=True), encoding="utf-8")
    said = {"Лёд на реке уже тронулся": "weather", "Кот спит на печи": "затрудняюсь"}
    rows = "".join(f'"{text}",{answer}\n' for text, answer in said.items())
    (tmp_path / "said.csv").write_text(f"text,generation\n{rows}", encoding="utf-8")
    project = Project(tmp_path, folder=tmp_path / "run")
    read, unread = (project.annotate(text) for text in said)
    assert (read.generation, read.corrupted, read.categories["weather"]) == ("weather", False, 1)
    assert (unread.generation, unread.corrupted, sum(unread.categories.values())) == ("затрудняюсь", True, 0)


def test_reviews_are_given_by_a_program_and_the_labels_take_them_in(
    project: Project, result: RunResult
) -> None:
    with project.review("Anna") as session:
        questions = session.questions(2)
        for question in questions:
            session.answer(question, ["food"])
        assert session.progress().reviews == 2
    frame = project.label().to_frame().filter(pl.col("origin") == "review")
    assert set(frame["id"]) == {question.text.id for question in questions}
    assert frame["labels"].to_list() == [["food"], ["food"]]


def test_two_projects_are_compared_on_the_same_texts(
    place: Path, project: Project, result: RunResult
) -> None:
    other = Project(place, settings={"train.weak_label_weight": 0.3}, folder=place / "other")
    comparison = other.compare(project)
    frame = comparison.to_frame()
    assert set(frame["run"]) == {"other"}
    assert {"Macro-F1", "Accuracy", "F1 food"} <= set(frame["figure"])
    assert "other" in comparison.sentences()[0]
    assert comparison.changes().columns == ["run", "id", "text", "kind", "truth", "old", "new"]
    assert comparison._repr_html_().startswith("<p>")
    assert other.compare(place / "run").to_frame().equals(frame)


def test_a_stage_that_never_ran_has_no_lines(project: Project, tmp_path: Path) -> None:
    assert stage_lines(Run(project.config, project.taxonomy, tmp_path), "read") == ()


def test_a_project_tells_what_leaks_in_its_split_and_in_others(project: Project, tmp_path: Path) -> None:
    own = project.check_split()
    assert len(own.to_frame()) == len(own.points()) == len(own.pairs()) == 0
    assert "Nothing leaks." in own.sentences()
    train, test = tmp_path / "train.csv", tmp_path / "test.csv"
    train.write_text("words\nлодка течёт\n", encoding="utf-8")
    test.write_text("words\nЛодка течёт!\nвесло цело\n", encoding="utf-8")
    other = project.check_split([train, test], columns={"body": "words"})
    assert other.to_frame().select("kind", "held", "other", "texts").rows() == [("exact", "test", "train", 1)]
    assert other.pairs()["twin_text"].to_list() == ["лодка течёт"]
    with pytest.raises(DataError, match="no role 'text'"):
        project.check_split([train, test], columns={"text": "words"})
