"""The whole way of synthetic texts, with models that behave well and models that do not."""

from collections import Counter

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from small_augmentation import (
    DISHES,
    TEXTS,
    asker,
    augmenter,
    good_model,
    material,
    right_letter,
    settings,
)

from rubricator.augment.how_many import Wanted
from rubricator.augment.runner import stages_of
from rubricator.config import Duplicates
from rubricator.errors import EngineError
from rubricator.ingest.duplicates import group_duplicates
from rubricator.llm.engines.engine import Generation
from rubricator.llm.limits import Limits
from rubricator.records import Status, Text
from rubricator.store import Store


@pytest.fixture
def store(tmp_path):
    with Store.open(tmp_path / "answers.sqlite") as opened:
        yield opened


def want(texts, key="dishes"):
    return [Wanted(key, 6, texts, "")]


def saying(text):
    """A model that writes one text, and finds that every text belongs."""
    return lambda r: right_letter(r.messages[-1].content) if r.choices else text


def dropped(made):
    return {(stage, why): n for (_, stage, why), n in made.statistics.dropped.items()}


def test_a_good_model_makes_what_is_wanted_in_three_stages(store):
    texts = material()
    made = augmenter(texts, settings()).make(want(7), asker(store))
    assert len(made.texts) == len({text.id for text in made.texts}) == 7
    assert {stage for _, stage in made.statistics.made} == {"generate", "diversify", "restyle", "judge"}
    for text in made.texts:
        assert (text.categories, text.making, text.stage) == (("dishes",), "llm", "restyle")
        assert text.prompt == "restyle.ru.v1"
        assert text.model == "llm"
        assert text.verdicts["judge"] == "belongs, belongs"
        assert text.verdicts["model"] == 1.0
        assert text.parents
        assert set(text.groups) == {texts.groups[parent] for parent in text.parents}
    assert (made.reached, made.failed, made.notes) == ("", 0, [])
    # A judge that takes everything is right about the real texts of the category alone.
    assert made.examined == (6, 3)


PARTS = st.lists(
    st.sampled_from(["train", "train", "train", "test", "validation"]),
    min_size=len(TEXTS),
    max_size=len(TEXTS),
)
GROUPS = st.lists(st.integers(0, 8), min_size=len(TEXTS), max_size=len(TEXTS))


def copier(texts):
    """Says now what is new, now what a text of any part says, or nearly."""

    def say(request):
        if request.choices:
            return right_letter(request.messages[-1].content)
        new = good_model(request)
        number = sum(map(ord, new)) % (2 * len(texts.texts))
        if number < len(texts.texts):
            content = texts.texts[number].content
            return content.upper() if number % 2 else content.replace(",", " и впрямь,")
        return new

    return say


SHARED = [HealthCheck.function_scoped_fixture]


@hypothesis_settings(max_examples=15, deadline=None, suppress_health_check=SHARED)
@given(PARTS, GROUPS, st.booleans())
def test_parents_are_of_train_and_no_text_is_a_near_duplicate_of_any_part(store, parts, groups, graft):
    # A group never crosses parts: that of its first text holds for all.
    first = {}
    parts = [first.setdefault(group, part) for group, part in zip(groups, parts, strict=True)]
    keys = ["dishes"] * len(DISHES) + ["shoes"] * 4 + [""] * 4
    texts = material(
        categories=keys,
        parts=parts,
        groups=[f"g{group}" for group in groups],
        folds=[group % 3 for group in groups],
        human=[row < 10 for row in range(len(TEXTS))],
    )
    told = settings(way="graft" if graft else "write", attempts=2)
    made = augmenter(texts, told, copier(texts)).make(want(4), asker(store))
    by_id = {text.id: row for row, text in enumerate(texts.texts)}
    for text in made.texts:
        rows = [by_id[parent] for parent in text.parents]
        assert all(texts.train[row] for row in rows)
        assert len({texts.fold[row] for row in rows}) == 1
        assert not {parts[row] for row in by_id.values() if texts.groups[f"t{row}"] in text.groups} - {
            "train"
        }
    both = [*texts.texts, *(Text(id=one.id, body=one.content, content=one.content) for one in made.texts)]
    found = group_duplicates(both, Duplicates(threshold=told.judge.similarity))
    assert all(found.of[one.id] == one.id for one in made.texts)


def test_a_copy_of_a_test_text_never_passes(store):
    texts = material(parts=["test"] * 3 + ["train"] * 11)
    test_text = DISHES[0].replace(",", " ").upper()
    made = augmenter(texts, settings(), saying(test_text)).make(want(2), asker(store))
    assert made.texts == []
    assert dropped(made) == {("generate", "copies a real text"): 6}


def test_a_model_that_repeats_its_seed_is_told_so(store):
    def say(request):
        lines = [line for line in request.messages[-1].content.splitlines() if line.startswith("Пример 1: ")]
        return lines[0].removeprefix("Пример 1: ") if lines else good_model(request)

    made = augmenter(material(), settings(attempts=2), say).make(want(2), asker(store))
    assert made.texts == []
    assert dropped(made) == {("generate", "copies a seed"): 4}


def test_all_synthetic_texts_the_same_leave_one(store):
    say = saying("Чугунная утятница досталась от тёти, верна и тяжела")
    made = augmenter(material(), settings(attempts=2, diversify=False, restyle=False), say).make(
        want(3), asker(store)
    )
    assert len(made.texts) == 1
    assert dropped(made) == {
        ("judge", "copies a synthetic text"): 2,
        ("generate", "copies a synthetic text"): 2,
    }


