"""Reviews of the same texts in other runs are told of, and taken along on request."""

import shutil

import pytest
from small_project import labelled
from typer.testing import CliRunner

from rubricator.cli.app import app
from rubricator.dataset import files
from rubricator.errors import DataError
from rubricator.pipeline.other_runs import reviews_elsewhere
from rubricator.pipeline.review import open_review
from rubricator.pipeline.stage import Run
from rubricator.review.reviews import read_reviews
from rubricator.store import Store


@pytest.fixture
def runs(tmp_path):
    """Two runs of the same texts beside one another, the first with two reviews."""
    first = labelled(tmp_path, single=False)
    second = Run(first.config, first.taxonomy, tmp_path / "other")
    shutil.copytree(first.folder, second.folder)
    answer(first, {"1": ["food"], "2": []}, by="anna")
    return first, second


def answer(run, answers, *, by):
    with open_review(run, by) as session:
        questions = {question.text.id: question for question in session.questions(30)}
        for id_, categories in answers.items():
            session.answer(questions[id_], categories)


def said(run):
    texts = files.read_dataset(run.folder).texts
    with Store.open(run.folder / "answers.sqlite") as store:
        return {
            id_: (one.by, one.categories) for id_, one in read_reviews(store, texts, run.taxonomy).items()
        }


def test_reviews_elsewhere_are_counted_until_they_are_taken_along(runs):
    first, second = runs
    assert reviews_elsewhere(second) == {first.folder: 2}
    assert reviews_elsewhere(first) == {}
    with open_review(second, "boris") as session:
        assert session.take(first.folder) == 2
        assert session.take(first.folder / "answers.sqlite") == 0
    assert said(second) == said(first) == {"1": ("anna", ("food",)), "2": ("anna", ())}
    assert reviews_elsewhere(second) == {}


def test_where_both_have_an_answer_the_later_counts(runs):
    first, second = runs
    answer(second, {"1": ["sport"]}, by="boris")
    with open_review(second, "boris") as session:
        assert session.take(first.folder) == 1
    assert said(second) == {"1": ("boris", ("sport",)), "2": ("anna", ())}
    with open_review(first, "anna") as session:
        assert session.take(second.folder) == 1
    assert said(first)["1"] == ("boris", ("sport",))


def test_what_is_no_run_is_told_and_a_broken_database_beside_it_is_left_alone(runs, tmp_path):
    _, second = runs
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken/answers.sqlite").write_bytes(b"nothing of the kind" * 100)
    assert list(reviews_elsewhere(second).values()) == [2]
    with open_review(second, "boris") as session, pytest.raises(DataError, match="There are no answers at"):
        session.take(tmp_path)


def test_the_command_line_says_where_they_are_and_its_command_takes_them_along(runs, tmp_path):
    first, second = runs
    config = str(first.config.folder / "rubricator.yaml")
    done = CliRunner().invoke(app, ["label", "-c", config, "--out", str(second.folder)])
    assert done.exit_code == 0, done.output
    line = next(line for line in done.output.splitlines() if "are not known here" in line)
    assert f"2 reviews of these texts in {first.folder} are not known here" in line
    command = line.partition("To take them along: rubricator ")[2].split()
    taken = CliRunner().invoke(app, command)
    assert "2 new answers" in taken.output
    assert (
        "not known here"
        not in CliRunner().invoke(app, ["label", "-c", config, "--out", str(second.folder)]).output
    )
    assert "review" in (second.folder / "labels.csv").read_text(encoding="utf-8")
