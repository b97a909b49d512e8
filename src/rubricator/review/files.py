"""Reviews as tables and as Label Studio's JSON: texts go out with their labels, people's answers come in."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args
from xml.sax.saxutils import quoteattr

from rubricator.dataset.labels import Chosen, Review
from rubricator.errors import DataError
from rubricator.records import Text
from rubricator.review.reviews import judged
from rubricator.taxonomy import Taxonomy

COLUMNS = ("id", "text", "suggested", "probability", "chosen", "labels")
NOTHING = "-"
"""What a person writes for "none of the categories"; an empty cell is a text not reviewed."""
_SHOWN = 20
_CONTROL = "category"

Parse = Callable[[str], tuple[str, ...]]
"""Category keys from a cell; raises DataError."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A text put before a person.

    Attributes:
        text: What is read.
        suggested: The current label, as category keys; None if there is none.
        probability: Its probability; None if there is no label.
        chosen: Why this text.
        opinions: What each teacher thinks: best categories with their probability, by its name.
    """

    text: Text
    suggested: tuple[str, ...] | None
    probability: float | None
    chosen: Chosen
    opinions: Mapping[str, Mapping[str, float]]


def rows_of(questions: Iterable[Question]) -> list[dict[str, str]]:
    """Rows with `COLUMNS`; people fill in `labels`."""
    return [{"id": q.text.id, "text": q.text.content, **_about(q), "labels": ""} for q in questions]


def reviews_in_rows(
    rows: Iterable[tuple[str, Mapping[str, Any]]],
    *,
    parse: Parse,
    taxonomy: Taxonomy,
    ids: Mapping[str, Text],
    by: str,
    where: str,
) -> list[Review]:
    """Read rows that people filled in; rows with empty `labels` are left out.

    Args:
        rows: Name of the row for messages, and its cells by column.
        parse: Reads the category keys of a cell.
        taxonomy: The categories.
        ids: Texts of the run by id.
        by: Who reviewed.
        where: The file, for messages.

    Raises:
        DataError: Anything is wrong; all faults are listed, and nothing of the file counts.
    """
    faults = _Faults(where, taxonomy)
    given: dict[str, list[tuple[str, Mapping[str, Any], str]]] = {}
    for place, cells in rows:
        cell = _written(cells.get("labels"))
        if cell:
            given.setdefault(_written(cells.get("id")), []).append((place, cells, cell))
    reviews = []
    for id_, [(place, cells, cell), *others] in given.items():
        if id_ not in ids:
            faults.add(place, f"no text of this run has the id '{id_}'")
        elif others:
            faults.add(place, f"the text '{id_}' has another answer in {', '.join(o[0] for o in others)}")
        else:
            try:
                reviews.append(_review(id_, cells, cell, parse=parse, taxonomy=taxonomy, by=by))
            except DataError as error:
                faults.add(place, error.problem.removesuffix("."))
    faults.raised()
    return reviews


def _review(
    id_: str, cells: Mapping[str, Any], cell: str, *, parse: Parse, taxonomy: Taxonomy, by: str
) -> Review:
    keys = () if cell == NOTHING else parse(cell)
    before = _written(cells.get("suggested"))
    suggested = None if not before else () if before == NOTHING else parse(before)
    return Review(
        text_id=id_,
        judged=judged(keys, taxonomy),
        by=by,
        chosen=_chosen(cells.get("chosen")),
        before=suggested,
        probability=None if suggested is None else _probability(cells.get("probability")),
    )


def _probability(cell: object) -> float | None:
    written = _written(cell).replace(",", ".")
    try:
        return float(written) if written else None
    except ValueError as error:
        raise DataError(f"the probability '{written}' is no number.", fix="Leave it as exported.") from error


def tasks_of(questions: Iterable[Question], taxonomy: Taxonomy) -> list[dict[str, Any]]:
    """Tasks for Label Studio, the current labels as predictions.

    The format is that of https://labelstud.io/guide/predictions.
    """
    shown = _shown(taxonomy)
    return [
        {
            "data": {"id": q.text.id, "text": q.text.content, **_about(q)},
            "predictions": [] if q.suggested is None else [_prediction(q, q.suggested, shown)],
        }
        for q in questions
    ]


def _prediction(question: Question, suggested: Sequence[str], shown: Mapping[str, str]) -> dict[str, Any]:
    choices = [shown[key] for key in suggested] or [NOTHING]
    result = {"from_name": _CONTROL, "to_name": "text", "type": "choices", "value": {"choices": choices}}
    return {"model_version": "rubricator", "score": question.probability, "result": [result]}


def labelling_config(taxonomy: Taxonomy) -> str:
    """The labelling interface of the project in Label Studio, as XML.

    Choices are the names of the categories, or the keys where names are not distinct. Multi-label,
    a further choice `-` says that none fits: an empty answer may just as well be a forgotten one.
    """
    kind = "single" if taxonomy.single else "multiple"
    choices = [*_shown(taxonomy).values(), *([] if taxonomy.single else [NOTHING])]
    lines = [f"    <Choice value={quoteattr(choice)}/>" for choice in choices]
    return "\n".join(
        [
            "<View>",
            '  <Text name="text" value="$text"/>',
            f'  <Choices name="{_CONTROL}" toName="text" choice="{kind}" required="true">',
            *lines,
            "  </Choices>",
            "</View>",
            "",
        ]
    )


def _shown(taxonomy: Taxonomy) -> dict[str, str]:
    titles = [category.title.casefold() for category in taxonomy.categories]
    keys = [key.casefold() for key in taxonomy.keys]
    return {
        category.key: category.title
        if titles.count(folded := category.title.casefold()) == 1
        and (folded not in keys or folded == category.key.casefold())
        else category.key
        for category in taxonomy.categories
    }


def rows_of_tasks(tasks: Any, *, where: str) -> list[tuple[str, dict[str, Any]]]:
    """Label Studio's export (JSON) as rows for `reviews_in_rows`; skipped tasks have empty `labels`.

    Each annotation that was not cancelled makes a row, so two people's answers about one text are
    told as a fault, not decided here. Choices may be keys or names.

    Raises:
        DataError: The file is not such an export; all faults are listed.
    """
    faults = _Faults(where)
    rows: list[tuple[str, dict[str, Any]]] = []
    if not isinstance(tasks, list):
        faults.add("the file", "a list of tasks was expected")
        tasks = []
    for number, task in enumerate(tasks, 1):
        place = f"task {number}"
        data = task.get("data") if isinstance(task, dict) else None
        if not isinstance(data, dict) or "id" not in data:
            faults.add(place, "it has no `data` with the `id` of the text, as `--export` writes it")
            continue
        annotations = task.get("annotations") or []
        if not all(isinstance(annotation, dict) for annotation in annotations):
            faults.add(place, "its `annotations` are no objects: export in the format JSON, not JSON-MIN")
            continue
        rows += [
            (place, {**data, "labels": _choices(annotation.get("result") or [])})
            for annotation in annotations
            if not annotation.get("was_cancelled")
        ]
    faults.raised()
    return rows


def _choices(result: Sequence[Mapping[str, Any]]) -> str:
    chosen: list[str] = []
    for part in result:
        if part.get("type") == "choices":
            chosen += part.get("value", {}).get("choices", [])
    return "|".join(chosen)


def _about(question: Question) -> dict[str, str]:
    suggested = question.suggested
    return {
        "suggested": "" if suggested is None else ",".join(suggested) or NOTHING,
        "probability": "" if question.probability is None else f"{question.probability:.4f}",
        "chosen": question.chosen,
    }


def _chosen(cell: Any) -> Chosen:
    written = _written(cell)
    for chosen in get_args(Chosen):
        if written == chosen:
            return chosen  # type: ignore[no-any-return]
    # What a person picked by hand was not drawn at random, so it must not count as such.
    return "gain"


def _written(value: object) -> str:
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return "" if value is None else str(value).strip()


class _Faults:
    """Gathers what is wrong with a file, to tell it all at once."""

    def __init__(self, where: str, taxonomy: Taxonomy | None = None) -> None:
        self._where, self._lines = where, list[str]()
        self._hint = f"\nThe categories are: {', '.join(taxonomy.keys)}." if taxonomy else ""

    def add(self, place: str, fault: str) -> None:
        self._lines.append(f"  {place}: {fault}")

    def raised(self) -> None:
        if self._lines:
            more = len(self._lines) - _SHOWN
            listed = "\n".join(self._lines[:_SHOWN]) + (f"\n  … and {more} more" if more > 0 else "")
            raise DataError(
                f"{self._where} has {len(self._lines)} fault(s); nothing of it was stored:\n"
                f"{listed}{self._hint}",
                fix="Correct these places and import the file again.",
            )
