"""Editors' decisions in a file, as another tool exports them: a row each, with its text."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rubricator.dataset.reviews import Chosen, Shown
from rubricator.errors import DataError
from rubricator.records import Text
from rubricator.review.faults import raise_faults
from rubricator.review.feedback import Decision, digest_of, review_of_decision
from rubricator.review.reviews import one_of
from rubricator.tables.cells import is_blank, written
from rubricator.tables.reading import open_table
from rubricator.tables.rows import Row
from rubricator.taxonomy import Taxonomy
from rubricator.taxonomy.versions import History
from rubricator.times import parse_time

COLUMNS = (
    *("id", "title", "body", "editor", "categories", "predicted", "shown", "chosen", "model"),
    *("taxonomy_version", "source", "seconds", "when", "key"),
)
_ALSO = {"text": "body", "content": "body", "labels": "categories", "taxonomy": "taxonomy_version"}
_TEXT = ("title", "body")
_LONGEST_DAY = 86_400

Parse = Callable[[object, str], tuple[str, ...]]
"""Category keys from a cell and the version of the list that it was written under; raises DataError."""
Clean = Callable[[Text], str]
"""The content of a text as a model cleans it; raises DataError where there is none, or too much."""


def read_decision_file(
    path: Path,
    *,
    parse: Parse,
    clean: Clean,
    model: str,
    versions: Mapping[str, str],
    taxonomy: Taxonomy,
    history: History | None = None,
    dated: bool = False,
) -> dict[str, Decision]:
    """Read decisions from a table of any kind, by idempotency key.

    Needed are the columns `editor`, `categories` and a text (`body`, `title` or both). What is missing of the
    others is taken for what claims least: not drawn by lot, shown with a suggestion, under the list of today,
    now. Without a `key` of its own a decision is known by what it says, so that a file may be read twice.

    `model` is the one that editors saw where a row names none; `versions` translates what predictions call a
    version of the list into its digest. Where decisions must be `dated`, every row says when it was made.

    Raises:
        DataError: The file cannot be read, or a row cannot be used; all faults are listed.
    """
    table = open_table(path)
    names = {_ALSO.get(name.strip().casefold(), name.strip().casefold()): name for name in table.columns}
    missing = [name for name in ("editor", "categories") if name not in names]
    if missing or not any(name in names for name in _TEXT):
        raise DataError(
            f"{path} lacks the column '{missing[0] if missing else 'body'}'; its columns are: "
            f"{', '.join(table.columns)}.",
            fix="Decisions need `editor`, `categories` and `body`, and may have: " + ", ".join(COLUMNS) + ".",
        )
    faults: list[str] = []
    decisions: dict[str, Decision] = {}
    for row in (row for batch in table.rows() for row in batch):
        try:
            key, decision = _decision(row, names, parse, clean, model, versions, taxonomy)
            review_of_decision(decision, taxonomy, history)
            if dated and is_blank(row.cells.get(names.get("when", ""))):
                raise _undated()
        except DataError as error:
            faults.append(f"row {row.number}: {error.problem.removesuffix('.')}")
            continue
        if digest_of(decisions.setdefault(key, decision)) != digest_of(decision):
            faults.append(f"row {row.number}: its key stands at another decision, too")
    raise_faults(str(path), faults, hint=f"\nThe categories are: {', '.join(taxonomy.keys)}.")
    if not decisions:
        raise DataError(f"{path} holds no decision.", fix="Write one a row.")
    return decisions


def _undated() -> DataError:
    return DataError("it does not say `when`: whether it is new cannot be told", fix="")


def _decision(
    row: Row,
    names: Mapping[str, str],
    parse: Parse,
    clean: Clean,
    model: str,
    versions: Mapping[str, str],
    taxonomy: Taxonomy,
) -> tuple[str, Decision]:
    if row.fault:
        raise DataError(row.fault, fix="")
    cells = {role: row.cells.get(name) for role, name in names.items()}
    version = written(cells.get("taxonomy_version")) or taxonomy.version
    stamp = versions.get(version, version)
    predicted = cells.get("predicted")
    text = Text(
        id=written(cells.get("id")) or f"row {row.number}",
        title=written(cells.get("title")),
        body=written(cells.get("body")),
        source=written(cells.get("source")),
    )
    decision = Decision(
        text_id=text.id,
        content=clean(text),
        editor=_editor(cells),
        categories=parse(cells.get("categories"), stamp),
        predicted=None if is_blank(predicted) else parse(predicted, stamp),
        shown=_word(cells, "shown", Shown, otherwise="suggested"),
        chosen=_word(cells, "chosen", Chosen, otherwise="gain"),
        model=written(cells.get("model")) or model,
        taxonomy=stamp,
        source=text.source,
        seconds=_seconds(cells),
        single=taxonomy.single,
        when=_when(cells),
    )
    key = written(cells.get("key"))
    return (f"key:{key}" if key else f"file:{digest_of(decision)}"), decision


def _editor(cells: Mapping[str, Any]) -> str:
    editor = written(cells.get("editor"))
    if not editor:
        raise DataError("nobody stands under `editor`", fix="")
    return editor


def _word(cells: Mapping[str, Any], column: str, options: Any, *, otherwise: str) -> Any:
    word = written(cells.get(column)).casefold()
    known = one_of(options, word, otherwise=None)
    if word and known is None:
        raise DataError(f"'{word}' under `{column}` is none of {', '.join(options.__args__)}", fix="")
    return known or otherwise


def _seconds(cells: Mapping[str, Any]) -> float | None:
    cell = written(cells.get("seconds")).replace(",", ".")
    try:
        seconds = float(cell) if cell else None
    except ValueError:
        seconds = math.nan
    if seconds is not None and not 0 <= seconds <= _LONGEST_DAY:
        raise DataError(f"'{cell}' under `seconds` is no time that a decision takes", fix="")
    return seconds


def _when(cells: Mapping[str, Any]) -> datetime:
    cell = cells.get("when")
    if is_blank(cell):
        return datetime.now(UTC)
    moment = parse_time(cell)
    if moment is None:
        raise DataError(f"'{written(cell)}' under `when` is no time", fix="")
    return moment
