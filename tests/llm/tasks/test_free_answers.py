"""Answers in no form that was asked for: what is read, what is not, and that nothing is made up."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rubricator.errors import ConfigError
from rubricator.llm.engines.engine import Generation
from rubricator.llm.tasks.names import Names
from rubricator.llm.tasks.repair import bare, read_free, refused
from rubricator.records import Status
from rubricator.taxonomy import Taxonomy

CATEGORIES = [
    {"key": "clothes", "name": "Одежда"},
    {"key": "kids", "name": "Товары для детей"},
    {"key": "devices", "name": "Электроника"},
    {"key": "honey", "name": "Мёд и варенье"},
    {"key": "art/music", "name": "Искусство"},
    {"key": "it", "name": "ИТ"},
    {"key": "none", "name": "Прочее"},
]
SINGLE = Taxonomy.model_validate({"task": "single-label", "none": "none", "categories": CATEGORIES})
MULTI = Taxonomy.model_validate({"task": "multi-label", "categories": CATEGORIES})
ALIASES = {"7": "devices", "3": "kids", "Одёжка": "clothes"}
WORDS = (
    "одежд|мёд|мед|варен|товар|электрон|искусств|проч|cloth|kid|device|honey|art|music|none|it|ит|одёжк|одежк"
)


def read(answer, taxonomy=SINGLE, **more):
    reading = read_free(Generation(text=answer, **more), Names(taxonomy, ALIASES), taxonomy)
    if reading.status is not Status.OK:
        assert not reading.scores
        return reading.status
    assert set(reading.scores) == set(taxonomy.keys)
    return [key for key, score in reading.scores.items() if score == 1.0]


@pytest.mark.parametrize(
    ("answer", "category"),
    [
        ("clothes", "clothes"),
        ("ОДЕЖДА.", "clothes"),
        ("«Одежда»", "clothes"),
        ("**Одежда**", "clothes"),
        ("```\nодежда\n```", "clothes"),
        ("```clothes```", "clothes"),
        ("The final answer is $\\boxed{\\text{Одежда}}$.", "clothes"),
        ("электроник", "devices"),
        ("Электро", "devices"),
        ("товары для дет", "kids"),
        ("товаров для детей", "kids"),
        ("мед и варенье", "honey"),
        ("варенье", "honey"),
        ("IT", "it"),
        ("7", "devices"),
        ("одежка", "clothes"),
        ("Прочее", "none"),
        ("none", "none"),
        ('{"category": "Одежда"}', "clothes"),
        ('```json\n{"label": "clothes",}\n```', "clothes"),
        ('[{"label": 7, "confidence": 95}]', "devices"),
        ("{'категория': 'Одежда'}", "clothes"),
        ("Ответ: одежда\nЭто про платье и музыку.", "clothes"),
        ("The review mentions music.\n**Final answer:** Clothes", "clothes"),
        ('This review falls under "clothes".', "clothes"),
        ("The text is about honey, as it mentions music and clothes.", "honey"),
        ("Отзыв относится к электронике, так как речь о варенье.", "devices"),
        ("This is not about clothes but about music.", "art/music"),
        ("This could be filed under clothes.", "clothes"),
        ("It is about music, not clothes.", "art/music"),
        ("Is it clothes? It is a text about honey.", "honey"),
        ("Речь идёт о товарах для детей. Товары для детей и упомянуты.", "kids"),
        ('Вот ответ: {"label": "clothes"}. Надеюсь, это поможет.', "clothes"),
        ('{"reasoning": "it is not honey", "answer": {"category": "Одежда"}}', "clothes"),
        ('Draft: {"label": "clothes"}, final: {"label": "Одежда"}', "clothes"),
        ('[1] says: {"label": "clothes"}', "clothes"),
        ('I would say "it".', "it"),
    ],
)
def test_one_category_is_read(answer, category):
    assert read(answer) == [category]


@pytest.mark.parametrize(
    "answer",
    [
        "",
        "[]",
        "{}",
        "42",
        "7.5",
        "true",
        "null",
        "одежда, электроника",
        "Одежда или электроника",
        'Either "clothes" or "honey".',
        "It is not about clothes.",
        "It does not fall under any of the categories. It may be clothes.",
        "Это ни одна из категорий, хотя упомянута одежда.",
        "Is it clothes?",
        "Hard to say whether it is clothes.",
        "I think it is other.",
        "Other things matter more than it.",
        "None of this is clear to me, it says little.",
        '{"label": 8}',
        '{"label": 7, "category": "clothes"}',
        '[{"label": 7}, {"label": 3}]',
        '[{"label": 7}, {"label": 99}]',
        '{"label": "clothes", "label": "kids"}',
        '{"label": ["clothes", "kids"]}',
        "Category: clothes\nAnswer: honey",
        "Речь идёт о товарах для детей. Упомянута одежда.",
        "Это могла бы быть одежда, но подходит электроника.",
        "This could be clothes, but the best fit is honey.",
        "This could be clothes, but the best fit is it.",
        "It is about clothes. No, wait, something else.",
        "Это одежда. Хотя нет, это оно.",
        "It is about clothes. On second thoughts, it is about honey.",
        'Draft: {"label": "clothes"}, final: {"label": "honey"}',
        'Draft: {"label": 99}, final: {"label": "honey"}',
        'Ответ: {"label": "clothes"',
        'It is clothes: {"label": }',
        "то",
        "эл",
    ],
)
def test_what_is_not_clear_is_unparsed(answer):
    assert read(answer) is Status.UNPARSED


@pytest.mark.parametrize(
    "answer",
    [
        "I cannot help with that.",
        "I'm sorry, but I can't classify clothes.",
        "Sorry, I won't do that. Clothes are private.",
        "As an AI language model, I do not have opinions on music.",
        "Я не могу ответить на этот вопрос.",
        "К сожалению, я не могу определить категорию.",
        "Извините, но я не могу обсуждать одежду.",
    ],
)
def test_a_refusal_is_a_refusal(answer):
    assert read(answer) is Status.REFUSED
    assert refused(answer)


def test_an_apology_alone_is_no_refusal():
    assert read("I'm sorry, but the text is about clothes.") == ["clothes"]


@pytest.mark.parametrize(
    ("answer", "categories"),
    [
        ("одежда, мёд и варенье", ["clothes", "honey"]),
        ("Clothes; honey", ["clothes", "honey"]),
        ('["clothes", 3]', ["clothes", "kids"]),
        ("The text is about clothes and music.", ["clothes", "art/music"]),
        ("It is about music. It is all music.", ["art/music"]),
        ("It is about music. It is about clothes.", Status.UNPARSED),
        ('["clothes", "boredom"]', Status.UNPARSED),
        ("[]", Status.UNPARSED),
    ],
)
def test_several_categories_are_read_where_several_may_be(answer, categories):
    assert read(answer, MULTI) == categories


@given(st.text())
def test_what_names_no_category_never_becomes_one(answer):
    folded = answer.casefold()
    if any(word in folded for word in WORDS.split("|")) or any(c.isdigit() for c in folded):
        return
    assert read(answer) in (Status.UNPARSED, Status.REFUSED)
    assert read(answer, MULTI) in (Status.UNPARSED, Status.REFUSED)


@given(st.text(alphabet='{}[]",:01 \n`abел', max_size=40))
def test_broken_json_never_becomes_a_category(answer):
    assert read(answer) is Status.UNPARSED


@given(
    st.sampled_from(CATEGORIES),
    st.sampled_from(["{}", "{}.", "«{}»", '"{}"', " {}\n", "**{}**", "Ответ: {}"]),
)
def test_a_name_is_read_back_however_it_is_dressed(category, dress):
    for name in (category["key"], category["name"], category["name"].upper()):
        assert read(dress.format(name)) == [category["key"]]


def test_what_means_two_categories_means_neither():
    taxonomy = Taxonomy.model_validate(
        {
            "task": "single-label",
            "categories": [
                {"key": "a1", "name": "Наука и техника"},
                {"key": "b2", "name": "Техника и быт"},
                {"key": "c3", "name": "Наука"},
            ],
        }
    )
    names = Names(taxonomy)
    assert names.exact("техника") is None
    assert names.exact("наука") == "c3"
    assert names.exact("техник") is None
    assert names.exact("техника и б") == "b2"
    assert names.exact("быт") is None  # too short to stand alone
    assert names.exact("Наука и техника") == "a1"


def test_aliases_must_stand_for_known_categories():
    with pytest.raises(ConfigError, match="'toys' is no category"):
        Names(SINGLE, {"1": "toys"})


def test_dressing_is_taken_off():
    assert bare("```json\n{}\n```") == "{}"
    assert bare("### **Хлеб**") == "Хлеб"


def test_prose_that_names_every_category_names_none():
    assert read("It has clothes, kids, devices, honey, music and прочее in it.", MULTI) is Status.UNPARSED
    assert read("It has clothes, kids, devices and music in it.", MULTI) != Status.UNPARSED
    assert read("It is about clothes or honey.", MULTI) is Status.UNPARSED
    assert read("clothes, kids, devices, honey", MULTI) == ["clothes", "kids", "devices", "honey"]


@pytest.mark.parametrize("doubt", [{"cut": True}, {"thoughts": True}])
def test_prose_of_which_more_may_come_is_not_read(doubt):
    assert read("The text is about clothes", **doubt) is Status.UNPARSED
    assert read("clothes", **doubt) == ["clothes"]
    assert read('{"label": "clothes"} and so', **doubt) == ["clothes"]
    assert read("Answer: clothes\nbecause", **doubt) == ["clothes"]


def test_a_list_that_was_cut_off_is_not_the_whole_answer():
    assert read("clothes, honey", MULTI, cut=True) is Status.UNPARSED
    assert read("clothes, honey\n\nThis", MULTI, cut=True) == ["clothes", "honey"]
