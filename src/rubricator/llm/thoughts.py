"""Where a model's thoughts end and its answer begins, in the marks that models put around them."""

from __future__ import annotations

import regex

_FLAGS = regex.IGNORECASE | regex.VERBOSE
_THOUGHT = r"(?:seed:)?(?:think|thinking|thoughts?|reasoning|reflection|analysis|scratchpad)"
_ROLE = r"(?:<\|start\|>\s*assistant\s*)?"
_CLOSE = regex.compile(
    rf"""
      </\s*{_THOUGHT}\s*>                                          # DeepSeek, Qwen, Seed and many others
    | \[/THINK\] | ◁/think▷                                        # Magistral, Kimi
    | <\|(?:end_of_thought|END_THINKING)\|>                        # OpenThinker, Command
    | <channel\|> | <unused95>                                     # Gemma, MedGemma
    | here(?:'s|\ is)\ my\ response:                               # Granite
    | {_ROLE}<\|channel\|>\s*final\b(?:(?!<\|message\|>).){{0,80}}<\|message\|>    # gpt-oss
    """,
    _FLAGS,
)
_OPEN = regex.compile(
    rf"""
      <\s*{_THOUGHT}(?:\s[^<>]{{0,80}})?>
    | \[THINK\] | ◁think▷
    | <\|(?:begin_of_thought|START_THINKING)\|>
    | <\|channel>\s*thought | <unused94>\s*thought
    | here(?:'s|\ is)\ my\ thought\ process:
    | {_ROLE}<\|channel\|>\s*(?:analysis|commentary)\b(?:(?!<\|message\|>).){{0,80}}<\|message\|>
    """,
    _FLAGS,
)
_WRAPPER = (
    r"(?:answer|final_answer|final|response|output|result|categor(?:y|ies)|labels?|letter|choice|tool_call)"
)
_ANSWER = regex.compile(
    rf"(?P<open><\s*{_WRAPPER}\s*>|<\|(?:begin_of_solution|begin_of_box|START_RESPONSE)\|>)"
    rf"|</\s*{_WRAPPER}\s*>|<\|(?:end_of_solution|end_of_box|END_RESPONSE)\|>",
    regex.IGNORECASE,
)
# What gpt-oss writes where the server drops its marks and keeps the words between them.
_GLUED_OPEN = regex.compile(r"\s*analysis(?:(?=\p{Lu})|(?=.*assistantfinal))", regex.DOTALL)
_GLUED_CLOSE = "assistantfinal"
_LAST_TOKEN = regex.compile(r"<(?:\|[^<>|]{1,40}\||/s|eos|end_of_turn|｜[^<>]{1,40}｜)>")
# Marks that are left over: something about the answer is not understood. Short ones are HTML.
_TAG = regex.compile(r"<\w")
_UNKNOWN = regex.compile(r"</[\w:]{5,40}>|<\|[^<>|]{0,60}\|?>|[◁▷]|\[/[A-Z_]{5,40}\]|&lt;/?\w{5,40}&gt;")


def answer_span(output: str) -> tuple[int, int] | None:
    """Where the answer stands in an output: without thoughts, marks of its own and outer white space.

    None where that is not sure: thoughts do not end or come late, answers differ, unknown marks are left.
    """
    behind = _behind_thoughts(output)
    span = None if behind is None else _inside_marks(output, *stripped(output, behind, len(output)))
    if span is None or _TAG.match(output, *span) or _UNKNOWN.search(output, *span):
        return None
    return span


def without_thoughts(output: str) -> str | None:
    """The answer alone; None where it is not sure what that is (see `answer_span`)."""
    span = answer_span(output)
    return None if span is None else output[slice(*span)]


def still_thinking(output: str) -> bool:
    """Whether an output ends before its thoughts do, or with them."""
    behind = _behind_thoughts(output)
    return behind is None or not output[behind:].strip()


def _behind_thoughts(output: str) -> int | None:
    """Where the last thoughts end; what stands before a closing mark alone are thoughts, too."""
    if _GLUED_OPEN.match(output):
        place = output.rfind(_GLUED_CLOSE)
        return None if place < 0 else place + len(_GLUED_CLOSE)
    begins = _OPEN.search(output)
    if begins is not None and output[: begins.start()].strip():
        return None
    end = max((mark.end() for mark in _CLOSE.finditer(output)), default=0)
    return None if _OPEN.search(output, end) else end


def _inside_marks(output: str, start: int, end: int) -> tuple[int, int] | None:
    """What stands in marks of an answer: the same in all of them, and nothing behind."""
    marks = list(_ANSWER.finditer(output, start, end))
    if not marks:
        return start, end
    stops = [mark.start() for mark in marks[1:]] + [end]
    spans = [(mark, stripped(output, mark.end(), stop)) for mark, stop in zip(marks, stops, strict=True)]
    answers = [span for mark, span in spans if mark["open"] and span[0] < span[1]]
    if not marks[0]["open"]:
        answers.insert(0, stripped(output, start, marks[0].start()))
    outside = any(span[0] < span[1] for mark, span in spans if not mark["open"])
    if outside or len({output[slice(*span)] for span in answers}) != 1:
        return None
    return answers[-1]


def stripped(output: str, start: int, end: int) -> tuple[int, int]:
    """A stretch without white space around it and tokens that end a turn."""
    while start < end:
        if output[start].isspace():
            start += 1
        elif output[end - 1].isspace():
            end -= 1
        elif (place := output.rfind("<", start, end)) >= 0 and _LAST_TOKEN.fullmatch(output, place, end):
            end = place
        else:
            break
    return start, end
