"""Reads answers that are not quite in the form that was asked for, where only one reading is possible."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterable
from typing import Any

import regex

from rubricator.label.llm.tasks.names import Names, fold
from rubricator.label.llm.tasks.task import Reading
from rubricator.records import Status
from rubricator.taxonomy import Taxonomy

UNPARSED = Reading(Status.UNPARSED)

_THOUGHT = regex.compile(r"\A\s*<think>.*?</think>", regex.DOTALL)
_FENCE = regex.compile(r"```\w*\s*\n?(.*?)```", regex.DOTALL)
_BOLD = regex.compile(r"\*\*|__|^\s*#+\s*", regex.MULTILINE)
_COMMA = regex.compile(r",(\s*[}\]])")
_REFUSAL = regex.compile(
    r"(?:(?:i'm |i am )?sorry,? (?:but )?)?"
    r"i (?:cannot|can't|could not|couldn't|am unable|won't|will not|must decline)\b"
    r"|i'm (?:unable|not able)\b"
    r"|(?:i'm sorry,? but )?as an? (?:ai|language model)\b[^.]*(?:\b(?:cannot|not|unable)\b|n't\b)"
    r"|(?:(?:извините|простите|к сожалению),? ?(?:но )?)?(?:я )?не (?:могу|буду|в состоянии)\b"
    r"|как (?:ии|искусственный интеллект|языковая модель)\b[^.]*\bне\b"
)
_HEAD = regex.compile(
    r"^\W*(?:(?:final |my )?(?:answer|category|categories|label)(?: is)?|(?:итоговый )?ответ|категори[яи])"
    r"\s*[:=—-]\s*(.+?)\s*$",
    regex.MULTILINE | regex.IGNORECASE,
)
_FIELDS = ("category", "categories", "label", "labels", "answer", "категория", "категории", "ответ")
_YES_NO = dict.fromkeys(("1", "true", "yes", "да"), True) | dict.fromkeys(("0", "false", "no", "нет"), False)


class _ContradictionError(Exception):
    """An object says two things about one key."""


def bare(answer: str) -> str:
    """An answer without thoughts, Markdown and outer white space; a fenced answer is what it fences."""
    text = _THOUGHT.sub("", answer).strip()
    fenced = _FENCE.findall(text)
    return _BOLD.sub("", fenced[0] if len(fenced) == 1 else text).strip()


def as_json(answer: str) -> Any:
    """The object or list that an answer is or begins with, else None.

    Trailing commas and single quotes are mended; what a model goes on to write after it has closed
    the object is not read. An object that says two things about one key is none.
    """
    text = _COMMA.sub(r"\1", bare(answer))
    if not text.startswith(("{", "[")):
        return None
    try:
        return json.JSONDecoder(object_pairs_hook=_consistent).raw_decode(text)[0]
    except _ContradictionError:
        return None
    except (ValueError, RecursionError):
        pass
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        return None


def yes_or_no(value: object) -> bool | None:
    """What a 0/1, true/false, yes/no or да/нет says; None if it is none of them."""
    return _YES_NO.get(str(value).strip().casefold())


def refused(answer: str) -> bool:
    """Whether an answer begins by declining to answer."""
    return _REFUSAL.match(fold(bare(answer))) is not None


def decided(keys: Iterable[str], taxonomy: Taxonomy) -> Reading:
    """The reading of an answer that names these categories; single-label answers must name one."""
    chosen = set(keys)
    if taxonomy.single and len(chosen) != 1:
        return UNPARSED
    return Reading(Status.OK, {key: float(key in chosen) for key in taxonomy.keys})


def read_free(answer: str, names: Names, taxonomy: Taxonomy) -> Reading:
    """Read an answer in no form that was asked for.

    In turn: JSON with the names, the names alone, a line "Answer: …", prose. Prose is read by its
    first statement that names a category; in multi-label work later statements must not add any.

    The reading is `unparsed` where no category or, in single-label work, several are named, and
    `refused` where the model declines.
    """
    text = bare(answer)
    if text.startswith(("{", "[")):
        keys = _from_json(as_json(answer), names)
        return decided(keys, taxonomy) if keys else UNPARSED
    whole = listed(text, names)
    heads = {frozenset(listed(head, names)) for head in _HEAD.findall(text)} - {frozenset()}
    if whole or len(heads) == 1:
        return decided(whole or heads.pop(), taxonomy)
    if refused(text):
        return Reading(Status.REFUSED)
    statements = [] if heads else names.stated(text)
    if not statements or (not taxonomy.single and set().union(*statements) != set(statements[0])):
        return UNPARSED
    return decided(statements[0], taxonomy)


def listed(text: str, names: Names) -> tuple[str, ...]:
    """Categories of a list of names with commas between; empty if anything else is in it."""
    whole = names.exact(text)
    if whole:
        return (whole,)
    keys = [names.exact(piece) for piece in regex.split(r"[,;\n]", text) if piece.strip()]
    return tuple(key for key in keys if key) if all(keys) else ()


def _consistent(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    merged: dict[str, Any] = {}
    for key, value in pairs:
        if merged.setdefault(key, value) != value:
            raise _ContradictionError
    return merged


def _from_json(value: Any, names: Names) -> tuple[str, ...]:
    """Categories in `"name"`, `7`, `{"label": 7}` or a list of those; empty if any cannot be read."""
    if isinstance(value, dict):
        fields = [value[key] for key in value if fold(str(key)) in _FIELDS]
        return _from_json(fields[0], names) if len(fields) == 1 else ()
    if isinstance(value, list):
        each = [_from_json(item, names) for item in value]
        return tuple(key for keys in each for key in keys) if all(each) else ()
    key = names.exact(str(value)) if isinstance(value, str | int) and not isinstance(value, bool) else None
    return (key,) if key else ()
