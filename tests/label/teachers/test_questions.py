"""Questions that show one category alone: an answer about it outlives whatever happens to the others."""

import json
import math

import pytest

from rubricator.config import LlmTeacherConfig
from rubricator.label.asking.runner import ask
from rubricator.label.teachers.factory import llm_teacher
from rubricator.label.teachers.llm import LlmTeacher
from rubricator.label.teachers.questions import QuestionsTeacher
from rubricator.llm.engines.engine import Capabilities, Generation
from rubricator.llm.limits import Limits
from rubricator.records import Status, Text
from rubricator.store import Store
from rubricator.taxonomy import Category, Taxonomy, changes

LIST = Taxonomy.model_validate(
    {
        "categories": [
            {"key": "bread", "name": "Хлеб", "description": "батоны, калачи"},
            {"key": "fish", "name": "Рыба", "description": "лещи, караси"},
        ]
    }
)
SINGLE = Taxonomy.model_validate({**LIST.model_dump(), "task": "single-label"})
TEXTS = [Text(id=str(n), content=word) for n, word in enumerate(["батон", "лещ", "рыбный пирог"])]
TEA = Category(key="tea", name="Чай", description="заварка")


class Engine:
    """Says yes where the word of the category is in the text; counts what it was asked."""

    fingerprint = "fake:1"

    def __init__(self, *, fail_on="", logprobs=True):
        self.asked, self.fail_on, self.logprobs = [], fail_on, logprobs

    def capabilities(self):
        return Capabilities("a fake", choices=True, schema=True, logprobs=self.logprobs, count=True)

    def count(self, text):
        return len(text.split())

    def close(self):
        pass

    def generate(self, requests):
        for number, request in enumerate(requests):
            content, _, asked = request.messages[-1].content.partition("Категория: ")
            self.asked.append((content.split()[1], asked.split(".")[0]))
            if self.fail_on and self.fail_on in asked and "лещ" in content:
                yield number, Generation(text="", status=Status.FAILED, cost=1)
                continue
            yes = {"Хлеб": ("батон", "пирог"), "Рыба": ("лещ", "рыб")}.get(asked.split(".")[0], ())
            said = any(word in content for word in yes)
            likely = 0.9 if said else 0.2
            choices = {"Да": math.log(likely), "Нет": math.log(1 - likely)} if self.logprobs else {}
            yield number, Generation(text="Да" if said else "Нет", choices=choices, cost=1, seconds=2)


def teacher(taxonomy, engine):
    config = LlmTeacherConfig.model_validate(
        {
            "engine": {"kind": "openai", "url": "http://x/v1", "model": "m"},
            "task": "each",
            "questions": "alone",
        }
    )
    return llm_teacher(config, taxonomy, engine)


@pytest.fixture
def store(tmp_path):
    with Store.open(tmp_path / "a.db") as opened:
        yield opened


def asked(taxonomy, store, texts=TEXTS, **options):
    engine = Engine(**options)
    found = ask([teacher(taxonomy, engine)], texts, store, stamp=taxonomy.version).answers["llm"]
    return engine.asked, found


def test_a_new_category_asks_about_itself_alone(store):
    first, before = asked(LIST, store)
    assert len(first) == 6
    again, after = asked(changes.add(LIST, TEA).after, store)
    assert [category for _, category in again] == ["Чай"] * 3
    for id_, answer in after.items():
        assert {k: answer.scores[k] for k in LIST.keys} == before[id_].scores
        assert json.loads(answer.raw)[:2] == json.loads(before[id_].raw)
        assert answer.cost == 1, "what is new"
    assert {one.cost for one in before.values()} == {2}


@pytest.mark.parametrize(
    ("change", "questions"),
    [
        (changes.describe(LIST, "fish", {"description": "уха"}), 3),
        (changes.describe(LIST, "fish", {"keywords": ("уха",)}), 0),
        (changes.rename(LIST, "fish", "fishing"), 0),
        (changes.remove(changes.add(LIST, TEA).after, "bread"), 3),
    ],
)
def test_other_changes_ask_what_shows_them(store, change, questions):
    asked(LIST, store)
    again, found = asked(change.after, store)
    assert len(again) == questions
    assert all(answer.scores.keys() == set(change.after.keys) for answer in found.values())


def test_the_same_list_is_not_asked_about_again_and_answers_bear_its_version(store):
    asked(LIST, store)
    assert asked(LIST, store)[0] == []
    assert {one.taxonomy for one in store.answers()} == {LIST.version}
    assert store.teachers() == ["llm", "llm/bread", "llm/fish"]


def test_where_one_category_is_right_shares_are_of_the_list_of_today(store):
    before = asked(SINGLE, store)[1]["2"]
    assert before.scores == pytest.approx({"bread": 0.5, "fish": 0.5})
    after = asked(changes.add(SINGLE, TEA).after, store)[1]["2"]
    assert after.scores == pytest.approx({"bread": 0.45, "fish": 0.45, "tea": 0.1})


def test_words_alone_are_read_as_all_at_once(store):
    found = asked(SINGLE, store, logprobs=False)[1]
    assert found["0"].scores == {"bread": 1.0, "fish": 0.0}
    assert found["2"].status is Status.UNPARSED, "two where exactly one is right"


def test_only_the_question_that_failed_is_asked_again(store):
    _, found = asked(LIST, store, fail_on="Рыба")
    assert {id_: one.status for id_, one in found.items()} == {
        "0": Status.OK, "1": Status.FAILED, "2": Status.OK,
    }  # fmt: skip
    again, found = asked(LIST, store)
    assert again == [("лещ", "Рыба")]
    assert found["1"].status is Status.OK


def test_a_kill_loses_no_answer_that_came(store):
    class Killed(Engine):
        def generate(self, requests):
            for number, generation in super().generate(requests):
                if number == 3:
                    raise KeyboardInterrupt
                yield number, generation

    with pytest.raises(KeyboardInterrupt):
        ask([teacher(LIST, Killed())], TEXTS, store)
    assert len(asked(LIST, store)[0]) == 3


def test_limits_count_texts(store):
    engine = Engine()
    outcome = ask([teacher(LIST, engine)], TEXTS, store, limits=Limits(max_texts=2))
    assert len(engine.asked) == 4
    assert outcome.missing == {"llm": 1}


def test_prompts_that_show_the_whole_list_stay_whole():
    config = LlmTeacherConfig.model_validate(
        {"engine": {"kind": "openai", "url": "http://x/v1", "model": "m"}, "task": "each", "questions": True}
    )
    assert type(llm_teacher(config, LIST, Engine())) is LlmTeacher
    assert type(teacher(LIST, Engine())) is QuestionsTeacher
    shown = teacher(LIST, Engine()).prompt(TEXTS[0])
    assert "Хлеб" in shown
    assert "Рыба" not in shown
