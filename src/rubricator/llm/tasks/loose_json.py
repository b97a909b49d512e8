"""JSON as models write it: behind words, with comments, single quotes, bare names and trailing commas."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import regex

_DEEPEST = 32
_BEGIN = regex.compile(r"[{\[]")
# Strings and comments run to the end of the text where they do not end, so that each is read once.
_PIECE = regex.compile(
    r"""
      (?P<string>"(?:[^"\\]|\\.)*+(?:"|\Z) | '(?:[^'\\]|\\.)*+(?:'|\Z) | “[^”]*+(?:”|\Z))
    | (?P<comment>//[^\n]*+ | \#[^\n]*+ | /\*(?:[^*]|\*(?!/))*+(?:\*/|\Z))
    | (?P<name>[^\W\d][\w-]*+ | \d++(?=\s*+:))
    | (?P<open>[{\[])
    | (?P<close>[}\]])
    """,
    regex.VERBOSE | regex.DOTALL,
)
_LITERALS = {
    "true": "true",
    "false": "false",
    "null": "null",
    "True": "true",
    "False": "false",
    "None": "null",
}


class _ContradictionError(ValueError):
    """An object says two things about one key."""


@dataclass(frozen=True, slots=True)
class JsonValue:
    """An object or a list in a text, from `start` to `end`; None where it cannot be read."""

    value: Any
    start: int
    end: int


def json_values(text: str) -> Iterator[JsonValue]:
    """The outermost objects and lists of a text, in order; what is never closed ends the search.

    An object that says two things about one key cannot be read.
    """
    place = 0
    while begin := _BEGIN.search(text, place):
        ended = _written_out(text, begin.start())
        if ended is None:
            return
        written, end = ended
        yield JsonValue(_decoded(written), begin.start(), end)
        place = end


def _written_out(text: str, start: int) -> tuple[str, int] | None:
    """What begins here as strict JSON, and where it ends; None if it does not."""
    depth, place = 0, start
    written: list[str] = []
    for piece in _PIECE.finditer(text, start):
        written.append(text[place : piece.start()])
        place = piece.end()
        if piece["close"]:
            _drop_comma(written)
        written.append(_strict(piece))
        depth += bool(piece["open"]) - bool(piece["close"])
        if not depth:
            return "".join(written), place
        if depth > _DEEPEST:
            break
    return None


def _strict(piece: regex.Match[str]) -> str:
    spelled = piece[0]
    if piece["comment"]:
        return ""
    if piece["name"]:
        return _LITERALS.get(spelled) or json.dumps(spelled, ensure_ascii=False)
    if piece["string"] and not spelled.startswith('"'):
        return json.dumps(spelled[1:-1].replace("\\'", "'"), ensure_ascii=False)
    return spelled


def _drop_comma(written: list[str]) -> None:
    while written and not written[-1].strip():
        written.pop()
    if written:
        written[-1] = written[-1].rstrip().removesuffix(",")


def _decoded(written: str) -> Any:
    try:
        return json.loads(written, object_pairs_hook=_consistent, strict=False)
    except ValueError:
        return None


def _consistent(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    merged: dict[str, Any] = {}
    for key, value in pairs:
        if merged.setdefault(key, value) != value:
            raise _ContradictionError
    return merged
