"""The teacher that asks a language model, with an engine that answers by rule."""

import json
import math
from dataclasses import replace

import pytest

from rubricator.config import LlmTeacherConfig
from rubricator.dataset.annotations import Scale
from rubricator.errors import ConfigError, EngineError
from rubricator.label.teachers.factory import llm_teacher
from rubricator.label.teachers.llm import LlmTeacher, build_task
from rubricator.llm.engines.engine import Capabilities, Generation
from rubricator.llm.tasks.choose import Choose
from rubricator.llm.tasks.each import Questions
from rubricator.llm.tasks.examples import Shots
from rubricator.llm.tasks.prompt import Prompt
from rubricator.llm.tasks.task import Example
from rubricator.records import Status, Text
from rubricator.taxonomy import Taxonomy

TAXONOMY = Taxonomy.model_validate(
    {
        "task": "single-label",
        "categories": [{"key": "bread", "name": "Хлеб"}, {"key": "fish", "name": "Рыба"}],
    }
)
MULTI = TAXONOMY.model_copy(update={"task": "multi-label"})
CHOOSE = Choose(TAXONOMY, Prompt.shipped("choose", "ru"))
TEXTS = [
    Text(id=str(n), content=f"{word} {n}") for n, word in enumerate(["батон", "лещ", "калач", "карась"] * 5)
]


class FakeEngine:
    """Sees fish where there is fish, holds `room` requests and answers the newest first."""

    fingerprint = "fake:1"

    def __init__(self, *, room=3, logprobs=True, say=None):
        self.room, self.logprobs, self.say = room, logprobs, say
        self.requests, self.started, self.closed, self.counted = [], 0, 0, 0

    def capabilities(self):
        return Capabilities("a fake", choices=True, schema=True, logprobs=self.logprobs, count=True)

    def count(self, text):
        self.counted += 1
        return len(text.split())

    def generate(self, requests):
        self.started += 1
        source, held = enumerate(requests), []
        while True:
            while len(held) < self.room and (item := next(source, None)) is not None:
                held.append(item)
                self.requests.append(item[1])
            if not held:
                return
            number, request = held.pop()
            yield number, self.answer(request)

    def answer(self, request):
        asked = request.messages[-1].content
        if self.say is not None:
            said = self.say(asked)
            return said if isinstance(said, Generation) else Generation(text=said, cost=1, seconds=2)
        fish = any(word in asked for word in ("лещ", "карась"))
        if request.choices == ("Да", "Нет"):
            yes = fish == ("Рыба" in asked)
            return Generation(text="Да" if yes else "Нет", cost=1, seconds=2)
        # Without content it leans to fish, three to one.
        likely = 0.9 if fish else 0.25 if "Текст:\nбатон" in asked or "калач" in asked else 0.75
        choices = {"A": math.log(1 - likely), "B": math.log(likely)} if self.logprobs else {}
        return Generation(text="B" if likely > 0.5 else "A", choices=choices, cost=1, seconds=2)

    def close(self):
        self.closed += 1


def best(answer):
    return max(answer.scores, key=answer.scores.get)


def test_every_text_is_answered_once_and_rightly():
    engine = FakeEngine()
    teacher = LlmTeacher(engine, CHOOSE, name="fake", calibrate=False)
    answers = {answer.text_id: answer for answer in teacher.ask(iter(TEXTS))}
    assert len(answers) == len(TEXTS)
    assert (teacher.metered, teacher.scale, teacher.name) == (True, Scale.PROBABILITY, "fake")
    for text in TEXTS:
        answer = answers[text.id]
        assert (answer.status, answer.teacher, answer.key) == (Status.OK, "fake", teacher.key(text))
        assert (answer.cost, answer.seconds, answer.raw) == (1, 2, "B" if best(answer) == "fish" else "A")
        assert best(answer) == ("bread" if "батон" in text.content or "калач" in text.content else "fish")
        assert sum(answer.scores.values()) == pytest.approx(1)


def test_texts_are_drawn_only_as_there_is_room():
    drawn = []

    def source():
        for text in TEXTS:
            drawn.append(text.id)
            yield text

    asking = LlmTeacher(FakeEngine(room=3), CHOOSE, calibrate=False).ask(source())
    next(asking)
    assert len(drawn) <= 4
    asking.close()
    assert len(drawn) <= 4


