"""Grammars (GBNF of llama.cpp) that hold an output to its form, without a blank to spare.

Compact because a base model that may write white space between two tokens of JSON writes it until
the tokens end.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any


def choices_grammar(choices: Iterable[str]) -> str:
    """The grammar of exactly one of the choices."""
    return "root ::= " + " | ".join(_literal(choice) for choice in choices)


def object_grammar(schema: Mapping[str, Any]) -> str:
    """The grammar of a flat JSON object: all properties of the schema, in order, each from its list.

    Raises:
        ValueError: A property is no enumeration.
    """
    lines, pieces = [], []
    for number, (name, field) in enumerate(schema["properties"].items()):
        if not field.get("enum"):
            raise ValueError(f"the property '{name}' is no enumeration")
        opening = ("," if number else "{") + json.dumps(name, ensure_ascii=False) + ":"
        pieces += [_literal(opening), f"v{number}"]
        values = (json.dumps(value, ensure_ascii=False) for value in field["enum"])
        lines.append(f"v{number} ::= " + " | ".join(_literal(value) for value in values))
    return "\n".join(["root ::= " + " ".join([*pieces, _literal("}")]), *lines])


def _literal(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\r", "\\r")
    return f'"{escaped}"'
