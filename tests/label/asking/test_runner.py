"""The runner asks only what is missing, once, and loses nothing on the way."""

from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest

from rubricator.label.asking import runner
from rubricator.label.asking.runner import ask
from rubricator.llm import limits as limits_module
from rubricator.llm.limits import Limits
from rubricator.records import Answer, Status, Text, content_hash
from rubricator.store import Store


@dataclass
class FakeTeacher:
    name: str = "fake"
    asked: list = field(default_factory=list)
    fail_on: str = ""
    refuse: str = ""
    silent_on: str = ""
    score: float = 1.0
    metered: bool = False
    cost: float = 0.0

    def key(self, text):
        return content_hash("fake", self.name, text.content)

    def ask(self, texts):
        for text in texts:
            if text.content == self.fail_on:
                raise KeyboardInterrupt
            self.asked.append(text.content)
            status = Status.REFUSED if text.content == self.refuse else Status.OK
            if text.content != self.silent_on:
                yield Answer(
                    text_id=text.id,
                    teacher=self.name,
                    key=self.key(text),
                    status=status,
                    scores={"a": self.score} if status is Status.OK else {},
                    cost=self.cost,
                )


@pytest.fixture
def store(tmp_path):
    with Store.open(tmp_path / "a.db") as opened:
        yield opened


def texts(*contents):
    return [Text(id=str(number), content=content) for number, content in enumerate(contents)]


def test_the_same_content_is_asked_about_once_and_answered_for_each_text(store):
    teacher = FakeTeacher()
    found = ask([teacher], texts("да", "нет", "да"), store).answers["fake"]
    assert teacher.asked == ["да", "нет"]
    assert [found[i].text_id for i in "012"] == ["0", "1", "2"]
    assert found["0"].key == found["2"].key


def test_what_is_stored_is_not_asked_again(store):
    ask([FakeTeacher()], texts("да", "нет"), store)
    teacher = FakeTeacher()
    found = ask([teacher], texts("новый", "нет"), store).answers["fake"]
    assert teacher.asked == ["новый"]
    assert found["1"].scores == {"a": 1.0}
    assert found["1"].text_id == "1"


def test_failures_are_stored_and_asked_again(store):
    ask([FakeTeacher(silent_on="да")], texts("да"), store)
    assert [a.status for a in store.answers()] == [Status.FAILED]
    assert ask([FakeTeacher()], texts("да"), store).answers["fake"]["0"].status is Status.OK


def test_a_refusal_is_an_answer_unless_it_is_to_be_asked_again(store):
    ask([FakeTeacher(refuse="да")], texts("да"), store)
    assert ask([FakeTeacher()], texts("да"), store).answers["fake"]["0"].status is Status.REFUSED
    again = ask([FakeTeacher()], texts("да"), store, again=set(Status))
    assert again.answers["fake"]["0"].status is Status.OK


def test_success_is_never_asked_again(store):
    ask([FakeTeacher()], texts("да"), store)
    teacher = FakeTeacher()
    ask([teacher], texts("да"), store, again=set(Status))
    assert teacher.asked == []


def test_an_interrupted_run_goes_on_where_it_stopped(store):
    with pytest.raises(KeyboardInterrupt):
        ask([FakeTeacher(fail_on="три")], texts("раз", "два", "три", "четыре"), store)
    teacher = FakeTeacher()
    ask([teacher], texts("раз", "два", "три", "четыре"), store)
    assert teacher.asked == ["три", "четыре"]


def test_answers_are_saved_while_the_teacher_works(store, monkeypatch):
    monkeypatch.setattr(runner, "_SAVE_ANSWERS", 2)
    seen = []

    class Watching(FakeTeacher):
        def ask(self, some):
            for answer in super().ask(some):
                seen.append(len(list(store.answers())))
                yield answer

    ask([Watching()], texts(*"абвгд"), store)
    assert seen == [0, 0, 2, 2, 4]


def test_a_text_left_out_is_a_failure_not_an_empty_answer(store):
    found = ask([FakeTeacher(silent_on="да")], texts("да", "нет"), store).answers["fake"]
    assert (found["0"].status, found["1"].status) == (Status.FAILED, Status.OK)


def test_scores_that_are_no_numbers_are_a_failure(store):
    found = ask([FakeTeacher(score=float("nan"))], texts("да"), store).answers["fake"]
    assert (found["0"].status, found["0"].scores) == (Status.FAILED, {})


def test_a_teacher_that_answers_for_another_is_a_fault(store):
    class Wrong(FakeTeacher):
        def key(self, text):
            return content_hash("fake", str(len(self.asked)))

    with pytest.raises(ValueError, match="was not asked"):
        ask([Wrong()], texts("да", "нет"), store)


def test_texts_must_be_cleaned(store):
    with pytest.raises(ValueError, match="not cleaned"):
        ask([FakeTeacher()], [Text(id="1", body="да")], store)


def test_teachers_do_not_mix_and_progress_counts_new_texts(store):
    counted = {}

    @contextmanager
    def progress(description, *, total):
        counted[description] = [total, 0]

        def done(items, note=""):
            counted[description][1] += items

        yield done

    ask([FakeTeacher(name="one")], texts("да"), store)
    found = ask(
        [FakeTeacher(name="one"), FakeTeacher(name="two")], texts("да", "нет"), store, progress=progress
    ).answers
    assert {name: len(answers) for name, answers in found.items()} == {"one": 2, "two": 2}
    assert counted == {"Asking one": [1, 1], "Asking two": [2, 2]}


def test_each_answer_of_a_metered_teacher_is_saved_at_once(store):
    seen = []

    class Watching(FakeTeacher):
        def ask(self, some):
            for answer in super().ask(some):
                seen.append(len(list(store.answers())))
                yield answer

    ask([Watching(metered=True)], texts(*"абв"), store)
    assert seen == [0, 1, 2]


@pytest.mark.parametrize(
    ("limits", "reached"),
    [(Limits(max_texts=2), "max_texts: 2"), (Limits(max_cost=0.5), "max_cost: 0.5")],
)
def test_a_limit_stops_the_round_and_the_next_one_goes_on(store, limits, reached):
    first = FakeTeacher(metered=True, cost=0.25)
    asked = ask([first], texts(*"абвг"), store, limits=limits)
    assert first.asked == ["а", "б"]
    assert (asked.missing, asked.reached) == ({"fake": 2}, reached)
    assert set(asked.answers["fake"]) == {"0", "1"}
    second = FakeTeacher(metered=True, cost=0.25)
    asked = ask([second], texts(*"абвг"), store, limits=limits)
    assert second.asked == ["в", "г"]
    assert (asked.missing, asked.reached) == ({}, "")


def test_minutes_are_a_limit_too(store, monkeypatch):
    clock = iter(range(0, 1000, 40))
    monkeypatch.setattr(limits_module.time, "monotonic", lambda: float(next(clock)))
    asked = ask([FakeTeacher(metered=True)], texts(*"абвгд"), store, limits=Limits(max_minutes=1))
    assert 0 < len(asked.answers["fake"]) < 5
    assert asked.reached == "max_minutes: 1"


def test_limits_hold_for_metered_teachers_together_and_for_no_other(store):
    paid = [FakeTeacher(name="one", metered=True), FakeTeacher(name="two", metered=True)]
    free = FakeTeacher(name="free")
    asked = ask([*paid, free], texts(*"абв"), store, limits=Limits(max_texts=4))
    assert [len(teacher.asked) for teacher in (*paid, free)] == [3, 1, 3]
    assert asked.missing == {"two": 2}
