"""Answers generated elsewhere."""

from dataclasses import replace

from rubricator.label.teachers.replay import ReplayTeacher, replies_of
from rubricator.llm.tasks.each import Questions
from rubricator.llm.tasks.explain import Explain
from rubricator.llm.tasks.prompt import Prompt
from rubricator.records import Status, Text
from rubricator.taxonomy import Taxonomy

SINGLE = Taxonomy.model_validate(
    {
        "task": "single-label",
        "categories": [{"key": "bread", "name": "Хлеб"}, {"key": "fish", "name": "Рыба"}],
    }
)
MULTI = SINGLE.model_copy(update={"task": "multi-label"})
EXPLAIN = Explain(SINGLE, Prompt.shipped("explain", "ru"), aliases={"1": "bread", "2": "fish"})


def replayed(generations, texts, *, by_id=True, task=EXPLAIN):
    replies = replies_of(task, generations, by_id=by_id)
    return list(ReplayTeacher(replies, place="answers.csv", by_id=by_id).ask(texts))


def test_generations_are_read_by_id():
    texts = [Text(id=name, content=name) for name in "abcde"]
    said = {"a": '[{"label": 2}]', "b": "", "c": "Я не могу ответить.", "d": "Рыба или хлеб"}
    answers = replayed(said.items(), texts)
    assert [answer.status for answer in answers] == [
        Status.OK,
        Status.UNPARSED,
        Status.REFUSED,
        Status.UNPARSED,
        Status.FAILED,
    ]
    assert answers[0].scores == {"bread": 0.0, "fish": 1.0}
    assert [answer.raw for answer in answers] == [*said.values(), "no generation in answers.csv"]
    assert all(not answer.scores for answer in answers[1:])


def test_generations_are_read_by_content_white_space_aside():
    texts = [
        Text(id="1", title="Улов", body="Лещ\n\nи  щука!", content="Улов Лещ и щука"),
        Text(id="2", body=" Батон ", content="Батон"),
        Text(id="3", title="Утро", body="Сушка", content="Утро. Сушка."),
    ]
    said = [("Улов Лещ и щука!", "Рыба"), ("Батон", "Хлеб"), ("Сушка", "Хлеб")]
    answers = replayed(said, texts, by_id=False)
    assert [answer.raw for answer in answers] == ["Рыба", "Хлеб", "Хлеб"]


def test_the_first_of_two_generations_counts_and_it_is_said(caplog):
    answers = replayed(
        [("a", "Рыба"), ("a", "Хлеб"), ("b", "Рыба"), ("b", "Рыба")], [Text(id="a", content="a")]
    )
    assert answers[0].scores["fish"] == 1
    assert "1 generations are about a text" in caplog.text


def test_the_key_covers_generation_and_reading():
    text = Text(id="a", content="a")

    def key(task, said, **changes):
        replies = replies_of(task, [("a", said)], by_id=True)
        return ReplayTeacher(replies, by_id=True).key(replace(text, **changes))

    other = Explain(SINGLE, Prompt.shipped("explain", "ru"), aliases={"1": "fish", "2": "bread"})
    keys = [key(EXPLAIN, "1"), key(other, "1"), key(EXPLAIN, "2"), key(EXPLAIN, "1", content="b")]
    assert len(set(keys)) == 4
    assert keys[0] == key(EXPLAIN, "1")
    missing = ReplayTeacher({}, by_id=True)
    assert missing.key(text) not in keys
    assert missing.metered is False


def test_several_questions_are_a_json_list():
    task = Questions(MULTI, Prompt.shipped("question", "ru"))
    texts = [Text(id=name, content=name) for name in "abcd"]
    said = {"a": '["Нет", "Да"]', "b": '["Да"]', "c": "Да, Нет", "d": '{"bread": 1}'}
    answers = replayed(said.items(), texts, task=task)
    assert answers[0].scores == {"bread": 0.0, "fish": 1.0}
    assert [answer.status for answer in answers[1:]] == [Status.UNPARSED] * 3
