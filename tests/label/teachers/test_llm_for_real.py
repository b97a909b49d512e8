"""All tasks asked of real llama.cpp servers: a base model, and a chat model that holds to no form."""

import json

import pytest

from rubricator.config import LlmTeacherConfig, OpenAIEngineConfig
from rubricator.label.teachers.factory import llm_teacher
from rubricator.label.teachers.llm import build_task
from rubricator.label.teachers.replay import ReplayTeacher, replies_of
from rubricator.llm.engines.openai import OpenAIEngine
from rubricator.llm.tasks.examples import Shots
from rubricator.llm.tasks.task import Example
from rubricator.records import Status, Text
from rubricator.taxonomy import Taxonomy

CATEGORIES = [
    {"key": "food", "name": "Еда", "description": "супы, выпечка, рецепты"},
    {"key": "sport", "name": "Спорт", "description": "матчи, голы, тренировки"},
    {"key": "weather", "name": "Погода", "description": "дождь, снег, температура"},
]
SINGLE = Taxonomy.model_validate({"task": "single-label", "categories": CATEGORIES})
MULTI = SINGLE.model_copy(update={"task": "multi-label"})
SHOTS = (
    Example("Замесили тесто и поставили пирог в духовку.", ("food",)),
    Example("Вратарь отбил пенальти на последней минуте.", ("sport",)),
    Example("К вечеру обещают ливень и порывистый ветер.", ("weather",)),
)
TEXTS = [
    Text(id="1", content="Нападающий забил два гола, и команда выиграла матч."),
    Text(id="2", content="Ночью похолодает, местами пройдёт мокрый снег."),
]


@pytest.fixture(scope="module")
def engine(llama):
    config = OpenAIEngineConfig(url=f"{llama}/v1", model="gemma", chat=False, concurrency=4)
    engine = OpenAIEngine(config)
    yield engine
    engine.close()


def told(task, **more):
    return LlmTeacherConfig.model_validate({"name": "m", "engine": "gguf", "task": task, **more})


def answers(engine, config, taxonomy, texts=TEXTS, examples=SHOTS):
    shots = Shots(usual=examples, typical=(examples,))
    teacher = llm_teacher(config, taxonomy, engine, shots=shots)
    found = sorted(teacher.ask(iter(texts)), key=lambda answer: answer.text_id)
    assert [answer.text_id for answer in found] == [text.id for text in texts]
    return found


@pytest.mark.slow
def test_choose_gives_calibrated_probabilities(engine):
    for answer in answers(engine, told("choose"), SINGLE):
        assert answer.status is Status.OK, answer.raw
        assert answer.raw in ("A", "B", "C")
        assert sum(answer.scores.values()) == pytest.approx(1)
        assert all(0 < score < 1 for score in answer.scores.values())


@pytest.mark.slow
def test_each_gives_a_probability_per_category(engine):
    for answer in answers(engine, told("each"), MULTI):
        assert answer.status is Status.OK, answer.raw
        assert set(json.loads(answer.raw)) == set(MULTI.keys)
        assert any(0 < score < 1 for score in answer.scores.values())
        for key, score in answer.scores.items():
            assert (score > 0.5) == bool(json.loads(answer.raw)[key])


@pytest.mark.slow
def test_questions_give_a_probability_per_category_and_can_be_replayed(engine):
    config = told("each", questions=True)
    asked = answers(engine, config, MULTI, TEXTS[:1])
    for answer in asked:
        assert answer.status is Status.OK, answer.raw
        assert set(json.loads(answer.raw)) <= {"Да", "Нет"}
        assert all(0 < score < 1 for score in answer.scores.values())
    # Read again from the raw generations, bare of probabilities.
    replies = replies_of(build_task(config, MULTI), [(a.text_id, a.raw) for a in asked], by_id=True)
    for before, after in zip(asked, ReplayTeacher(replies, by_id=True).ask(TEXTS[:1]), strict=True):
        assert after.status is before.status
        assert after.scores == {key: float(score > 0.5) for key, score in before.scores.items()}


@pytest.mark.slow
def test_explain_is_read_where_the_form_is_kept(engine):
    (answer,) = answers(engine, told("explain"), SINGLE, TEXTS[:1])
    assert answer.raw.startswith("КАТЕГОРИЯ:")
    assert answer.status in (Status.OK, Status.UNPARSED)
    assert sum(answer.scores.values()) == (answer.status is Status.OK)


@pytest.mark.slow
def test_a_long_text_fits(engine):
    long = Text(id="3", content="Дождь шёл весь день, и река вышла из берегов. " * 200)
    teacher = llm_teacher(told("choose", max_text_tokens=60, calibrate=False), SINGLE, engine)
    assert teacher.request_tokens(long) < teacher.request_tokens(Text(id="0", content="Дождь")) + 80
    (answer,) = teacher.ask([long])
    assert answer.status is Status.OK


@pytest.mark.slow
def test_a_chat_model_is_asked_in_turns(chatty_llama):
    config = OpenAIEngineConfig(url=f"{chatty_llama}/v1", model="smol", concurrency=4)
    engine = OpenAIEngine(config)
    (answer,) = answers(engine, told("choose", language="en", calibrate=False), SINGLE, TEXTS[:1])
    assert answer.status is Status.OK, answer.raw
    assert sum(answer.scores.values()) == pytest.approx(1)
    engine.close()