BAD = {
    "refused": "Я не могу написать такой отзыв.",
    "unreadable": Generation(text="Кастрюля тяжёлая и очень", cut=True),
    "failed": Generation(text="timeout", status=Status.FAILED),
    "chatter": "Конечно! Вот новый отзыв: кастрюля как кастрюля",
    "repeats": "хорошая кастрюля и " * 6,
    "language": "The lid of this saucepan fits well and my soup has never boiled over so far",
    "length": "Да",
}


@pytest.mark.parametrize("why", BAD)
def test_what_is_no_text_is_dropped_for_its_reason_and_made_again(store, why):
    told = settings(diversify=False, restyle=False, attempts=2)
    made = augmenter(material(), told, saying(BAD[why])).make(want(2), asker(store))
    assert made.texts == []
    assert dropped(made) == {("generate", why): 4}
    assert made.failed == (4 if why == "failed" else 0)


@pytest.mark.parametrize(
    ("about", "why"),
    [("о чём-то другом", "judge: other"), ("не текст человека", "judge: reply")],
)
def test_the_judge_drops_what_does_not_belong(store, about, why):
    told = settings(diversify=False, restyle=False, attempts=1)
    say = lambda r: right_letter(r.messages[-1].content, about=about) if r.choices else good_model(r)  # noqa: E731
    made = augmenter(material(), told, say).make(want(3), asker(store))
    assert made.texts == []
    assert dropped(made) == {("judge", why): 3}


def test_a_judge_that_likes_a_letter_lets_nothing_through(store):
    told = settings(diversify=False, restyle=False, attempts=1)
    made = augmenter(material(), told, lambda r: "A" if r.choices else good_model(r)).make(
        want(3), asker(store)
    )
    assert made.texts == []
    assert dropped(made) == {("judge", "judge disagrees"): 3}


def test_grafting_changes_a_text_that_nobody_labelled(store):
    keys = ["dishes"] * 6 + ["shoes"] * 5 + [""] * 3
    texts = material(categories=keys, human=[row < 11 for row in range(14)], folds=[0] * 14)
    told = settings(way="graft")
    assert stages_of(told) == ("graft",)
    made = augmenter(texts, told).make(want(3), asker(store))
    assert len(made.texts) == 3
    assert all(text.parents[0] in {"t11", "t12", "t13"} for text in made.texts)
    assert {text.stage for text in made.texts} == {"graft"}


def test_models_write_in_turn(store):
    models = [
        {"name": name, "engine": {"kind": "openai", "url": "http://localhost:1/v1", "model": name}}
        for name in ("one", "two")
    ]
    made = augmenter(material(), settings(models=models)).make(want(4), asker(store))
    assert Counter(text.model for text in made.texts) == {"one, two": 2, "two, one": 2}


def test_what_was_answered_is_not_asked_again_and_a_dead_server_loses_nothing(store):
    whole = augmenter(material(), settings())
    expected = [text.content for text in whole.make(want(5), asker(store)).texts]
    asked = len(whole.judge.engine.asked)

    def dies(request, left=[9]):  # noqa: B006
        left[0] -= 1
        if left[0] < 0:
            raise EngineError("Nothing answers.", fix="Start the server.")
        return good_model(request)

    with Store.open(store._engine.url.database + "2") as other:
        first = augmenter(material(), settings(), dies)
        with pytest.raises(EngineError):
            first.make(want(5), asker(other))
        second = augmenter(material(), settings())
        made = second.make(want(5), asker(other))
    assert [text.content for text in made.texts] == expected
    assert len(second.judge.engine.asked) == asked - 9
    again = augmenter(material(), settings())
    assert [text.content for text in again.make(want(5), asker(store)).texts] == expected
    assert again.judge.engine.asked == []


def test_a_limit_stops_the_run_and_the_next_goes_on(store):
    def costs(request):
        return Generation(text=good_model(request), cost=1.0)

    made = augmenter(material(), settings(), costs).make(want(6), asker(store, Limits(max_cost=10)))
    assert made.reached == "max_cost: 10"
    assert made.texts == []
    rest = augmenter(material(), settings(), costs)
    made = rest.make(want(6), asker(store))
    assert (len(made.texts), made.reached) == (6, "")
    assert len(rest.judge.engine.asked) == 6 * 5 + 6 * 2 - 10


def test_failures_are_asked_again(store):
    told = settings(diversify=False, restyle=False, attempts=1)
    failing = lambda r: Generation(text="timeout", status=Status.FAILED)  # noqa: E731
    assert augmenter(material(), told, failing).make(want(3), asker(store)).failed == 3
    made = augmenter(material(), told).make(want(3), asker(store))
    assert (len(made.texts), made.failed) == (3, 0)


def test_a_category_that_cannot_be_begun_does_not_keep_others_from_it(store):
    texts = material(disputed=dict.fromkeys(range(6), "dishes"))
    made = augmenter(texts, settings()).make([*want(3), *want(2, "shoes")], asker(store))
    assert {text.categories for text in made.texts} == {("shoes",)}
    assert made.notes[0].startswith("dishes: ")


def test_where_real_texts_are_too_short_to_tell_their_language_any_passes(store):
    maker = augmenter(material(), settings(attempts=1, diversify=False, restyle=False))
    maker.checks.languages = set()
    maker.engines["llm"].say = saying("The lid of this pan fits well and nothing has boiled over so far")
    assert len(maker.make(want(1), asker(store)).texts) == 1
