"""Labels that people gave: parsed strictly, all faults told together."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

from rubricator.errors import DataError, nearest
from rubricator.tables.reading import Table, open_table
from rubricator.taxonomy import Taxonomy

_SHOWN = 10
# From the strongest down: a name such as "Science, technology" is first tried as a whole.
_SEPARATORS = "|;,"


def parse_labels(cell: str, taxonomy: Taxonomy) -> tuple[str, ...]:
    """Category keys in a cell, in taxonomy order.

    The cell holds keys or names (case does not matter), joined by commas, semicolons or pipes. Blank means no
    category, or in single-label the `none` category.

    Raises:
        DataError: A category is unknown, or a single-label cell does not hold exactly one.
    """
    names = {_fold(category.title): category.key for category in taxonomy.categories}
    names |= {_fold(key): key for key in taxonomy.keys}
    keys = {_key(piece, names) for piece in _pieces(cell, names)}
    if taxonomy.single and not keys and taxonomy.none is not None:
        keys = {taxonomy.none}
    if taxonomy.single and len(keys) != 1:
        number = f"{len(keys)} categories in '{cell}'" if keys else "no category"
        raise DataError(
            f"{number}, where a text has exactly one.",
            fix="Keep one category, or write `task: multi-label` in the taxonomy.",
        )
    return tuple(key for key in taxonomy.keys if key in keys)


def parse_golden(
    cells: Iterable[tuple[str, str]], *, taxonomy: Taxonomy, where: str
) -> dict[str, tuple[str, ...]]:
    """Category keys by text id, from pairs of id and raw label cell; `where` names their source in messages.

    Raises:
        DataError: Any cell is wrong or an id comes twice; up to ten faults are listed.
    """
    return _parsed(((f"id '{name}'", name, cell) for name, cell in cells), taxonomy=taxonomy, where=where)


def read_golden(path: Path, *, ids: Collection[str], taxonomy: Taxonomy) -> dict[str, tuple[str, ...]]:
    """Read the golden set: a table with the columns `id` and `labels` (or `label`).

    Returns:
        Category keys in taxonomy order by text id; an empty tuple means "none of them".

    Raises:
        DataError: The file cannot be read, or any row of it is wrong or of a text that is not among `ids`; up
            to ten faults are listed.
    """
    table = open_table(path)
    cells = _cells(table, _label_column(table))
    return _parsed(cells, taxonomy=taxonomy, where=str(path), ids=frozenset(ids))


def _label_column(table: Table) -> str:
    column = next((name for name in ("labels", "label") if name in table.columns), "")
    if not column or "id" not in table.columns:
        lacking = "id" if column else "labels"
        raise DataError(
            f"{table.path} lacks the column '{lacking}'; its columns are: {', '.join(table.columns)}.",
            fix="Name its columns `id` and `labels`.",
        )
    return column


def _cells(table: Table, column: str) -> Iterator[tuple[str, str, str]]:
    for batch in table.rows():
        for row in batch:
            if row.fault:
                raise DataError(f"{table.path}, row {row.number}: {row.fault}.", fix="Correct the row.")
            yield f"row {row.number}", _written(row.cells.get("id")), _written(row.cells.get(column))


def _written(value: object) -> str:
    if isinstance(value, list):
        return "|".join(str(item) for item in value)
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return "" if value is None else str(value).strip()


def _parsed(
    cells: Iterable[tuple[str, str, str]],
    *,
    taxonomy: Taxonomy,
    where: str,
    ids: Collection[str] | None = None,
) -> dict[str, tuple[str, ...]]:
    golden: dict[str, tuple[str, ...]] = {}
    faults: list[str] = []
    for place, name, cell in cells:
        if name in golden:
            faults.append(f"{place}: the id '{name}' comes twice")
        elif ids is not None and name not in ids:
            faults.append(f"{place}: no text has the id '{name}'")
        else:
            golden[name] = ()
            try:
                golden[name] = parse_labels(cell, taxonomy)
            except DataError as error:
                faults.append(f"{place}: {error.problem.removesuffix('.')}")
    if faults:
        more = f"\n  … and {len(faults) - _SHOWN} more" if len(faults) > _SHOWN else ""
        listed = "".join(f"\n  {fault}" for fault in faults[:_SHOWN])
        raise DataError(
            f"{where} has {len(faults)} fault(s) in its labels:{listed}{more}\n"
            f"The categories are: {', '.join(taxonomy.keys)}.",
            fix="Correct these rows; every id must be that of a text that was read and not rejected.",
        )
    return golden


def _pieces(cell: str, names: Collection[str], separators: str = _SEPARATORS) -> Iterator[str]:
    if not cell.strip():
        return
    if not separators or _fold(cell) in names:
        yield cell.strip()
        return
    for piece in cell.split(separators[0]):
        yield from _pieces(piece, names, separators[1:])


def _key(piece: str, names: dict[str, str]) -> str:
    key = names.get(_fold(piece))
    if key is None:
        raise DataError(
            f"unknown category '{piece}'{nearest(piece, names)}.",
            fix="Use the keys or names of the taxonomy.",
        )
    return key


def _fold(name: str) -> str:
    return " ".join(name.split()).casefold().replace("ё", "е")
