"""The label table: texts with a 0/1 column per category, written for others and read back."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from rubricator.errors import DataError, nearest
from rubricator.label.teachers.replay import Reply, squeezed
from rubricator.llm.tasks.task import Reading
from rubricator.records import Answer, Status, Text
from rubricator.taxonomy import Taxonomy

_LOG = logging.getLogger(__name__)
_BEFORE = ("id", "source", "title", "text", "publication_date")
_AFTER = ("corrupted", "generation")
_CELLS = {"0": 0, "1": 1, "0.0": 0, "1.0": 1, "false": 0, "true": 1}

Cell = str | int


@dataclass(frozen=True, slots=True)
class Decision:
    """What the table says of a text: its categories, or None where nobody could tell."""

    categories: tuple[str, ...] | None
    generation: str = ""


def columns(taxonomy: Taxonomy) -> tuple[str, ...]:
    """Names of the columns, in order.

    Raises:
        DataError: A category is called like one of the other columns.
    """
    taken = [key for key in taxonomy.keys if key in (*_BEFORE, *_AFTER)]
    if taken:
        raise DataError(
            f"The category '{taken[0]}' is called like another column of the label table.",
            fix="Give the category another key in the taxonomy.",
        )
    return (*_BEFORE, *taxonomy.keys, *_AFTER)


def decision_of_answer(answer: Answer, taxonomy: Taxonomy) -> Decision:
    """What an answer in probabilities says: the likeliest category, or all that are likelier than not."""
    if answer.status is not Status.OK:
        return Decision(None, answer.raw)
    scores = {key: answer.scores.get(key, 0.0) for key in taxonomy.keys}
    if not taxonomy.single:
        return Decision(tuple(key for key, score in scores.items() if score >= 0.5), answer.raw)
    best = max(scores, key=lambda key: scores[key])
    return Decision((best,) if scores[best] > 0 else None, answer.raw)


def label_table(
    texts: Iterable[Text], decisions: Mapping[str, Decision], taxonomy: Taxonomy
) -> list[dict[str, Cell]]:
    """One row per text, with exactly the columns of `columns`.

    Where nobody could tell (`corrupted` is 1), and for texts without a decision, the columns of the
    categories are 0: they mean something only where `corrupted` is 0.

    Raises:
        DataError: A category is called like one of the other columns.
    """
    names = columns(taxonomy)
    rows = []
    for text in texts:
        decision = decisions.get(text.id, Decision(None))
        chosen = decision.categories or ()
        time = text.time.isoformat() if text.time else ""
        cells: list[Cell] = [text.id, text.source, text.title, text.body, time]
        cells += [int(key in chosen) for key in taxonomy.keys]
        cells += [int(decision.categories is None), decision.generation]
        rows.append(dict(zip(names, cells, strict=True)))
    return rows


def replies_of_table(
    rows: Sequence[Mapping[str, object]], taxonomy: Taxonomy, *, place: str
) -> dict[str, Reply]:
    """Read a label table back, for `ReplayTeacher(…, by_id=False)`.

    A row whose `corrupted` is 1 is `unparsed`, whatever its other columns say. The first row about a
    text counts. Columns beside those of `columns` are left alone, and the id may be missing. `place` is the
    file, for messages; rows count from 1, the header not included.

    Raises:
        DataError: A column is missing, a cell is neither 0 nor 1, or a single-label row has not
            exactly one 1.
    """
    names = [name for name in columns(taxonomy) if name != "id"]
    header = rows[0].keys() if rows else names
    missing = [name for name in names if name not in header]
    if missing:
        raise DataError(
            f"{place} is no label table: it has no column '{missing[0]}'{nearest(missing[0], header)}.",
            fix=f"Give it the columns {', '.join(names)}.",
        )
    replies: dict[str, Reply] = {}
    twice = 0
    for number, row in enumerate(rows, start=1):
        content = squeezed(f"{cell_text(row['title'])}\n{cell_text(row['text'])}")
        reply = Reply(cell_text(row["generation"]), _reading(row, taxonomy, f"{place}, row {number}"))
        twice += replies.setdefault(content, reply).reading != reply.reading
    if twice:
        _LOG.warning(
            "%s: %d rows are about a text that has other labels already; the first count", place, twice
        )
    return replies


def _reading(row: Mapping[str, object], taxonomy: Taxonomy, place: str) -> Reading:
    if _bit(row, "corrupted", place):
        return Reading(Status.UNPARSED)
    bits = {key: _bit(row, key, place) for key in taxonomy.keys}
    if taxonomy.single and sum(bits.values()) != 1:
        raise DataError(
            f"{place}: {sum(bits.values())} categories have a 1, but a text has exactly one.",
            fix="Correct the row, or set its `corrupted` to 1.",
        )
    return Reading(Status.OK, {key: float(bit) for key, bit in bits.items()})


def _bit(row: Mapping[str, object], column: str, place: str) -> int:
    cell = cell_text(row[column]).strip().casefold()
    if cell not in _CELLS:
        raise DataError(
            f"{place}: column '{column}' holds {row[column]!r}, not 0 or 1.", fix="Correct the cell."
        )
    return _CELLS[cell]


def cell_text(cell: object) -> str:
    """A cell as text; an empty one is an empty string."""
    return "" if cell is None else str(cell)
