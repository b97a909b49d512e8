"""Thoughts are taken off where it is sure where they end, and nowhere else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rubricator.llm.thoughts import answer_span, still_thinking, without_thoughts

MARKS = [
    ("<think>", "</think>"),
    ("<thinking>", "</thinking>\n"),
    ("<Thought>\n", "\n</Thought>\n"),
    ("<seed:think>", "</seed:think>"),
    ("<reasoning>\n", "\n</reasoning>\n"),
    ('<scratchpad type="private">', "</scratchpad>"),
    ("[THINK]", "[/THINK]"),
    ("◁think▷", "◁/think▷"),
    ("<|begin_of_thought|>", "<|end_of_thought|>"),
    ("<|START_THINKING|>", "<|END_THINKING|>"),
    ("<|channel>thought\n", "<channel|>"),
    ("<unused94>thought\n", "<unused95>"),
    ("Here is my thought process:\n", "\nHere is my response:\n"),
    ("<|channel|>analysis<|message|>", "<|end|><|start|>assistant<|channel|>final<|message|>"),
    (
        "<|start|>assistant<|channel|>commentary to=x<|message|>",
        "<|end|><|channel|>final <|constrain|>json<|message|>",
    ),
    ("analysis", "assistantfinal"),
]
WRAPPERS = [
    ("", ""),
    ("<answer>", "</answer>"),
    ("<answer>\n", ""),
    ("", "</answer>"),
    ("<final_answer>", "</final_answer>\n"),
    ("<|begin_of_box|>", "<|end_of_box|>"),
    ("<answer><|begin_of_box|>", "<|end_of_box|></answer>"),
    ("<|begin_of_solution|>", "<|end_of_solution|>"),
    ("<|START_RESPONSE|>", "<|END_RESPONSE|>"),
    ("\n\n", "<|im_end|>\n<|endoftext|>"),
    ("", "</s>"),
]


@pytest.mark.parametrize(("opened", "closed"), MARKS)
@pytest.mark.parametrize(("before", "after"), WRAPPERS)
def test_the_answer_stands_behind_the_thoughts(opened, closed, before, after):
    output = f"{opened}Maybe A. No, rather not.{closed}{before}B, {{}}{after}"
    assert without_thoughts(output) == "B, {}"
    assert not still_thinking(output)


@pytest.mark.parametrize(("opened", "closed"), MARKS)
def test_thoughts_that_do_not_end_have_no_answer(opened, closed):
    assert without_thoughts(f"{opened}Maybe A") is None
    assert still_thinking(f"{opened}Maybe A")
    assert not without_thoughts(f"{opened}Maybe A{closed}\n")
    assert still_thinking(f"{opened}Maybe A{closed}\n")


@pytest.mark.parametrize("closed", [closed for _, closed in MARKS if closed != "assistantfinal"])
def test_what_stands_before_a_closing_mark_alone_are_thoughts(closed):
    assert without_thoughts(f"Maybe A. {closed}B") == "B"


@pytest.mark.parametrize(
    "output",
    [
        "B <think>or A?</think>",
        "B <think>or A?</think> A",
        "<think>B</think><think>or A",
        "<mulling>A</mulling>B",
        "A</mulling>B",
        "<|channel|>thoughts<|message|>A",
        "[MULLING] A [/MULLING] B",
        "&lt;think&gt;A&lt;/think&gt;B",
        "<answer>A</answer><answer>B</answer>",
        "<answer>A</answer> No, B.",
        "analysisThe user writes about A",
    ],
)
def test_where_it_is_not_sure_there_is_no_answer(output):
    assert without_thoughts(output) is None


@pytest.mark.parametrize(
    "output",
    ["B", "", "analysis", "Analysis: A", "Is 3 < 4?", "A [1]", "A reason with <b>bold</b>.", '{"a": 1}'],
)
def test_an_output_without_marks_stays_as_it_is(output):
    assert without_thoughts(output) == output


@given(st.lists(st.sampled_from(["A", " ", "\n", *(mark for pair in [*MARKS, *WRAPPERS] for mark in pair)])))
def test_an_answer_is_a_stretch_of_the_output_and_stays_as_it_is(pieces):
    output = "".join(pieces)
    span = answer_span(output)
    if span is not None:
        answer = output[slice(*span)]
        assert answer == answer.strip()
        assert without_thoughts(output) == answer
