"""What requests and responses look like."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    SkipValidation,
    StrictBool,
    StrictInt,
    StrictStr,
    StringConstraints,
    Tag,
    TypeAdapter,
    WithJsonSchema,
)

from rubricator.models.explanation.words import Explanation
from rubricator.predict import Predictor
from rubricator.records import Prediction, Text
from rubricator.taxonomy import Taxonomy

# What `is_blank` calls visible, in the regular expressions of JSON Schema.
_VISIBLE = r"(?![\u2800\u3164])[\p{L}\p{M}\p{N}\p{P}\p{S}]"
_LARGEST_ID = 10**30
MOST_WORDS = 50


def _encodable(value: str | int) -> str | int:
    # JSON can carry halves of UTF-16 pairs; an id goes back, and those have no UTF-8.
    try:
        str(value).encode()
    except UnicodeEncodeError:
        raise ValueError("is not valid Unicode text") from None
    return value


def _whole(value: Any) -> Any:
    # To JSON Schema 7.0 is an integer.
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _written(value: Any) -> Any:
    return "" if value is None else value


Written = Annotated[
    str, StringConstraints(pattern=r"\S"), WithJsonSchema({"type": "string", "pattern": _VISIBLE})
]
Id = Annotated[
    StrictStr | Annotated[StrictInt, Field(ge=-_LARGEST_ID, le=_LARGEST_ID)],
    BeforeValidator(_whole),
    AfterValidator(_encodable),
]
Part = Annotated[
    str, BeforeValidator(_written), WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "null"}]})
]


ANSWER: dict[str, Any] = {
    "request_id": "5f3c1e",
    "model": "news@33b88f4ed52c",
    "taxonomy_version": "0eea8e542951",
    "predictions": [
        {"id": "7", "labels": ["sport"], "probabilities": {"sport": 0.93, "economy": 0.04, "culture": 0.02}}
    ],
}
REQUESTS = {
    "one": {"summary": "One text", "value": {"text": "Сборная выиграла матч в овертайме"}},
    "many": {
        "summary": "Several texts, some with parts and ids",
        "value": {"texts": [{"id": "7", "title": "Ставка", "body": "Банк поднял её на полпункта"}, "Роман"]},
    },
    "wishes": {
        "summary": "Another threshold, and the likeliest category only",
        "value": {"text": "Музей показал письма поэта", "thresholds": 0.3, "top_k": 1},
    },
    "explained": {
        "summary": "The three words that weigh most for each category",
        "value": {"text": "Вратарь отбил пенальти на последней минуте", "explain": 3},
    },
}


class Body(BaseModel):
    """Base of all bodies: frozen, and no field that is not known."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class TextItem(Body):
    """A text with parts and an id of its own; title, body or both must hold some text."""

    model_config = ConfigDict(
        json_schema_extra={
            "anyOf": [
                {"required": [part], "properties": {part: {"type": "string", "pattern": _VISIBLE}}}
                for part in ("title", "body")
            ]
        }
    )

    id: Id | None = Field(default=None, description="Comes back with the prediction.")
    title: Part = ""
    body: Part = ""
    features: dict[str, StrictStr | StrictBool | float | None] = Field(
        default_factory=dict,
        max_length=1000,
        description="Columns beside the text, by name, where the model looks at them.",
    )
    source: Part = Field(default="", description="Where it was published, for cleaning and for the log.")


def _item_kind(value: Any) -> str:
    return "<object>" if isinstance(value, dict | TextItem) else "<string>"


Item = Annotated[
    Annotated[Written, Tag("<string>")] | Annotated[TextItem, Tag("<object>")], Discriminator(_item_kind)
]


Threshold = Annotated[float, Field(ge=0, le=1, strict=True)]


class _Wishes(Body):
    thresholds: Threshold | dict[str, Threshold] | None = Field(
        default=None,
        description="Smallest probability that assigns a category, one for all or by key.",
    )
    top_k: Annotated[StrictInt, Field(ge=1, le=10_000), BeforeValidator(_whole)] | None = Field(
        default=None, description="How many probabilities come back, largest first."
    )
    explain: StrictBool | Annotated[StrictInt, Field(ge=1, le=MOST_WORDS), BeforeValidator(_whole)] = Field(
        default=False,
        description="Name the words that weigh most for each category of a text, so many or ten. Fewer texts "
        "may be sent at a time, see `max_explained` of the model.",
    )


class OneText(_Wishes):
    """A single text; it is validated by itself (see `bodies`)."""

    text: SkipValidation[Item]


class ManyTexts(_Wishes):
    """Several texts, each validated by itself; the answer keeps their order."""

    texts: list[SkipValidation[Item]] = Field(min_length=1)


def _request_kind(value: Any) -> str:
    one = isinstance(value, OneText) or (isinstance(value, dict) and "text" in value and "texts" not in value)
    return "<one>" if one else "<many>"


ClassifyRequest = Annotated[
    Annotated[OneText, Tag("<one>")] | Annotated[ManyTexts, Tag("<many>")], Discriminator(_request_kind)
]


class Word(Body):
    """A word of a text, and what it weighs for a category."""

    word: str
    start: int = Field(description="Its first character in `text`, counted from 0 in Unicode code points.")
    end: int = Field(description="The character after its last.")
    weight: float = Field(description="What the log-odds of the category gain by it; below 0: against it.")


class Explained(Body):
    """The words of a text that weigh most."""

    text: str = Field(description="The text as the model read it, cleaned.")
    words: dict[str, list[Word]] = Field(
        description="For each category of the text, or for the likeliest if it has none; those that weigh "
        "most first."
    )


