"""Reviews in files: out with the labels, in with people's answers."""

import json
from functools import partial
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rubricator.errors import DataError
from rubricator.ingest.label_cells import parse_labels
from rubricator.records import Text
from rubricator.review.files import COLUMNS, read_rows, reviews_in_rows, rows_of, write_questions
from rubricator.review.label_studio import labelling_config, rows_of_tasks, tasks_of
from rubricator.review.question import Question
from rubricator.taxonomy import Taxonomy

MULTI = Taxonomy.model_validate(
    {
        "categories": [
            {"key": "sport", "name": "Спорт"},
            {"key": "art", "name": "Кино, музыка"},
            {"key": "law"},
        ]
    }
)
SINGLE = MULTI.model_validate(MULTI.model_dump() | {"task": "single-label"})
TEXTS = {id_: Text(id=id_, content=f'Текст «{id_}»; с кавычкой " и\nстрокой') for id_ in ("1", "2", "3.0")}


def question(id_="1", suggested=("sport",), probability=0.75, chosen="gain"):
    if chosen == "random":
        return Question(text=TEXTS[id_], chosen=chosen)
    return Question(text=TEXTS[id_], suggested=suggested, probability=probability, chosen=chosen)


def read(rows, taxonomy=MULTI):
    return reviews_in_rows(
        rows,
        parse=partial(parse_labels, taxonomy=taxonomy),
        taxonomy=taxonomy,
        ids=TEXTS,
        by="Анна",
        where="batch.csv",
    )


def filled(questions, answers):
    return [
        (f"row {n}", row | {"labels": a})
        for n, (row, a) in enumerate(zip(rows_of(questions, MULTI), answers, strict=True), 1)
    ]


labels = st.lists(st.sampled_from(MULTI.keys), unique=True).map(
    lambda keys: tuple(key for key in MULTI.keys if key in keys)
)


@given(
    st.lists(st.tuples(st.none() | labels, labels, st.sampled_from(["gain", "random"])), max_size=3),
    st.floats(0, 1),
)
def test_what_goes_out_comes_back_with_the_answers(batch, probability):
    questions = [
        question(id_, suggested, None if suggested is None else probability, chosen)
        for id_, (suggested, _, chosen) in zip(TEXTS, batch, strict=False)
    ]
    reviews = read(filled(questions, [",".join(answer) or "-" for _, answer, _ in batch]))
    assert [r.text_id for r in reviews] == list(TEXTS)[: len(batch)]
    for review, asked, (_, answer, chosen) in zip(reviews, questions, batch, strict=True):
        assert (review.before, review.categories, review.chosen) == (asked.suggested, answer, chosen)
        assert (review.shown, review.taxonomy) == (asked.shown, MULTI.version)
        assert review.measures == (chosen == "random")
        unknown = asked.probability is None
        assert review.probability == (None if unknown else pytest.approx(probability, abs=1e-4))


@given(st.lists(st.tuples(st.none() | labels, labels), max_size=3))
def test_label_studio_answers_come_back(batch):
    questions = [question(id_, suggested) for id_, (suggested, _) in zip(TEXTS, batch, strict=False)]
    tasks = json.loads(json.dumps(tasks_of(questions, MULTI)))
    shown = {"sport": "Спорт", "art": "Кино, музыка", "law": "law"}
    for task, (suggested, answer) in zip(tasks, batch, strict=True):
        predicted = [p["result"][0]["value"]["choices"] for p in task["predictions"]]
        assert predicted == ([] if suggested is None else [[shown[k] for k in suggested] or ["-"]])
        choices = [shown[key] for key in answer] or ["-"]
        task["annotations"] = [{"result": [{"type": "choices", "value": {"choices": choices}}]}]
    reviews = read(rows_of_tasks(tasks, where="export.json"))
    assert [r.categories for r in reviews] == [answer for _, answer in batch]
    assert [r.before for r in reviews] == [suggested for suggested, _ in batch]


def test_empty_cells_are_not_reviewed_and_names_count_like_keys():
    rows = filled([question("1"), question("2"), question("3.0")], ["", " кино, музыка ", None])
    (review,) = read(rows)
    assert (review.text_id, review.categories, review.by) == ("2", ("art",), "Анна")


