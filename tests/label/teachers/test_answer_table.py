"""The label table, written and read back."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rubricator.errors import DataError
from rubricator.label.teachers.answer_table import (
    Decision,
    columns,
    decision_of_answer,
    label_table,
    replies_of_table,
)
from rubricator.label.teachers.replay import ReplayTeacher
from rubricator.records import Answer, Status, Text
from rubricator.taxonomy import Taxonomy

SINGLE = Taxonomy.model_validate(
    {
        "task": "single-label",
        "categories": [{"key": "bread", "name": "Хлеб"}, {"key": "fish", "name": "Рыба"}],
    }
)
MULTI = SINGLE.model_copy(update={"task": "multi-label"})
TEXTS = [
    Text(id="1", title="Улов", body="Лещ", source="Залив", time=datetime(2026, 5, 1, 9, tzinfo=UTC)),
    Text(id="2", body="Батон"),
    Text(id="3", body="Туман"),
]


def answer(text_id, status=Status.OK, raw="", **scores):
    return Answer(text_id=text_id, teacher="m", key="k", status=status, scores=scores, raw=raw)


def test_the_table_has_exactly_its_columns():
    answers = [answer("1", raw="B", bread=0.1, fish=0.9), answer("2", Status.UNPARSED, raw="гм")]
    decisions = {a.text_id: decision_of_answer(a, SINGLE) for a in answers}
    rows = label_table(TEXTS, decisions, SINGLE)
    names = ["id", "source", "title", "text", "publication_date", "bread", "fish", "corrupted", "generation"]
    assert [list(row) for row in rows] == [names] * 3 == [list(columns(SINGLE))] * 3
    assert [list(row.values()) for row in rows] == [
        ["1", "Залив", "Улов", "Лещ", "2026-05-01T09:00:00+00:00", 0, 1, 0, "B"],
        ["2", "", "", "Батон", "", 0, 0, 1, "гм"],
        ["3", "", "", "Туман", "", 0, 0, 1, ""],
    ]


def test_decisions():
    assert decision_of_answer(answer("1", bread=0.5, fish=0.7), MULTI).categories == ("bread", "fish")
    assert decision_of_answer(answer("1", bread=0.5, fish=0.7), SINGLE).categories == ("fish",)
    assert decision_of_answer(answer("1", fish=0.2), MULTI).categories == ()
    assert decision_of_answer(answer("1"), SINGLE).categories is None


@given(st.lists(st.none() | st.sets(st.sampled_from(MULTI.keys)), min_size=1, max_size=6))
def test_what_is_written_is_read_back(chosen):
    texts = [Text(id=str(n), title=f"№ {n}", body=f"Текст\n{n}") for n in range(len(chosen))]
    decisions = {
        str(n): Decision(None if keys is None else tuple(key for key in MULTI.keys if key in keys), f"g{n}")
        for n, keys in enumerate(chosen)
    }
    replies = replies_of_table(label_table(texts, decisions, MULTI), MULTI, place="t.csv")
    answers = list(ReplayTeacher(replies, by_id=False).ask(texts))
    for text, given_answer in zip(texts, answers, strict=True):
        assert decision_of_answer(given_answer, MULTI) == decisions[text.id]
        assert (given_answer.status is Status.OK) == (decisions[text.id].categories is not None)


ROW = {
    "source": "",
    "title": None,
    "text": "Лещ",
    "publication_date": "",
    "bread": "0",
    "fish": 1.0,
    "corrupted": False,
    "generation": None,
}


def test_cells_of_any_reader_are_understood():
    (reply,) = replies_of_table([ROW | {"extra": 5}], SINGLE, place="t").values()
    assert (reply.raw, reply.reading.scores) == ("", {"bread": 0.0, "fish": 1.0})
    assert replies_of_table([], SINGLE, place="t") == {}


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ({key: cell for key, cell in ROW.items() if key != "fish"} | {"fis": 1}, "no column 'fish'.*'fis'"),
        (ROW | {"fish": "maybe"}, "row 2: column 'fish' holds 'maybe'"),
        (ROW | {"fish": 2}, "row 2: column 'fish' holds 2"),
        (ROW | {"corrupted": None}, "row 2: column 'corrupted' holds None"),
        (ROW | {"bread": 1}, "row 2: 2 categories have a 1"),
        (ROW | {"fish": 0}, "row 2: 0 categories have a 1"),
    ],
)
def test_a_table_with_a_fault_is_refused(row, problem):
    rows = [row, row] if "no column" in problem else [ROW, row]
    with pytest.raises(DataError, match=f"t.csv.*{problem}"):
        replies_of_table(rows, SINGLE, place="t.csv")


def test_a_corrupted_row_is_unparsed_whatever_it_says():
    (reply,) = replies_of_table(
        [ROW | {"corrupted": 1, "fish": "?", "generation": "гм"}], SINGLE, place="t"
    ).values()
    assert (reply.raw, reply.reading.status) == ("гм", Status.UNPARSED)


def test_the_first_row_about_a_text_counts(caplog):
    replies = replies_of_table([ROW, ROW | {"bread": 1, "fish": 0}], SINGLE, place="t")
    assert [json.dumps(dict(reply.reading.scores)) for reply in replies.values()] == [
        '{"bread": 0.0, "fish": 1.0}'
    ]
    assert "1 rows" in caplog.text


def test_a_category_called_like_a_column_is_refused():
    taxonomy = Taxonomy.model_validate({"categories": [{"key": "title"}, {"key": "b"}]})
    with pytest.raises(DataError, match="'title' is called like another column"):
        columns(taxonomy)
