"""Turns a pydantic error into lines a person can act on: place, what was seen, nearest valid key."""

from __future__ import annotations

import types
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from rubricator.errors import nearest
from rubricator.masking import is_secret

_MOST_FAULTS = 30
_LONGEST_VALUE = 300


def explain(error: ValidationError, model: type[BaseModel]) -> str:
    """The first faults of `error`, one a line, each with its place and, for unknown keys, the nearest one."""
    lines = []
    for fault in error.errors(include_url=False)[:_MOST_FAULTS]:
        place = ".".join(str(step) for step in fault["loc"]) or "the file"
        if fault["type"] == "extra_forbidden":
            keys = _fields_at(model, fault["loc"][:-1])
            lines.append(f"  {place}: unknown key{nearest(str(fault['loc'][-1]), keys)}")
        elif fault["type"] == "missing":
            lines.append(f"  {place}: is required")
        else:
            message, value = fault["msg"].removeprefix("Value error, "), fault["input"]
            plain = value is None or isinstance(value, str | int | float | bool)
            plain &= not is_secret(fault["loc"]) and "extra" not in fault["loc"]
            lines.append(f"  {place}: {message}" + (f" (found {_shortened(repr(value))})" if plain else ""))
    if error.error_count() > _MOST_FAULTS:
        lines.append(f"  and {error.error_count() - _MOST_FAULTS:,} more")
    return "\n".join(lines)


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
