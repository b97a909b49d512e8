"""Golden sets: files of labels that people gave, read strictly, all faults told together."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from rubricator.errors import DataError, plural
from rubricator.ingest.label_cells import names_of, parse_labels
from rubricator.tables.cells import id_among, is_blank, written
from rubricator.tables.reading import Row, Table, open_table
from rubricator.taxonomy import NOTHING, Taxonomy, folded

_LOG = logging.getLogger(__name__)
_SHOWN = 10
_PEOPLE = frozenset(
    {"annotator", "annotator_id", "annotated_by", "completed_by", "worker", "worker_id", "user", "username"}
)
_SHAPES = (
    "Labels are names or keys joined by commas, a list of them in brackets, a row per label, or one column "
    f"of 0 and 1 per category; `{NOTHING}` is none of them."
)


def parse_golden(
    cells: Iterable[tuple[str, str]], *, taxonomy: Taxonomy, where: str
) -> dict[str, tuple[str, ...]]:
    """Category keys by text id, from pairs of id and raw label cell; `where` names their source in messages.

    Raises:
        DataError: Any cell is wrong; up to ten faults are listed.
    """
    return _parsed((_Entry(f"id '{name}'", name, cell) for name, cell in cells), taxonomy, where=where)


def read_golden(path: Path, *, ids: Collection[str], taxonomy: Taxonomy) -> dict[str, tuple[str, ...]]:
    """Read the golden set: a table with the columns `id` and `labels` (or `label`), or one per category.

    Rows of one id are its labels, one each, or what several people said alike. That most labels are blank is
    logged as a warning.

    Returns:
        Category keys in taxonomy order by text id; an empty tuple means "none of them".

    Raises:
        DataError: The file cannot be read, or any row of it is wrong or of a text that is not among `ids`; up
            to ten faults are listed.
    """
    entries = list(_entries(open_table(path), taxonomy, frozenset(ids)))
    golden = _parsed(entries, taxonomy, where=str(path), ids=frozenset(ids))
    blank = sum(is_blank(entry.cell) for entry in entries)
    if blank > len(entries) / 2:
        message = (
            "%s: %d of %d golden texts have an empty label, which means none of the categories. Leave out "
            "the rows of texts that nobody labelled, and write `-` where no category fits."
        )
        _LOG.warning(message, path, blank, len(entries))
    return golden


@dataclass(frozen=True, slots=True)
class _Entry:
    """A label cell: where it stands, of which text it is, and who filled it in, where that is told."""

    place: str
    id: str
    cell: object
    person: str = ""
    fault: str = ""


def _entries(table: Table, taxonomy: Taxonomy, ids: Collection[str]) -> Iterator[_Entry]:
    columns = [name for name in ("labels", "label") if name in table.columns]
    by_category = [] if columns else _category_columns(table, taxonomy)
    if not (columns or by_category) or "id" not in table.columns:
        lacking = "id" if columns or by_category else "labels"
        raise DataError(
            f"{table.path} lacks the column '{lacking}'; its columns are: {', '.join(table.columns)}.",
            fix="Name its columns `id` and `labels` (Prodigy keeps labels in `accept`), or `id` and one "
            "column of 0 and 1 per category.",
        )
    person = next((name for name in table.columns if name.casefold() in _PEOPLE), "")
    for row in (row for batch in table.rows() for row in batch):
        if row.fault:
            raise DataError(f"{table.path}, row {row.number}: {row.fault}.", fix="Correct the row.")
        id_, who = id_among(ids, row.cells.get("id")), written(row.cells.get(person))
        place = f"row {row.number}"
        if by_category and written(row.cells.get("corrupted")) == "1":
            continue  # of a label table: nobody could tell
        if by_category:
            cells = {column: row.cells.get(column) for column in by_category}
            yield _Entry(place, id_, "" if all(map(is_blank, cells.values())) else cells, who)
        else:
            yield _of_columns(row, columns, _Entry(place, id_, "", who))


def _category_columns(table: Table, taxonomy: Taxonomy) -> list[str]:
    """The columns that are called after categories.

    Raises:
        DataError: Some categories have a column and others have none.
    """
    names = names_of(taxonomy)
    columns = {column: names[folded(column)] for column in table.columns if folded(column) in names}
    optional = {taxonomy.none} if taxonomy.single else set()
    lacking = [key for key in taxonomy.keys if key not in columns.values() and key not in optional]
    if columns and lacking:
        raise DataError(
            f"{table.path} has columns for {', '.join(columns)} and none for {', '.join(lacking)}.",
            fix="Give it one column of 0 and 1 per category, or a column `labels`.",
        )
    return list(columns)


def _of_columns(row: Row, columns: Collection[str], entry: _Entry) -> _Entry:
    """The entry with the cell that is filled in, where a table has both `labels` and `label`."""
    filled = [cell for cell in map(row.cells.get, columns) if not is_blank(cell)]
    different = len(filled) > 1 and filled[0] != filled[1]
    fault = "the columns 'labels' and 'label' contradict each other" if different else ""
    return _Entry(entry.place, entry.id, filled[0] if filled else "", entry.person, fault)


def _parsed(
    entries: Iterable[_Entry], taxonomy: Taxonomy, *, where: str, ids: Collection[str] | None = None
) -> dict[str, tuple[str, ...]]:
    faults: list[str] = []
    rows: dict[str, list[tuple[_Entry, tuple[str, ...]]]] = defaultdict(list)
    for entry in entries:
        if ids is not None and entry.id not in ids:
            faults.append(f"{entry.place}: no text has the id '{entry.id}'")
        elif entry.fault:
            faults.append(f"{entry.place}: {entry.fault}")
        else:
            try:
                keys = parse_labels(entry.cell, taxonomy)
            except DataError as error:
                faults.append(f"{entry.place}: {error.problem.removesuffix('.')}")
            else:
                rows[entry.id].append((entry, keys))
    # A file of several labels a cell that repeats an id does not say which row counts.
    a_row_per_label = not taxonomy.single and all(len(keys) < 2 for some in rows.values() for _, keys in some)
    golden: dict[str, tuple[str, ...]] = {}
    for id_, some in rows.items():
        try:
            chosen = _agreed(some, a_row_per_label=a_row_per_label)
        except DataError as error:
            faults.append(f"{some[-1][0].place}: the id '{id_}' comes twice, {error.problem}")
        else:
            golden[id_] = tuple(key for key in taxonomy.keys if key in chosen)
    _raise(faults, taxonomy, where)
    return golden


def _agreed(rows: Collection[tuple[_Entry, tuple[str, ...]]], *, a_row_per_label: bool) -> frozenset[str]:
    """What the rows of one text come to."""
    by_person: dict[str, list[frozenset[str]]] = defaultdict(list)
    for entry, keys in rows:
        by_person[entry.person].append(frozenset(keys))
    answers: dict[frozenset[str], str] = {}
    for person, some in by_person.items():
        if len(set(some)) > 1 and not (a_row_per_label and all(some)):
            raise DataError(f"with other labels in {next(iter(rows))[0].place}")
        answers.setdefault(frozenset().union(*some), person)
    if len(answers) > 1:
        raise DataError(f"and {' and '.join(answers.values())} label it differently")
    return next(iter(answers))


def _raise(faults: Collection[str], taxonomy: Taxonomy, where: str) -> None:
    if faults:
        more = f"\n  … and {len(faults) - _SHOWN} more" if len(faults) > _SHOWN else ""
        listed = "".join(f"\n  {fault}" for fault in list(faults)[:_SHOWN])
        raise DataError(
            f"{where} has {plural(len(faults), 'fault')} in its labels:{listed}{more}\n"
            f"The categories are: {', '.join(taxonomy.keys)}.",
            fix="Correct these rows; every id must be that of a text that was read and not rejected. "
            + _SHAPES,
        )
