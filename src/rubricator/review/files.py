"""Reviews in files: texts go out in a table or for Label Studio, people's answers come in.

What is shown blind goes out with nothing but its text: no label, no probability, no prediction.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rubricator.dataset.files import write_json
from rubricator.dataset.reviews import Chosen, Review, Shown
from rubricator.errors import DataError
from rubricator.records import Text
from rubricator.review.faults import raise_faults
from rubricator.review.label_studio import labelling_config, rows_of_tasks, tasks_of
from rubricator.review.question import Question
from rubricator.review.reviews import judged, one_of
from rubricator.settings_files import SettingsFileError, read_text
from rubricator.tables.cells import id_among, written
from rubricator.tables.reading import open_table, open_writer
from rubricator.taxonomy import Taxonomy

COLUMNS = ("id", "text", "suggested", "probability", "chosen", "shown", "stale", "taxonomy", "labels")

Parse = Callable[[str], tuple[str, ...]]
"""Category keys from a cell; raises DataError."""
Row = tuple[str, Mapping[str, Any]]
"""Name of the row for messages, and its cells by column."""


def write_questions(path: Path, questions: Sequence[Question], taxonomy: Taxonomy) -> list[Path]:
    """Write texts for people to label: Label Studio's JSON and its XML, or a table, by suffix.

    Raises:
        DataError: The file is there already (it may hold answers), or the place cannot be written.
    """
    if path.exists():
        raise DataError(
            f"{path} exists already, and may hold answers.",
            fix="Import it first (--import), or choose another name.",
        )
    if path.suffix.lower() != ".json":
        with open_writer(path, COLUMNS) as writer:
            writer.write(rows_of(questions, taxonomy))
        return [path]
    path.parent.mkdir(parents=True, exist_ok=True)
    write_json(path, tasks_of(questions, taxonomy))
    interface = path.with_suffix(".xml")
    interface.write_text(labelling_config(taxonomy), encoding="utf-8")
    return [path, interface]


def read_ids(path: Path) -> list[str]:
    """Ids of texts, one on each line; empty lines count for nothing.

    Raises:
        DataError: The file cannot be read, or holds no id.
    """
    fix = "Name a text file with one id on each line, as the map saves them."
    try:
        ids = [line.strip() for line in read_text(path).removeprefix("\ufeff").splitlines()]
    except FileNotFoundError as error:
        raise DataError(f"There is no file {path}.", fix=fix) from error
    except SettingsFileError as error:
        raise DataError(f"{path} cannot be read: {error}.", fix=fix) from error
    if not any(ids):
        raise DataError(f"{path} holds no id.", fix=fix)
    return [text_id for text_id in ids if text_id]


def read_rows(path: Path) -> list[Row]:
    """The rows of a table or of Label Studio's JSON, for `reviews_in_rows`.

    Raises:
        DataError: The file cannot be read, or is no such file.
    """
    if path.suffix.lower() == ".json":
        return rows_of_tasks(_read_json(path), where=str(path))
    table = open_table(path)
    missing = [name for name in ("id", "labels") if name not in table.columns]
    if missing:
        raise DataError(
            f"{path} lacks the column '{missing[0]}'; its columns are: {', '.join(table.columns)}.",
            fix="Keep the columns that --export wrote, and fill in `labels`.",
        )
    rows = [row for batch in table.rows() for row in batch]
    broken = next((row for row in rows if row.fault), None)
    if broken:
        raise DataError(f"{path}, row {broken.number}: {broken.fault}.", fix="Correct the row.")
    return [(f"row {row.number}", row.cells) for row in rows]


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}.", fix="Correct the path.") from error
    except ValueError as error:
        raise DataError(
            f"{path} is not JSON: {error}.", fix="Export it from Label Studio as JSON."
        ) from error


def rows_of(questions: Iterable[Question], taxonomy: Taxonomy) -> list[dict[str, str]]:
    """Rows with `COLUMNS`; people fill in `labels`."""
    return [question.cells(taxonomy) | {"labels": ""} for question in questions]


def reviews_in_rows(
    rows: Iterable[Row],
    *,
    parse: Parse,
    taxonomy: Taxonomy,
    ids: Mapping[str, Text],
    by: str,
    where: str,
    version: str | None = None,
) -> list[Review]:
    """Read rows that people filled in; rows with empty `labels` are left out, and equal answers are one.

    Rows that do not say under which version of the list they were answered are of `version`.

    Raises:
        DataError: Anything is wrong; all faults are listed, and nothing of the file counts.
    """
    faults: list[str] = []
    answers: dict[str, list[tuple[str, Review]]] = {}
    for place, cells in rows:
        id_ = id_among(ids, cells.get("id"))
        if not written(cells.get("labels")):
            continue
        if id_ not in ids:
            faults.append(f"{place}: no text of this run has the id '{id_}'")
            continue
        try:
            review = _review(id_, cells, parse=parse, taxonomy=taxonomy, by=by, version=version)
        except DataError as error:
            faults.append(f"{place}: {error.problem.removesuffix('.')}")
        else:
            answers.setdefault(id_, []).append((place, review))
    reviews = []
    for id_, [(place, review), *others] in answers.items():
        if differing := [other for other, another in others if another.judged != review.judged]:
            faults.append(f"{place}: the text '{id_}' has another answer in {', '.join(differing)}")
        reviews.append(review)
    raise_faults(where, faults, hint=f"\nThe categories are: {', '.join(taxonomy.keys)}.")
    return reviews


def _review(
    id_: str, cells: Mapping[str, Any], *, parse: Parse, taxonomy: Taxonomy, by: str, version: str | None
) -> Review:
    labels, suggested = (
        parse(cell) if cell else None for cell in (_text(cells, "labels"), _text(cells, "suggested"))
    )
    # What a person picked by hand was not drawn, and whoever read a suggestion was not blind.
    shown = _text(cells, "shown") if suggested is None else "suggested"
    return Review(
        text_id=id_,
        judged=judged(labels or (), taxonomy),
        by=by,
        chosen=one_of(Chosen, _text(cells, "chosen"), otherwise="gain"),
        shown=one_of(Shown, shown, otherwise="suggested"),
        before=suggested,
        probability=None if suggested is None else _number(cells, "probability"),
        seconds=_number(cells, "seconds"),
        taxonomy=_text(cells, "taxonomy") or version,
    )


def _number(cells: Mapping[str, Any], column: str) -> float | None:
    cell = _text(cells, column).replace(",", ".")
    try:
        number = float(cell) if cell else None
    except ValueError:
        number = math.nan
    if number is not None and not math.isfinite(number):
        raise DataError(f"the {column} '{cell}' is no number.", fix="Leave it as exported.")
    return number


def _text(cells: Mapping[str, Any], column: str) -> str:
    return written(cells.get(column))