def test_a_source_that_ends_early_leaves_no_text_without_its_answer():
    drawn = []

    def source():
        for text in TEXTS[:7]:
            drawn.append(text.id)
            yield text

    task = Questions(MULTI, Prompt.shipped("question", "ru"))
    answers = list(LlmTeacher(FakeEngine(room=4), task).ask(source()))
    assert sorted(answer.text_id for answer in answers) == sorted(drawn)


def test_several_questions_make_one_answer():
    task = Questions(MULTI, Prompt.shipped("question", "ru"))
    answers = list(LlmTeacher(FakeEngine(room=5), task).ask(TEXTS))
    for answer in answers:
        fish = int(answer.text_id) % 2
        assert answer.scores == {"bread": 1.0 - fish, "fish": float(fish)}
        assert json.loads(answer.raw) == ["Нет", "Да"] if fish else ["Да", "Нет"]
        assert (answer.cost, answer.seconds) == (2, 4)


def test_calibration_asks_once_and_its_cost_is_counted_once():
    engine = FakeEngine()
    teacher = LlmTeacher(engine, CHOOSE)
    answers = [*teacher.ask(TEXTS[:4]), *teacher.ask(TEXTS[4:])]
    empties = len(CHOOSE.empty)
    assert len(engine.requests) == len(TEXTS) + empties
    assert sum(answer.cost for answer in answers) == len(TEXTS) + empties
    fish = next(answer for answer in answers if best(answer) == "fish")
    # 0.9 / 0.75 against 0.1 / 0.25
    assert fish.scores["fish"] == pytest.approx(1.2 / 1.6)


def test_calibration_is_the_mean_over_typical_examples():
    engine = FakeEngine()
    sets = ((Example("щука", ("fish",)),), (Example("сушка", ("bread",)),))
    list(LlmTeacher(engine, CHOOSE, shots=Shots(typical=sets)).ask(TEXTS[:1]))
    empties = engine.requests[: 2 * len(CHOOSE.empty)]
    assert ["щука" in request.messages[1].content for request in empties].count(True) == len(CHOOSE.empty)


def test_without_probabilities_nothing_is_calibrated():
    engine = FakeEngine(logprobs=False)
    answers = list(LlmTeacher(engine, CHOOSE).ask(TEXTS))
    assert len(engine.requests) == len(TEXTS)
    assert all(set(answer.scores.values()) == {0.0, 1.0} for answer in answers)


def test_letters_without_probabilities_are_not_calibrated_and_do_not_calibrate():
    """Neither a letter that only stands there nor a prior of such letters is a probability."""
    weighed = Generation(text="A", choices={"A": math.log(0.6), "B": math.log(0.4)})
    teacher = LlmTeacher(
        FakeEngine(say=lambda asked: weighed if asked.count("Текст:\nбатон") else "A"), CHOOSE
    )
    answers = {answer.text_id: answer for answer in teacher.ask(TEXTS)}
    assert answers["0"].scores == pytest.approx({"bread": 0.6, "fish": 0.4})
    assert answers["1"].scores == {"bread": 1.0, "fish": 0.0}
    teacher = LlmTeacher(FakeEngine(say=lambda asked: "A" if asked.count("батон") else weighed), CHOOSE)
    answers = {answer.text_id: answer for answer in teacher.ask(TEXTS)}
    assert answers["0"].scores == {"bread": 1.0, "fish": 0.0}
    assert answers["1"].scores == pytest.approx({"bread": 0.5, "fish": 0.5})


def test_calibration_that_cannot_be_read_is_an_error():
    teacher = LlmTeacher(FakeEngine(say=lambda asked: "Не знаю"), CHOOSE, name="dull")
    with pytest.raises(EngineError, match=r"dull: calibration failed.*Не знаю"):
        list(teacher.ask(TEXTS))


def test_nothing_is_asked_about_no_texts():
    engine = FakeEngine()
    assert list(LlmTeacher(engine, CHOOSE).ask([])) == []
    assert (engine.started, engine.requests) == (0, [])