def test_the_columns_are_those_people_were_told():
    assert tuple(rows_of([question()], MULTI)[0]) == COLUMNS


def test_texts_that_a_person_picked_by_hand_do_not_count_as_drawn():
    (review,) = read([("row 1", {"id": "1", "labels": "sport", "chosen": "сам"})])
    assert review.chosen == "gain"
    assert review.before is None
    assert review.shown == "suggested"


@pytest.mark.parametrize("cells", [{"suggested": "art"}, {"suggested": "-"}, {"shown": ""}, {"shown": "да"}])
def test_whoever_read_a_suggestion_was_not_blind(cells):
    (row,) = rows_of([question(chosen="random")], MULTI)
    assert read([("row 1", row | {"labels": "sport"})])[0].measures
    assert not read([("row 1", row | {"labels": "sport"} | cells)])[0].measures


@pytest.mark.parametrize("facts", [{"suggested": ("art",)}, {"opinions": {"rules": {"art": 1.0}}}])
def test_what_measures_cannot_be_shown_beside_a_suggestion(facts):
    with pytest.raises(ValueError, match="without suggestion"):
        Question(text=TEXTS["1"], chosen="random", **facts)


@pytest.mark.parametrize("name", ["batch.csv", "batch.json"])
def test_nothing_stands_beside_a_blind_text_in_a_file(tmp_path, name):
    path = tmp_path / name
    write_questions(path, [question("1", chosen="random"), question("2", chosen="gain")], MULTI)
    blind, suggested = read_rows(path) if name == "batch.csv" else raw_tasks(path)
    assert suggested[1]["suggested"] == "sport"
    assert not blind[1]["suggested"]
    assert not blind[1]["probability"]
    assert set(blind[1]) <= {*COLUMNS}
    written = json.dumps(blind[1], ensure_ascii=False)
    assert not any(word in written for word in ("sport", "Спорт", "0.75"))


def raw_tasks(path):
    tasks = json.loads(path.read_text(encoding="utf-8"))
    assert [len(task["predictions"]) for task in tasks] == [0, 1]
    return [("task", task["data"]) for task in tasks]


def test_label_studio_tells_how_long_an_answer_took():
    (task,) = tasks_of([question()], MULTI)
    task["annotations"] = [annotation("Спорт", lead_time=7.25)]
    (review,) = read(rows_of_tasks([task], where="f"))
    assert review.seconds == 7.25


def test_all_faults_of_a_file_are_told_together():
    rows = [
        ("row 1", {"id": "1", "labels": "sprot"}),
        ("row 2", {"id": "9", "labels": "art"}),
        ("row 3", {"id": "2", "labels": "art"}),
        ("row 4", {"id": "2", "labels": "sport"}),
        ("row 5", {"id": "3.0", "labels": "art", "suggested": "art", "probability": "много"}),
    ]
    with pytest.raises(DataError) as caught:
        read(rows)
    message = caught.value.problem
    assert "4 faults" in message
    assert "row 1: unknown category 'sprot' (did you mean 'sport'?)" in message
    assert "row 2: no text of this run has the id '9'" in message
    assert "row 3: the text '2' has another answer in row 4" in message
    assert "row 5: the probability 'много' is no number" in message
    assert "The categories are: sport, art, law" in message


@pytest.mark.parametrize("cell", ["-", "sport,art"])
def test_single_label_answers_are_exactly_one(cell):
    with pytest.raises(DataError, match="exactly one"):
        read([("row 1", {"id": "1", "labels": cell})], SINGLE)


def annotation(*choices, **more):
    return {"result": [{"type": "choices", "value": {"choices": list(choices)}}]} | more


def test_two_annotations_of_one_text_are_a_fault_and_cancelled_ones_do_not_count():
    tasks = tasks_of([question("1"), question("2")], MULTI)
    tasks[0]["annotations"] = [annotation("Спорт"), annotation("law", was_cancelled=True)]
    tasks[1]["annotations"] = []
    assert [r.categories for r in read(rows_of_tasks(tasks, where="f"))] == [("sport",)]
    tasks[0]["annotations"].append(annotation("law"))
    with pytest.raises(DataError, match="another answer in task 1"):
        read(rows_of_tasks(tasks, where="f"))


