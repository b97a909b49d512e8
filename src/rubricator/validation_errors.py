"""Turns a pydantic error into lines a person can act on: place, what was seen, nearest valid key."""

from __future__ import annotations

import re
import types
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from rubricator.errors import nearest, plural
from rubricator.masking import is_secret
from rubricator.patterns import IN_WORDS

_MOST_FAULTS = 30
_LONGEST_VALUE = 300
_NAME = re.compile(r"[\w.-]+")
_WORDS = {"string_type": "a text is expected", "tuple_type": "a list is expected"}


def listed(
    where: str, error: ValidationError, model: type[BaseModel], *, written: Any = None, data: Any = None
) -> str:
    """How many faults `where` has, and below it `explain`."""
    lines = explain(error, model, written=written, data=data)
    return f"{where} has {plural(len(_own_faults(error)), 'fault')}:\n{lines}"


def explain(error: ValidationError, model: type[BaseModel], *, written: Any = None, data: Any = None) -> str:
    """The first faults of `error`, one a line, each with its place and, for unknown keys, the nearest one.

    `written` are the same data with every scalar as it stands in the file, where they came from YAML.
    `data` are what was checked: an item of a list is then named by its `name`, where it has one.
    """
    faults = _own_faults(error)
    lines = [f"  {_place(fault, data)}: {_told(fault, model, written)}" for fault in faults[:_MOST_FAULTS]]
    if len(faults) > _MOST_FAULTS:
        lines.append(f"  and {len(faults) - _MOST_FAULTS:,} more")
    return "\n".join(lines)


def _own_faults(error: ValidationError) -> list[ErrorDetails]:
    """The faults without those that follow from others further inside, as of a list whose items are wrong."""
    faults = error.errors(include_url=False)
    inside = {fault["loc"][:length] for fault in faults for length in range(len(fault["loc"]))}
    return [fault for fault in faults if fault["loc"] not in inside]


def _place(fault: ErrorDetails, data: Any) -> str:
    steps = []
    for step in fault["loc"]:
        try:
            data = data[step]
        except (KeyError, IndexError, TypeError):  # a step that pydantic put in, or that is missing
            data = data if isinstance(step, str) and not isinstance(data, Mapping) else None
        name = data.get("name") if isinstance(step, int) and isinstance(data, Mapping) else None
        steps.append(name if isinstance(name, str) and _NAME.fullmatch(name) else str(step))
    return ".".join(steps) or "the file"


def _told(fault: ErrorDetails, model: type[BaseModel], written: Any) -> str:
    kind, place, value = fault["type"], fault["loc"], fault["input"]
    if kind == "extra_forbidden":
        return f"unknown key{nearest(str(place[-1]), _fields_at(model, place[:-1]))}"
    if kind == "missing":
        return "is required"
    shown = not is_secret(place) and "extra" not in place
    if kind == "string_type" and shown and (source := _at(written, place)) and value is not None:
        return f'YAML reads {source} as {_word(value)}; write "{source}"'
    message = _WORDS.get(kind, fault["msg"].removeprefix("Value error, "))
    if kind == "string_pattern_mismatch":
        message = IN_WORDS.get(fault["ctx"]["pattern"], message)
    if kind == "too_short":
        limits = fault["ctx"]
        message = f"at least {limits['min_length']} are needed, {limits['actual_length']} given"
    plain = shown and (value is None or isinstance(value, str | int | float | bool))
    return message + (f" (found {_shortened(repr(value))})" if plain else "")


def _at(tree: Any, path: Sequence[int | str]) -> str:
    """The scalar at a place in nested lists and mappings; empty if there is none."""
    for step in path:
        try:
            tree = tree[step]
        except (KeyError, IndexError, TypeError):
            return ""
    return tree if isinstance(tree, str) else ""


def _word(value: object) -> str:
    return (
        str(value).lower()
        if isinstance(value, bool)
        else f"the {'date' if isinstance(value, date) else 'number'} {value}"
    )


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}…"


def _fields_at(model: type[BaseModel], path: tuple[int | str, ...]) -> list[str]:
    """Valid keys of the model that lies at `path` below `model`."""
    current: list[type[BaseModel]] = [model]
    for step in path:
        if isinstance(step, int):
            continue
        tagged = [c for c in current if _tag(c) == step]
        current = tagged or [
            nested
            for candidate in current
            if step in candidate.model_fields
            for nested in _models_in(candidate.model_fields[step].annotation)
        ]
    return [key for candidate in current for key in candidate.model_fields]


def _tag(model: type[BaseModel]) -> object:
    """Value of `kind` that picks this model in a union; pydantic puts it into the fault's place."""
    return model.model_fields["kind"].default if "kind" in model.model_fields else None


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    if get_origin(annotation) in (Union, types.UnionType, tuple, list, dict) or get_args(annotation):
        return [part for argument in get_args(annotation) for part in _models_in(argument)]
    return []
