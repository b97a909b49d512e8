"""The judge's question: letters in another order each time, so that a liking for a letter shows."""

import pytest
from small_augmentation import TAXONOMY

from rubricator.augment.question import Question, order
from rubricator.llm.engines.engine import Generation
from rubricator.records import Status

CATEGORY = TAXONOMY.categories[0]


@pytest.mark.parametrize("language", ["ru", "en"])
def test_the_question_names_the_category_the_text_and_every_opinion(language):
    request = Question(language).request(CATEGORY, "Крышка гнётся", number=1, temperature=0.7)
    question = request.messages[-1].content
    assert all(part in question for part in ("Посуда", "кастрюли", "Крышка гнётся", "A — ", "B — ", "C — "))
    assert request.choices == ("A", "B", "C")
    assert request.temperature == 0.7


def test_no_letter_stands_for_the_same_in_the_first_three_rounds():
    for place in range(3):
        assert len({order(number)[place] for number in range(3)}) == 3


@pytest.mark.parametrize("letter", ["A", "B", "C"])
def test_a_model_that_always_says_one_letter_contradicts_itself(letter):
    question = Question("ru")
    opinions = {question.read(Generation(text=letter), number=number) for number in range(2)}
    assert len(opinions) == 2


@pytest.mark.parametrize(
    ("said", "opinion"),
    [
        ("A", "belongs"),
        (" А. ", "belongs"),
        ("B)", "other"),
        ("**C**", "reply"),
        ("Cначала подумаю", None),
        ("Это отзыв", None),
        ("", None),
        ("D", None),
        ("<think>B</think>A", "belongs"),
    ],
)
def test_letters_are_read_and_nothing_is_guessed(said, opinion):
    assert Question("ru").read(Generation(text=said), number=0) == opinion


def test_a_failure_is_no_opinion():
    assert Question("ru").read(Generation(text="A", status=Status.FAILED), number=0) is None
