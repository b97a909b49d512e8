"""Reviews as tasks of Label Studio: texts go out, annotations come in."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from xml.sax.saxutils import quoteattr

from rubricator.errors import DataError
from rubricator.review.faults import raise_faults
from rubricator.review.question import Question
from rubricator.taxonomy import NOTHING, Taxonomy

_CONTROL = "category"


def tasks_of(questions: Iterable[Question], taxonomy: Taxonomy) -> list[dict[str, Any]]:
    """Tasks for Label Studio, the labels that are shown as predictions.

    The format is that of https://labelstud.io/guide/predictions.
    """
    names = _names(taxonomy)
    tasks = []
    for question in questions:
        choices = [names[key] for key in question.suggested or ()] or [NOTHING]
        result = {"from_name": _CONTROL, "to_name": "text", "type": "choices", "value": {"choices": choices}}
        label = {"model_version": "rubricator", "score": question.probability, "result": [result]}
        predictions = [] if question.suggested is None else [label]
        tasks.append({"data": question.cells(taxonomy), "predictions": predictions})
    return tasks


def labelling_config(taxonomy: Taxonomy) -> str:
    """The labelling interface of the project in Label Studio, as XML.

    Choices are the names of the categories, or the keys where names are not distinct. Multi-label,
    a further choice `-` says that none fits: an empty answer may just as well be a forgotten one.
    """
    kind = "single" if taxonomy.single else "multiple"
    names = [*_names(taxonomy).values(), *([] if taxonomy.single else [NOTHING])]
    choices = "\n".join(f"    <Choice value={quoteattr(name)}/>" for name in names)
    return (
        '<View>\n  <Text name="text" value="$text"/>\n'
        f'  <Choices name="{_CONTROL}" toName="text" choice="{kind}" required="true">\n'
        f"{choices}\n  </Choices>\n</View>\n"
    )


def _names(taxonomy: Taxonomy) -> dict[str, str]:
    titles = [category.title.casefold() for category in taxonomy.categories]
    keys = [key.casefold() for key in taxonomy.keys]
    return {
        category.key: category.title
        if titles.count(folded := category.title.casefold()) == 1
        and (folded not in keys or folded == category.key.casefold())
        else category.key
        for category in taxonomy.categories
    }


def rows_of_tasks(tasks: Any, *, where: str) -> list[tuple[str, Mapping[str, Any]]]:
    """Label Studio's export (JSON) as rows for `reviews_in_rows`; skipped tasks have empty `labels`.

    Each annotation that was not cancelled makes a row, so two people who differ about one text are
    told as a fault, not decided here. Choices may be keys or names.

    Raises:
        DataError: The file is not such an export; all faults are listed.
    """
    faults: list[str] = []
    rows: list[tuple[str, Mapping[str, Any]]] = []
    if not isinstance(tasks, list):
        faults.append("the file: a list of tasks was expected")
        tasks = []
    for number, task in enumerate(tasks, 1):
        place = f"task {number}"
        data = task.get("data") if isinstance(task, dict) else None
        if not isinstance(data, dict) or "id" not in data:
            faults.append(f"{place}: it has no `data` with the `id` of the text, as `--export` writes it")
            continue
        annotations = task.get("annotations") or []
        if not isinstance(annotations, list) or not all(isinstance(one, dict) for one in annotations):
            fault = "its `annotations` are no objects: export in the format JSON, not JSON-MIN"
            faults.append(f"{place}: {fault}")
            continue
        for annotation in annotations:
            if annotation.get("was_cancelled"):
                continue
            try:
                labels = _choices(annotation.get("result") or [])
            except (AttributeError, KeyError, TypeError):
                faults.append(f"{place}: its `result` is none that Label Studio writes")
            except DataError as error:
                faults.append(f"{place}: {error.problem}")
            else:
                rows.append((place, {**data, "labels": labels, "seconds": annotation.get("lead_time")}))
    raise_faults(where, faults)
    return rows


def _choices(result: Sequence[Mapping[str, Any]]) -> str:
    """The names that were chosen, as a JSON list: they may hold whatever joins names elsewhere."""
    kinds = [part["type"] for part in result]
    if kinds and "choices" not in kinds:
        raise DataError(
            f"its annotation is of the type '{kinds[0]}', and answers are of the type 'choices': label "
            "with the interface that `--export` wrote"
        )
    names = [name for part in result if part["type"] == "choices" for name in part["value"]["choices"]]
    return json.dumps(names, ensure_ascii=False) if names else ""