@pytest.mark.parametrize(
    ("said", "status"),
    [
        ("погода", Status.UNPARSED),
        ("", Status.UNPARSED),
        ("Я не могу ответить.", Status.REFUSED),
        (Generation(text="503", status=Status.FAILED), Status.FAILED),
        (Generation(text="filtered", status=Status.REFUSED), Status.REFUSED),
    ],
)
def test_what_is_no_answer_has_no_scores_but_its_raw(said, status):
    teacher = LlmTeacher(FakeEngine(say=lambda asked: said), CHOOSE, calibrate=False)
    (answer,) = teacher.ask(TEXTS[:1])
    assert (answer.status, answer.scores) == (status, {})
    assert answer.raw == (said if isinstance(said, str) else said.text)


def test_the_key_covers_what_could_change_the_answer_and_starts_nothing():
    engine = FakeEngine()
    text = Text(id="1", content="лещ")
    other = FakeEngine()
    other.fingerprint = "fake:2"
    shots = Shots(usual=(Example("щука", ("fish",)),))
    english = Choose(TAXONOMY, Prompt.shipped("choose", "en"))
    keys = [
        LlmTeacher(engine, CHOOSE).key(text),
        LlmTeacher(engine, CHOOSE).key(replace(text, content="сом")),
        LlmTeacher(engine, CHOOSE, name="b").key(text),
        LlmTeacher(other, CHOOSE).key(text),
        LlmTeacher(engine, english).key(text),
        LlmTeacher(engine, CHOOSE, calibrate=False).key(text),
        LlmTeacher(engine, CHOOSE, max_text_tokens=100).key(text),
        LlmTeacher(engine, CHOOSE, shots=shots).key(text),
        LlmTeacher(engine, CHOOSE, shots=replace(shots, usual=(Example("щука", ("bread",)),))).key(text),
        LlmTeacher(engine, CHOOSE, shots=Shots(typical=((Example("щука", ("fish",)),),))).key(text),
    ]
    assert len(set(keys)) == len(keys)
    assert LlmTeacher(engine, CHOOSE).key(replace(text, id="2", title="t")) == keys[0]
    assert (engine.started, engine.counted) == (0, 0)


def test_long_texts_and_examples_are_shortened():
    engine = FakeEngine()
    shots = Shots(usual=(Example("щука " * 100, ("fish",)),))
    teacher = LlmTeacher(engine, CHOOSE, shots=shots, max_text_tokens=20, calibrate=False)
    list(teacher.ask([Text(id=str(n), content="лещ " * 100) for n in range(3)]))
    for request in engine.requests:
        _, example, _, question = request.messages
        assert question.content.count("лещ") <= 20
        assert "[…]" in question.content
        assert example.content.count("щука") <= 10


def test_a_prompt_for_people_and_its_tokens():
    engine = FakeEngine()
    teacher = LlmTeacher(engine, CHOOSE)
    shown = teacher.prompt(Text(id="1", content="лещ"))
    assert shown.startswith("[system]\nОпредели")
    assert shown.endswith("[user]\nТекст:\nлещ\n\nОтвет:")
    assert teacher.request_tokens(Text(id="1", content="лещ")) == len(shown.split()) - 2
    assert teacher.capabilities().about == "a fake"
    assert engine.started == 0


def config(**given):
    return LlmTeacherConfig.model_validate({"name": "m", "engine": "gguf", **given})


def test_the_config_says_what_is_built(tmp_path):
    engine = FakeEngine()
    plain = llm_teacher(config(task="choose"), TAXONOMY, engine)
    assert plain.key(TEXTS[0]) == LlmTeacher(engine, CHOOSE, name="m").key(TEXTS[0])
    kinds = [("choose", False, "Choose"), ("each", False, "Each"), ("each", True, "Questions")]
    for task, questions, kind in [*kinds, ("explain", False, "Explain")]:
        built = build_task(config(task=task, questions=questions), TAXONOMY)
        assert type(built).__name__ == kind
    own = tmp_path / "own.jinja"
    own.write_text(CHOOSE._prompt.source.replace("Определи", "Реши"), encoding="utf-8")
    assert "Реши" in llm_teacher(config(task="choose"), TAXONOMY, engine, own).prompt(TEXTS[0])
    with pytest.raises(ConfigError, match="for the task 'choose', not 'question'"):
        llm_teacher(config(task="each", questions=True), TAXONOMY, engine, own)
    with pytest.raises(ConfigError, match="multi-label"):
        llm_teacher(config(task="choose"), MULTI, engine)
