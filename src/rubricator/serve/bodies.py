"""Bodies of requests to texts: counted before they are parsed, and validated as far as the fifth fault."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

import regex
from pydantic import BaseModel, TypeAdapter, ValidationError

from rubricator.records import Prediction, Text
from rubricator.serve.limits import ServeSettings
from rubricator.serve.schemas import ClassifyRequest, Item, ManyTexts, OneText, TextItem, text_of
from rubricator.taxonomy import Taxonomy

_FAULTS = 5
_DEPTH = 20
_LONGEST_INTEGER = 40
_WORDS = 10
_REQUEST: TypeAdapter[OneText | ManyTexts] = TypeAdapter(ClassifyRequest)
_ITEM: TypeAdapter[str | TextItem] = TypeAdapter(Item)
_PART = regex.compile(rb'"[^"]*+"?+|[\[{,\]}]')


class BodyError(Exception):
    """A body that cannot be read.

    Attributes:
        status: The HTTP status that says so.
        detail: What is wrong, without what was sent.
    """

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a request asks for.

    Attributes:
        texts: One without an id of its own is named by its position.
        thresholds: Instead of the model's, one for all or by category; None keeps them.
        top_k: How many probabilities are to come back; None for all.
        explain: How many words are to be named for each category of a text.
    """

    texts: list[Text]
    thresholds: float | dict[str, float] | None = None
    top_k: int | None = None
    explain: int = 0

    def decided(self, predictions: list[Prediction], taxonomy: Taxonomy) -> list[Prediction]:
        """The predictions with the decisions that these thresholds make."""
        if self.thresholds is None:
            return predictions
        given = self.thresholds
        by_key = given if isinstance(given, dict) else dict.fromkeys(taxonomy.keys, given)
        return [
            replace(
                one,
                categories=tuple(
                    key
                    for key in taxonomy.keys
                    if (one.probabilities[key] >= by_key[key] if key in by_key else key in one.categories)
                ),
            )
            for one in predictions
        ]


def read_body(body: bytes, settings: ServeSettings, taxonomy: Taxonomy) -> Wanted:
    """What a request asks for.

    Raises:
        BodyError: It is no JSON, holds too much, or breaks a rule; of the faults at most five are named.
    """
    _count(body, settings.max_values)
    try:
        request = _REQUEST.validate_python(_trimmed(_parsed(body), OneText, ManyTexts))
    except ValidationError as error:
        raise BodyError(422, _listed(_faults(error))) from error
    items: list[Any] = [request.text] if isinstance(request, OneText) else request.texts
    if len(items) > settings.max_texts:
        raise BodyError(
            422, f"{len(items):,} texts in one request; send at most {settings.max_texts:,} at a time."
        )
    explain = _WORDS if request.explain is True else int(request.explain)
    if explain and len(items) > settings.max_explained:
        raise BodyError(
            422,
            f"{len(items):,} texts in one request that asks for explanations; send at most "
            f"{settings.max_explained:,} at a time.",
        )
    places = ["text"] if isinstance(request, OneText) else [f"texts.{at}" for at in range(len(items))]
    _check(request.thresholds, taxonomy)
    texts = list(_texts(items, places, settings.max_characters))
    return Wanted(texts, request.thresholds, request.top_k, explain)


def _check(thresholds: float | dict[str, float] | None, taxonomy: Taxonomy) -> None:
    if thresholds is not None and taxonomy.single:
        raise BodyError(422, "thresholds: a single-label model has none, its likeliest category wins")
    unknown = [key for key in thresholds if key not in taxonomy.keys] if isinstance(thresholds, dict) else []
    if unknown:
        raise BodyError(
            422,
            f"thresholds: the model has no category {', '.join(repr(key[:80]) for key in unknown[:_FAULTS])}",
        )


def _count(body: bytes, most: int) -> None:
    """Refuse a body of many parts (strings, lists, objects and commas) or great depth without parsing it."""
    depth = 0
    # Without its escapes a string ends at the next quotation mark.
    body = body.replace(rb"\\", b"").replace(rb"\"", b"")
    for number, part in enumerate(_PART.finditer(body)):
        if number >= most:
            raise BodyError(413, f"The body has more than {most:,} parts. Send fewer texts in one request.")
        sign = body[part.start()]
        depth += (sign in b"[{") - (sign in b"]}")
        if depth > _DEPTH:
            raise BodyError(400, "The body is nested too deep.")


def _parsed(body: bytes) -> Any:
    if not body:
        raise BodyError(422, "body: Field required")
    try:
        return json.loads(body, parse_int=_integer, parse_constant=_no_number)
    except json.JSONDecodeError as error:
        raise BodyError(422, f"the body is not valid JSON (character {error.pos}: {error.msg})") from error
    except UnicodeDecodeError as error:
        raise BodyError(400, "The body is not text in UTF-8.") from error


def _integer(digits: str) -> int | float:
    # Python refuses to read very long integers, and floats have no room for them.
    return int(digits) if len(digits) <= _LONGEST_INTEGER else float(digits)


def _no_number(name: str) -> float:
    raise BodyError(422, f"the body is not valid JSON ({name} is no number)")


def _trimmed(value: Any, *models: type[BaseModel]) -> Any:
    """An object with no more unknown keys than faults are named."""
    if not isinstance(value, dict):
        return value
    fields = {name for model in models for name in model.model_fields}
    unknown = islice((key for key in value if key not in fields), _FAULTS)
    return {key: value[key] for key in (*(key for key in value if key in fields), *unknown)}


def _texts(items: list[Any], places: list[str], max_characters: int) -> Iterator[Text]:
    faults: list[str] = []
    for position, (item, place) in enumerate(zip(items, places, strict=True)):
        try:
            text = text_of(_ITEM.validate_python(_trimmed(item, TextItem)), str(position))
        except ValidationError as error:
            faults += _faults(error, place)
        else:
            length = len(text.title) + len(text.body)
            if length > max_characters:
                faults.append(f"{place} has {length:,} characters; the limit is {max_characters:,}")
            yield text
        if len(faults) >= _FAULTS:
            break
    if faults:
        raise BodyError(422, _listed(faults))


def _listed(faults: list[str]) -> str:
    return "; ".join(faults[:_FAULTS]) + (" (there may be more)" if len(faults) >= _FAULTS else "")


def _faults(error: ValidationError, *place: str) -> list[str]:
    """`texts.3.title: is not a known key`, without echoing more of what was sent than a key."""
    messages = {"string_pattern_mismatch": "the text is empty", "extra_forbidden": "is not a known key"}
    named = []
    for fault in error.errors(include_url=False, include_context=False, include_input=False):
        # Pydantic names the tags of a choice among the steps.
        steps = [*place, *(str(step)[:80] for step in fault["loc"] if not str(step).startswith("<"))]
        named.append(f"{'.'.join(steps) or 'body'}: {messages.get(fault['type'], fault['msg'])}")
    return named
