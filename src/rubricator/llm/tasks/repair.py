"""Reads answers that are not quite in the form that was asked for, where only one reading is possible."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import regex

from rubricator.llm.engines.engine import Generation
from rubricator.llm.tasks.loose_json import json_values
from rubricator.llm.tasks.names import Names, fold
from rubricator.llm.tasks.task import UNPARSED, Reading
from rubricator.records import Status
from rubricator.taxonomy import Taxonomy

_FENCE = regex.compile(r"```(?:\w*+[^\S\n]*+\n)?+(.*?)```", regex.DOTALL)
_BOXED = regex.compile(r"\$*+\\boxed\{(?:\\text\{)?+([^{}]{1,200})\}{1,2}+\$*+")
_BOLD = regex.compile(r"\*\*|__|^[^\S\n]*+#++[^\S\n]*+", regex.MULTILINE)
_REFUSAL = regex.compile(
    r"(?:(?:i'm |i am )?sorry,? (?:but )?)?"
    r"i (?:cannot|can't|could not|couldn't|am unable|won't|will not|must decline)\b"
    r"|i'm (?:unable|not able)\b"
    r"|(?:i'm sorry,? but )?as an? (?:ai|language model)\b[^.]*(?:\b(?:cannot|not|unable)\b|n't\b)"
    r"|(?:(?:извините|простите|к сожалению),? ?(?:но )?)?(?:я )?не (?:могу|буду|в состоянии)\b"
    r"|как (?:ии|искусственный интеллект|языковая модель)\b[^.]*\bне\b"
    # What GigaChat and YandexGPT say instead of an answer.
    r"|как и любая языковая модель\b"
    r"|генеративные языковые модели не обладают\b"
    r"|что-то в вашем вопросе меня смущает\b"
    r"|не люблю менять тему разговора\b"
    r"|в интернете есть много сайтов с информацией на эту тему\b"
    r"|давайте (?:сменим тему|поговорим о ч[её]м-нибудь)\b"
)
_HEAD = regex.compile(
    r"^[^\w\n]*+"
    r"(?:(?:final |my )?(?:answer|category|categories|label)(?: is)?|(?:итоговый )?ответ|категори[яи])"
    r"[^\S\n]*+[:=—-]\s*+(.++)$",
    regex.MULTILINE | regex.IGNORECASE,
)
_FIELDS = frozenset(
    {"category", "categories", "label", "labels", "answer", "final_answer", "result", "output", "response"}
    | {"classification", "prediction", "arguments", "parameters"}
    | {"категория", "категории", "ответ", "результат", "классификация"}
)
_YES_NO = dict.fromkeys(("1", "1.0", "true", "yes", "да"), True)
_YES_NO |= dict.fromkeys(("0", "0.0", "false", "no", "нет"), False)
# Of so many categories, an answer that names all names none.
_FEW = 2


def bare(answer: str) -> str:
    """An answer without Markdown and outer white space; a fenced answer is what it fences."""
    fenced = _FENCE.findall(answer)
    text = fenced[0] if len(fenced) == 1 else answer
    return _BOLD.sub("", _BOXED.sub(r"\1", text)).strip()


def whole_lines(answer: Generation, taxonomy: Taxonomy) -> str:
    """A bare answer; without its last line where that was cut off and could have named more categories."""
    text = bare(answer.text)
    return text.rpartition("\n")[0] if answer.cut and not taxonomy.single else text


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


def read_free(answer: Generation, names: Names, taxonomy: Taxonomy) -> Reading:
    """Read an answer in no form that was asked for.

    In turn: JSON with the names, the names alone, a line "Answer: …", prose. In prose all statements
    that name categories must name the same, in multi-label work later ones no others than the first.
    Prose is not read where it was cut off or may be thoughts: what comes after it is not known.

    The reading is `unparsed` where no category or, in single-label work, several are named, and
    `refused` where the model declines.
    """
    if "{" in _BOXED.sub("", answer.text) or bare(answer.text).startswith("["):
        return _read_json(answer.text, names, taxonomy)
    text = whole_lines(answer, taxonomy)
    whole = listed(text, names)
    heads = {frozenset(listed(head, names)) for head in _HEAD.findall(text)} - {frozenset()}
    if whole or len(heads) == 1:
        return decided(whole or heads.pop(), taxonomy)
    if refused(text):
        return Reading(Status.REFUSED)
    if heads or answer.cut or answer.thoughts:
        return UNPARSED
    return _agreed(names, text, taxonomy)


def listed(text: str, names: Names) -> tuple[str, ...]:
    """Categories of a list of names with commas between; empty if anything else is in it."""
    whole = names.exact(text)
    if whole:
        return (whole,)
    keys = []
    for piece in filter(str.strip, regex.split(r"[,;\n]", text)):
        key = names.exact(piece)
        if not key:
            return ()
        keys.append(key)
    return tuple(keys)


def _agreed(names: Names, prose: str, taxonomy: Taxonomy) -> Reading:
    """The reading of all statements that name categories, if they leave no doubt."""
    statements = names.stated(prose)
    stated = set().union(*statements)
    everything = stated >= names.plain and len(stated) > _FEW
    if not statements or everything or stated != set(statements[0]):
        return UNPARSED
    return decided(stated, taxonomy)


def _read_json(text: str, names: Names, taxonomy: Taxonomy) -> Reading:
    """The reading of the objects and lists in a text; all that name categories must name the same."""
    named = set()
    for stretch in json_values(text):
        keys = frozenset(_from_json(stretch.value, names))
        # A list alone may be a remark in brackets.
        if keys or "{" in text[stretch.start : stretch.end]:
            named.add(keys)
    return decided(named.pop(), taxonomy) if len(named) == 1 and all(named) else UNPARSED


def answer_field(value: Mapping[str, Any]) -> Any:
    """What an object has in its one field for an answer, as in `{"reasoning": …, "answer": …}`."""
    fields = [cell for key, cell in value.items() if fold(str(key)) in _FIELDS]
    return fields[0] if len(fields) == 1 else None


def _from_json(value: Any, names: Names) -> tuple[str, ...]:
    """Categories in `"name"`, `7`, `{"label": 7}` or a list of those; empty if any cannot be read."""
    if isinstance(value, dict):
        return _from_json(answer_field(value), names)
    if isinstance(value, list):
        each = [_from_json(item, names) for item in value]
        return tuple(key for keys in each for key in keys) if all(each) else ()
    key = names.exact(str(value)) if isinstance(value, str | int) and not isinstance(value, bool) else None
    return (key,) if key else ()
