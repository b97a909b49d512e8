"""Prompts that ask for a text, and what is read out of the answers."""

import pytest
from small_augmentation import TAXONOMY

from rubricator.augment.attributes import Attributes
from rubricator.augment.writing import PROMPTS, Writer
from rubricator.llm.engines.engine import Generation
from rubricator.records import Status

CATEGORY = TAXONOMY.categories[0]
LIKE = Attributes(12, "ровный, законченными предложениями", "крышка", "рынок")


def ask(stage, language, text="Старая кастрюля"):
    writer = Writer(stage, language)
    return writer.request(
        CATEGORY,
        seeds=["Сковорода чугунная", "Чашка с трещиной"],
        text=text,
        attributes=LIKE,
        temperature=0.9,
        most_tokens=200,
    )


@pytest.mark.parametrize("language", ["ru", "en"])
@pytest.mark.parametrize(
    ("stage", "shown"),
    [
        ("generate", ["Сковорода чугунная", "тарелки, кастрюли", "крышка", "рынок", "12", "ровный"]),
        ("diversify", ["Старая кастрюля", "тарелки, кастрюли", "12"]),
        ("restyle", ["Старая кастрюля", "Чашка с трещиной"]),
        ("graft", ["Старая кастрюля", "Чашка с трещиной", "тарелки, кастрюли"]),
    ],
)
def test_a_shipped_prompt_shows_what_its_stage_works_with(stage, shown, language):
    request = ask(stage, language)
    system, question = request.messages
    assert (system.role, question.role) == ("system", "user")
    assert all(one in question.content for one in [*shown, "Посуда"])
    assert question.content.endswith(":\n")
    assert request.temperature == 0.9
    assert 12 < request.max_tokens <= 200


def test_there_is_a_prompt_for_every_stage_in_both_languages():
    stages = ("generate", "diversify", "restyle", "graft", "judge")
    expected = {f"{stage}.{language}.jinja" for stage in stages for language in ("ru", "en")}
    assert {path.name for path in PROMPTS.folder.iterdir()} == expected


@pytest.mark.parametrize(
    ("said", "text"),
    [
        ("Крышка не подходит к кастрюле.", "Крышка не подходит к кастрюле."),
        ("«Крышка не подходит.»", "Крышка не подходит."),
        ("Новый текст: Крышка гнётся.", "Крышка гнётся."),
        ("Крышка гнётся.\n\nПример 6: Ложка тонкая.\n\nПример 7: Вилка", "Крышка гнётся."),
        ("<think>О чём бы написать</think>\nКрышка гнётся.", "Крышка гнётся."),
        ("```\nКрышка гнётся.\n```", "Крышка гнётся."),
        ("Не могу нарадоваться: сковорода не липнет!", "Не могу нарадоваться: сковорода не липнет!"),
    ],
)
def test_the_text_is_read_without_what_stands_around_it(said, text):
    written = Writer("generate", "ru").read(Generation(text=said))
    assert (written.status, written.content) == (Status.OK, text)


@pytest.mark.parametrize(
    "said",
    [
        "Я не могу написать такой отзыв, потому что это нарушает правила.",
        "К сожалению, я не могу помочь с созданием отзывов.",
        "Как языковая модель, я не имею личного опыта.",
        "I'm sorry, but I can't help with writing fake reviews.",
        "Не люблю менять тему разговора, но вот сейчас тот самый случай.",
    ],
)
def test_a_refusal_is_no_text(said):
    assert Writer("generate", "ru").read(Generation(text=said)).status is Status.REFUSED


def test_a_text_that_the_token_limit_cut_off_is_none_unless_it_is_known_to_be_whole():
    writer = Writer("generate", "ru")
    assert writer.read(Generation(text="Крышка гнётся и", cut=True)).status is Status.UNPARSED
    whole = writer.read(Generation(text="Крышка гнётся.\nПример 6: Лож", cut=True))
    assert (whole.status, whole.content) == (Status.OK, "Крышка гнётся.")
    assert writer.read(Generation(text="  \n")).status is Status.UNPARSED
    assert writer.read(Generation(text="<think>и вот")).status is Status.UNPARSED
    assert writer.read(Generation(text="timeout", status=Status.FAILED)).status is Status.FAILED


def test_versions_tell_prompts_apart():
    stages = ("generate", "diversify", "restyle", "graft")
    assert len({Writer(stage, lang).version for stage in stages for lang in ("ru", "en")}) == 8
    assert Writer("graft", "ru").prompt == "graft.ru.v1"