class Classified(Body):
    """The prediction for one text."""

    id: str = Field(description="The text's own id, or its position in the request, from 0.")
    labels: list[str] = Field(description="Keys of the categories decided on, in taxonomy order.")
    probabilities: dict[str, float] = Field(description="Calibrated probability of every category.")
    explanation: Explained | None = Field(default=None, description="Only where the request asked for it.")
    route: str | None = Field(
        default=None,
        description="Which model of a two-speed artifact answered, `student` or `encoder`; absent in others.",
    )


class ClassifyResponse(Body):
    """Predictions in the order of the texts."""

    model_config = ConfigDict(json_schema_extra={"examples": [ANSWER]})

    request_id: str = Field(description="That of the header X-Request-Id, or a new one.")
    model: str = Field(description="The artifact that computed every prediction here.")
    taxonomy_version: str
    predictions: list[Classified]


class CategoryInfo(Body):
    """One category the model knows."""

    key: str
    title: str
    description: str
    threshold: float | None = Field(
        description="Smallest probability that assigns it; null if the best wins."
    )


class Categories(Body):
    """The categories of the champion."""

    taxonomy_version: str
    categories: list[CategoryInfo]


Role = Literal["champion", "challenger", "shadow"]


class Beside(Body):
    """A model that answers beside the champion."""

    model: str
    taxonomy_version: str
    role: Role


class ModelInfo(Body):
    """What is being served."""

    beside: list[Beside] = Field(default=[], description="Models that answer beside it.")
    model: str
    kind: str
    created: str
    task: Literal["single-label", "multi-label"]
    taxonomy_version: str
    categories: list[CategoryInfo]
    max_texts: int
    max_explained: int
    max_characters: int


class State(Body):
    """Health or readiness in one word."""

    status: str


class Problem(Body):
    """Why a request was not answered."""

    detail: str


def text_of(item: str | TextItem, position: str) -> Text:
    """The record of a text, named by its position if it has no id."""
    if isinstance(item, str):
        return Text(id=position, body=item)
    return Text(
        id=position if item.id is None else str(item.id),
        title=item.title,
        body=item.body,
        features=item.features,
        source=item.source,
    )


def request_schemas(
    taxonomy: Taxonomy, *, max_texts: int, max_characters: int, max_explained: int
) -> dict[str, Any]:
    """JSON Schemas of the request, by name, with the limits in force; the whole is `ClassifyRequest`."""
    schema = TypeAdapter(ClassifyRequest).json_schema(ref_template="#/components/schemas/{model}")
    schemas: dict[str, Any] = schema.pop("$defs") | {"ClassifyRequest": schema}
    many, item = schemas["ManyTexts"]["properties"]["texts"], schemas["TextItem"]["properties"]
    many["maxItems"] = max_texts
    schemas["ManyTexts"]["anyOf"] = [
        {"properties": {"explain": {"const": False}}},
        {"properties": {"texts": {"maxItems": min(max_texts, max_explained)}}},
    ]
    for text in (item["title"]["anyOf"][0], item["body"]["anyOf"][0], _string(many["items"])):
        text["maxLength"] = max_characters
    _string(schemas["OneText"]["properties"]["text"])["maxLength"] = max_characters
    for kind in ("OneText", "ManyTexts"):
        properties = schemas[kind]["properties"]
        if taxonomy.single:
            properties["thresholds"] = {"type": "null"}
        else:
            properties["thresholds"]["anyOf"][1]["propertyNames"] = {"enum": list(taxonomy.keys)}
    return schemas


def _string(choice: dict[str, Any]) -> dict[str, Any]:
    """The string among the forms that a text may take."""
    return next(form for form in choice["oneOf"] if form.get("type") == "string")


def response_of(
    predictor: Predictor,
    predictions: Sequence[Prediction],
    explanations: Sequence[Explanation | None],
    *,
    request_id: str,
    top_k: int | None,
) -> ClassifyResponse:
    """Predictions as the service answers them, each with its explanation where there is one."""
    manifest = predictor.manifest
    classified = [
        Classified(
            id=p.text_id,
            labels=list(p.categories),
            probabilities=_largest(p.probabilities, top_k),
            route=p.route or None,
            explanation=None if explanation is None else _explained(explanation),
        )
        for p, explanation in zip(predictions, explanations, strict=True)
    ]
    return ClassifyResponse(
        request_id=request_id,
        model=manifest.identifier,
        taxonomy_version=manifest.taxonomy_version,
        predictions=classified,
    )


def _explained(explanation: Explanation) -> Explained:
    return Explained(
        text=explanation.content,
        words={
            key: [Word(word=one.word, start=one.start, end=one.end, weight=one.weight) for one in words]
            for key, words in explanation.words.items()
        },
    )


def _largest(probabilities: Mapping[str, float], most: int | None) -> dict[str, float]:
    if most is None:
        return dict(probabilities)
    return dict(sorted(probabilities.items(), key=lambda item: -item[1])[:most])


def model_info(
    predictor: Predictor,
    beside: Sequence[Beside],
    *,
    max_texts: int,
    max_explained: int,
    max_characters: int,
) -> ModelInfo:
    """What the service says of its model."""
    manifest = predictor.manifest
    return ModelInfo(
        beside=list(beside),
        model=manifest.identifier,
        kind=manifest.kind,
        created=manifest.created.isoformat(),
        task=manifest.taxonomy.task.value,
        taxonomy_version=manifest.taxonomy_version,
        categories=[
            CategoryInfo(
                key=category.key,
                title=category.title,
                description=category.description,
                threshold=None if manifest.taxonomy.single else threshold,
            )
            for category, threshold in zip(manifest.taxonomy.categories, manifest.rule.threshold, strict=True)
        ],
        max_texts=max_texts,
        max_explained=max_explained,
        max_characters=max_characters,
    )