@pytest.mark.parametrize(
    "tasks",
    [
        {"data": {}},
        ["текст"],
        [{"data": {"text": "дождь"}}],
        [{"id": 1}],
        [{"data": {"id": "1"}, "annotations": [7]}],
    ],
)
def test_other_json_is_refused(tasks):
    with pytest.raises(DataError, match="fault"):
        rows_of_tasks(tasks, where="f")


@pytest.mark.parametrize("taxonomy", [SINGLE, MULTI])
def test_the_labelling_interface_offers_every_category(taxonomy):
    view = ElementTree.fromstring(labelling_config(taxonomy))
    choices = view.find("Choices")
    assert choices.get("choice") == ("single" if taxonomy.single else "multiple")
    values = [choice.get("value") for choice in choices]
    assert values == ["Спорт", "Кино, музыка", "law", *([] if taxonomy.single else ["-"])]
    task = tasks_of([question()], taxonomy)[0]["predictions"][0]["result"][0]
    assert (task["from_name"], task["to_name"]) == (choices.get("name"), choices.get("toName"))
    assert view.find("Text").get("name") == choices.get("toName")


def test_names_that_are_not_distinct_give_way_to_keys():
    taxonomy = Taxonomy.model_validate(
        {
            "categories": [
                {"key": "a", "name": "Разное"},
                {"key": "b", "name": "разное"},
                {"key": "c", "name": "a<&"},
            ]
        }
    )
    view = ElementTree.fromstring(labelling_config(taxonomy))
    assert [choice.get("value") for choice in view.find("Choices")] == ["a", "b", "a<&", "-"]


def test_two_equal_answers_are_one():
    (task,) = tasks_of([question()], MULTI)
    task["annotations"] = [annotation("Спорт", "law"), annotation("law", "sport")]
    assert [review.categories for review in read(rows_of_tasks([task], where="f"))] == [("sport", "law")]
    rows = [("row 1", {"id": "1", "labels": "art"}), ("row 2", {"id": "1", "labels": " ART"})]
    assert [review.categories for review in read(rows)] == [("art",)]


def test_names_that_hold_separators_come_back_whole():
    taxonomy = Taxonomy.model_validate(
        {"categories": [{"key": "a", "name": "Кино | ТВ"}, {"key": "b", "name": "Дом; сад"}, {"key": "c"}]}
    )
    (task,) = tasks_of([question(chosen="random")], taxonomy)
    task["annotations"] = [annotation("Кино | ТВ", "Дом; сад")]
    (review,) = read(rows_of_tasks([task], where="f"), taxonomy)
    assert review.categories == ("a", "b")


@pytest.mark.parametrize(
    ("result", "fault"),
    [
        (
            [{"type": "labels", "value": {"start": 0, "labels": ["Спорт"]}}],
            "task 1: its annotation is of the type 'labels'",
        ),
        ([{"type": "textarea", "value": {"text": ["sport"]}}], "of the type 'textarea'"),
        (["sport"], "task 1: its `result` is none that Label Studio writes"),
        ([{"type": "choices", "value": None}], "task 1: its `result` is none"),
        ([{"type": "choices"}], "task 1: its `result` is none"),
        ("sport", "task 1: its `result` is none"),
    ],
)
def test_annotations_of_another_kind_are_faults(result, fault):
    (task,) = tasks_of([question()], MULTI)
    task["annotations"] = [{"result": result}]
    with pytest.raises(DataError) as caught:
        rows_of_tasks([task], where="f")
    assert fault in caught.value.problem


def test_a_comment_beside_choices_does_no_harm():
    (task,) = tasks_of([question()], MULTI)
    comment = {"type": "textarea", "value": {"text": ["точно"]}}
    task["annotations"] = [{"result": [comment, *annotation("Спорт")["result"]]}]
    assert [review.categories for review in read(rows_of_tasks([task], where="f"))] == [("sport",)]


def test_cells_that_went_through_a_spreadsheet():
    nan = float("nan")
    rows = [
        ("row 1", {"id": "1.0", "labels": "art", "probability": nan}),
        ("row 2", {"id": 2.0, "labels": nan}),
    ]
    assert [(review.text_id, review.categories) for review in read(rows)] == [("1", ("art",))]
