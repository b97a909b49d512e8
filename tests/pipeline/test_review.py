"""Reviewing a run: what is asked, what is stored, what the label stage makes of it."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_project import TEXTS, labelled, project

from rubricator.config import read_config
from rubricator.dataset import files
from rubricator.dataset.labels import read_labels
from rubricator.errors import DataError
from rubricator.pipeline.review import open_review, review_context
from rubricator.pipeline.stage import Run, run_stages
from rubricator.pipeline.stages import STAGES
from rubricator.records import Origin
from rubricator.review.question import Question
from rubricator.review.reviews import read_reviews
from rubricator.store import Store
from rubricator.taxonomy import Taxonomy


@pytest.fixture(params=[True, False], ids=["single", "multi"])
def run(request, tmp_path):
    return labelled(tmp_path, single=request.param)


@pytest.fixture
def desk(run):
    with open_review(run, "Анна") as opened:
        yield opened


def stored(run):
    dataset = files.read_dataset(run.folder)
    with Store.open(run.folder / "answers.sqlite") as store:
        return read_reviews(store, dataset.texts, run.taxonomy)


def before(run, question):
    """The label that the run has of a text, whether it was shown or not."""
    label = read_labels(run.folder, files.read_dataset(run.folder), run.taxonomy).labels.get(question.text.id)
    return None if label is None else label.categories


def test_questions_hold_what_helps_to_decide(desk, run):
    questions = desk.questions(30)
    part = files.read_split(run.folder).part
    assert {q.text.id for q in questions} == {str(n) for n in range(len(TEXTS)) if part[str(n)] != "test"}
    assert {q.chosen for q in questions} == {"gain", "random"}
    for question in questions:
        if question.chosen == "random":
            assert (question.suggested, question.probability, question.opinions) == (None, None, {})
            continue
        assert question.opinions.keys() == {"rules"}
        if question.suggested is None:
            assert question.probability is None
            assert question.opinions["rules"] == {}
        else:
            assert 0 <= question.probability <= 1


def test_random_order_is_random_alone(desk):
    assert {question.chosen for question in desk.questions(10, order="random")} == {"random"}


def test_doubts_are_those_of_a_model_that_did_not_see_the_text(run):
    case = review_context(run)
    assert np.isfinite(case.posterior).all(), "texts without a label get a belief too"
    assert not np.allclose(case.posterior, case.targets, equal_nan=True)


def test_an_answer_is_stored_at_once_and_not_asked_again(desk, run):
    first, *_ = desk.questions(5)
    desk.answer(first, ["food"], seconds=2.5)
    review = stored(run)[first.text.id]
    assert (review.by, review.categories, review.before) == ("Анна", ("food",), before(run, first))
    assert (review.shown, review.seconds, review.taxonomy) == (first.shown, 2.5, run.taxonomy.version)
    assert first.text.id not in {question.text.id for question in desk.questions(30)}


def test_answers_reach_the_labels_and_outrank_the_teachers(desk, run):
    questions = desk.questions(4)
    for question in questions:
        desk.answer(question, ["food"])
    run_stages(run, STAGES, until="label")
    labels = read_labels(run.folder, files.read_dataset(run.folder), run.taxonomy).labels
    for question in questions:
        assert labels[question.text.id].categories == ("food",)
        assert labels[question.text.id].probabilities["food"] == 1
        assert labels[question.text.id].origin is Origin.REVIEW


@pytest.mark.slow
@settings(deadline=None, max_examples=8)
@given(
    st.lists(st.tuples(st.integers(0, 4), st.sampled_from(["weather", "sport", "food", "undo"])), max_size=10)
)
def test_undo_puts_back_what_was_there(tmp_path_factory, said):
    run = _shared_run(tmp_path_factory)
    with open_review(run, "Борис") as earlier:
        questions = sorted(earlier.questions(30), key=lambda question: question.text.id)[:5]
        if questions[0].text.id not in stored(run):
            earlier.answer(questions[0], ["sport"])
    before = stored(run)
    expected = {id_: review.categories for id_, review in before.items()}
    with open_review(run, "Анна") as desk:
        for place, word in said:
            id_ = questions[place].text.id
            if word == "undo":
                desk.undo(questions[place])
                expected.pop(id_, None)
                if id_ in before:
                    expected[id_] = before[id_].categories
            else:
                desk.answer(questions[place], [word])
                expected[id_] = (word,)
        assert {id_: review.categories for id_, review in stored(run).items()} == expected
        for question in questions:
            desk.undo(question)
        assert stored(run) == before
        assert not desk.undo(questions[1])


_RUNS = {}


def _shared_run(factory):
    if "run" not in _RUNS:
        _RUNS["run"] = labelled(factory.mktemp("undo"), single=True)
    return _RUNS["run"]


@pytest.mark.parametrize("name", ["batch.csv", "batch.json", "batch.xlsx"])
def test_a_file_goes_out_and_comes_back(desk, run, name, tmp_path):
    questions = desk.questions(6)
    path = tmp_path / "files" / name
    written = desk.write(path, questions)
    assert all(file.is_file() for file in written)
    _fill(path, {question.text.id: "sport" for question in questions[:4]})
    assert desk.take(path) == 4
    assert desk.take(path) == 0, "the same answers are not new"
    found = stored(run)
    assert {id_: r.categories for id_, r in found.items()} == {q.text.id: ("sport",) for q in questions[:4]}
    for question in questions[:4]:
        review = found[question.text.id]
        assert (review.chosen, review.shown) == (question.chosen, question.shown)
        assert (review.before, review.taxonomy) == (before(run, question), run.taxonomy.version)
    with pytest.raises(DataError, match="may hold answers"):
        desk.write(path, questions)


def _fill(path: Path, answers: dict[str, str]) -> None:
    import polars as pl

    if path.suffix == ".json":
        tasks = json.loads(path.read_text(encoding="utf-8"))
        for task in tasks:
            if answer := answers.get(task["data"]["id"]):
                value = {"type": "choices", "value": {"choices": [answer]}}
                task["annotations"] = [{"result": [value], "was_cancelled": False}]
        path.write_text(json.dumps(tasks), encoding="utf-8")
        return
    read = pl.read_csv if path.suffix == ".csv" else pl.read_excel
    frame = read(path, schema_overrides={"id": pl.String}).with_columns(
        pl.col("id").replace_strict(answers, default=None, return_dtype=pl.String).alias("labels")
    )
    frame.write_csv(path) if path.suffix == ".csv" else frame.write_excel(path)


def test_nothing_of_a_faulty_file_is_stored(desk, run, tmp_path):
    path = tmp_path / "batch.csv"
    path.write_text("id,labels\n1,sport\n2,спорд\n77,food\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"2 faults; nothing of it was stored"):
        desk.take(path)
    assert stored(run) == {}


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [("a.csv", "id,label\n1,food\n", "lacks the column 'labels'"), ("a.json", "{", "is not JSON")],
)
def test_files_that_cannot_be_read(desk, tmp_path, name, content, problem):
    (tmp_path / name).write_text(content, encoding="utf-8")
    with pytest.raises(DataError, match=problem):
        desk.take(tmp_path / name)


def test_the_estimate_counts_what_is_left(desk, run):
    part = files.read_split(run.folder).part
    outside = sum(part[str(n)] != "test" for n in range(len(TEXTS)))
    for question in desk.questions(5):
        desk.answer(question, question.suggested if question.suggested else ["food"])
    progress = desk.progress()
    assert (progress.reviews, progress.blind, progress.left) == (5, 1, outside - 5)


def test_a_run_of_fewer_groups_than_folds_can_be_reviewed(tmp_path):
    config = project(tmp_path, single=False)
    rows = "".join(f'{number},"{text}"\n' for number, text in enumerate(TEXTS[:4]))
    (tmp_path / "texts.csv").write_text("id,text\n" + rows, encoding="utf-8")
    settings = read_config(config, [])
    run = Run(settings, Taxonomy.read(settings.path(settings.taxonomy)), tmp_path / "run")
    run_stages(run, STAGES, until="label")
    with open_review(run, "Анна") as session:
        assert len(session.questions(4)) == 3, "one of the four is kept for the test"


@pytest.mark.parametrize("name", ["batch.csv", "batch.json"])
def test_an_answer_given_blind_in_a_file_is_told_beside_the_label_it_did_not_show(desk, run, name, tmp_path):
    questions = desk.questions(30, order="random")
    desk.write(tmp_path / name, questions)
    _fill(tmp_path / name, {question.text.id: "food" for question in questions})
    desk.take(tmp_path / name)
    reviews = stored(run)
    assert all(review.measures for review in reviews.values())
    assert {id_: one.before for id_, one in reviews.items()} == {q.text.id: before(run, q) for q in questions}
    kept = reviews[questions[0].text.id].before
    run_stages(run, STAGES, until="label")
    with open_review(run, "Анна") as later:
        _fill(tmp_path / name, {questions[0].text.id: "sport"})
        assert later.take(tmp_path / name) == 1
    corrected = stored(run)[questions[0].text.id]
    assert (corrected.categories, corrected.before) == (("sport",), kept), "not what the person said first"


def test_what_may_measure_is_taken_in_though_no_label_changed(run):
    run_stages(run, STAGES, until="label")
    with open_review(run, "Анна") as session:
        (question,) = session.questions(1)
        session.answer(question, ["food"])
        run_stages(run, STAGES, until="label")
        dataset = files.read_dataset(run.folder)
        assert not read_labels(run.folder, dataset, run.taxonomy).sources.unbiased.any()
        session.answer(Question(text=question.text, chosen="random"), ["food"])
    run_stages(run, STAGES, until="label")
    sources = read_labels(run.folder, dataset, run.taxonomy).sources
    assert np.array(sources.ids)[sources.unbiased].tolist() == [question.text.id]


def test_labels_of_another_list_are_not_reviewed(run):
    (run.folder / "stages/labels.parquet").unlink()
    with pytest.raises(DataError, match="have not been labelled"), open_review(run, "Анна"):
        pass


def test_labels_of_an_older_list_are_not_reviewed(run):
    categories = [category.model_dump() for category in run.taxonomy.categories]
    newer = run.taxonomy.model_validate(
        run.taxonomy.model_dump() | {"categories": [*categories, {"key": "animals"}]}
    )
    with (
        pytest.raises(DataError, match="another list"),
        open_review(Run(run.config, newer, run.folder), "Анна"),
    ):
        pass


def test_a_list_of_ids_is_asked_about_in_its_order_but_for_closed_texts(desk, run):
    part = files.read_split(run.folder).part
    taught = [text_id for text_id in part if part[text_id] != "test"]
    tested = next(text_id for text_id in part if part[text_id] == "test")
    asked = desk.questions_about([taught[3], tested, taught[0], taught[3]])
    assert [question.text.id for question in asked] == [taught[3], taught[0]]
    assert {question.chosen for question in asked} == {"gain"}, "nothing that a person chose measures"
    desk.answer(asked[0], run.taxonomy.keys[:1])
    assert [question.text.id for question in desk.questions_about([taught[3], taught[0]])] == [taught[0]]


def test_ids_of_no_text_are_told(desk):
    with pytest.raises(DataError, match="2 of the ids: nowhere, never"):
        desk.questions_about(["0", "nowhere", "never"])
