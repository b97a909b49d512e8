"""Probabilities are those of the tokens that are the answer."""

import math

import pytest

from rubricator.llm.engines.engine import Generation, Token
from rubricator.llm.tasks.choose import Choose
from rubricator.llm.tasks.each import Each, Questions
from rubricator.llm.tasks.probabilities import answer_of, choice_logprobs
from rubricator.llm.tasks.prompt import Prompt
from rubricator.records import Status
from rubricator.taxonomy import Taxonomy

SINGLE = Taxonomy.model_validate(
    {"task": "single-label", "categories": [{"key": "bread"}, {"key": "garden"}, {"key": "fishing"}]}
)
MULTI = SINGLE.model_copy(update={"task": "multi-label"})
CHOOSE = Choose(SINGLE, Prompt.shipped("choose", "en"))
RIGHT = {"B": math.log(0.6), "A": math.log(0.3), "C": math.log(0.1)}
ELSEWHERE = {"A": -0.5, "B": -3.0, "C": -3.0, "<think>": -0.1, "The": -0.1}


def tokens(*pieces, answer="B", top=RIGHT):
    """Tokens of which the last that spells the answer has probabilities, and all others wrong ones."""
    place = max(n for n, piece in enumerate(pieces) if answer in piece)
    return tuple(
        Token(
            piece,
            top.get(answer, -0.5),
            {piece.replace(answer, other): score for other, score in top.items()},
        )
        if n == place
        else Token(piece, -0.1, ELSEWHERE)
        for n, piece in enumerate(pieces)
    )


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("B", ["B"]),
        ("B", [" B"]),
        ("B", ["<think>", "A", "?", "</think>", "B"]),
        ("B", ["<think>", "B", "?", "</think>", "\n\n", "B", "<|im_end|>"]),
        ("<think>A?</think>\n\nB", ["<think>", "A", "?", "</think>", "\n\n", "B"]),
        ("A?</think>B", ["A", "?", "</think>", "B"]),
        ("<answer>B</answer>", ["<answer", ">B", "</answer", ">"]),
        ("B<|END_RESPONSE|>", ["B", "<|END_RESPONSE|>"]),
        ("**B**", ["**", "B", "**"]),
        ("**B.**", ["**B", ".**"]),
        ("Answer: B", ["Answer", ":", " B"]),
        ("(B) garden", ["(B", ")", " garden"]),
    ],
)
def test_choose_weighs_the_letter_that_it_reads(text, pieces):
    reading = CHOOSE.read([Generation(text=text, tokens=tokens(*pieces))])
    assert reading.scores == pytest.approx({"bread": 0.3, "garden": 0.6, "fishing": 0.1})


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("B", ["<think>", "A", "?", "</think>"]),
        ("B", ["A", "B", " is it"]),
        ("garden", ["garden"]),
        ("b", ["b"]),
        ("B. garden", ["B. garden"]),
        ("B", []),
    ],
)
def test_where_no_token_is_the_letter_it_stands_alone(text, pieces):
    written = tuple(Token(piece, -0.1, ELSEWHERE) for piece in pieces)
    reading = CHOOSE.read([Generation(text=text, tokens=written)])
    assert reading.scores == {"bread": 0.0, "garden": 1.0, "fishing": 0.0}


def test_spellings_of_a_choice_add_up_and_a_missing_one_is_less_likely_than_all():
    top = {"A": -1.0, " A": -3.0, "(B": -2.0, "b": -2.5, "The": -4.0}
    generation = Generation(text="A", tokens=(Token("A", -1.0, top),))
    logprobs = choice_logprobs(generation, "A", ("A", "B", "C"))
    assert logprobs["A"] == pytest.approx(math.log(math.exp(-1) + math.exp(-3)))
    assert logprobs["B"] == pytest.approx(-2.0)
    assert -4.5 < logprobs["C"] < -4.0


def test_a_drawn_token_beyond_the_likeliest_counts_too():
    generation = Generation(text="C", tokens=(Token("C", -5.0, {"A": -0.1, "B": -2.0}),))
    assert choice_logprobs(generation, "C", ("A", "B", "C"))["C"] == pytest.approx(-5.0)


def test_a_beginning_shared_by_choices_gives_no_probabilities():
    generation = Generation(
        text="spot", tokens=(Token("sp", -0.1, {"sp": -0.1, "spot": -4.0}), Token("ot", 0.0))
    )
    assert choice_logprobs(generation, "spot", ("spot", "sport")) == {}


def test_what_the_engine_weighed_itself_goes_first():
    generation = Generation(text="A", choices={"A": -1.0}, tokens=tokens("B"))
    assert choice_logprobs(generation, "A", ("A", "B")) == {"A": -1.0}


def test_each_weighs_the_digits_of_the_answer_and_not_of_a_draft():
    task = Each(MULTI, Prompt.shipped("each", "en"))
    draft = ['{"bread": ', "0", ', "garden": ', "1", ', "fishing": ', "0", "}"]
    sure = tuple(Token(piece, -0.001) for piece in ["<think>", *draft, "</think>"])
    unsure = tuple(Token(piece, math.log(0.7)) for piece in ["So: ", *draft])
    for text in ("So: " + "".join(draft), "<think>" + "".join(draft) + "</think>So: " + "".join(draft)):
        reading = task.read([Generation(text=text, tokens=sure + unsure)])
        assert reading.scores == pytest.approx({"bread": 0.3, "garden": 0.7, "fishing": 0.3})


def test_questions_weigh_the_word_that_they_read():
    task = Questions(MULTI, Prompt.shipped("question", "en"))
    top = {"Yes": math.log(0.6), "No": math.log(0.2)}
    written = tokens("<think>", "No", "?", "</think>", "Yes", ".", answer="Yes", top=top)
    reading = task.read([Generation(text="Yes.", tokens=written)] * 3)
    assert list(reading.scores.values()) == pytest.approx([0.75] * 3)


def test_tokens_of_the_answer_are_those_that_spell_it():
    answer = answer_of(
        Generation(text="<think>A</think> B.", tokens=tokens("<think>", "A", "</think>", " B", "."))
    )
    assert (answer.text, [token.text for token in answer.tokens]) == ("B.", [" B", "."])
    assert answer_of(Generation(text="<think>A")) is None
    assert CHOOSE.read([Generation(text="<think>A")]).status is Status.UNPARSED
