"""One file of labels, or of predictions, carried over to the list of today."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rubricator.errors import DataError
from rubricator.ingest.label_cells import parse_labels
from rubricator.review.stale import GoldenStamp, read_golden_stamps, write_golden_stamps
from rubricator.tables.cells import is_blank, written
from rubricator.tables.reading import Table, open_table, open_writer
from rubricator.taxonomy import NOTHING, Category, Task, Taxonomy, folded
from rubricator.taxonomy.key_map import KeyMap, Target
from rubricator.taxonomy.versions import History

_CELLS = ("labels", "label", "accept", "suggested")
_FLAGS = {"0": False, "0.0": False, "false": False, "1": True, "1.0": True, "true": True}
_PROBABILITY = "p_"
Row = tuple[str, Mapping[str, Any]]
"""Name of the row for messages, and its cells by column."""


@dataclass(frozen=True, slots=True)
class Migrated:
    """A file whose labels were carried over.

    Attributes:
        rows: Rows of the new file.
        open: Ids of rows whose label does not tell which of several new categories it means: they are left
            out of a file of labels, and keep their other labels in a table of predictions.
    """

    source: Path
    target: Path
    rows: int
    open: tuple[str, ...] = ()


def migrate_file(path: Path, found: KeyMap, taxonomy: Taxonomy, history: History, target: Path) -> Migrated:
    """Carry a golden file, a label table or a table of predictions over, into a new file.

    Cells of `labels`, columns of 0 and 1 called like categories and probabilities (`p_KEY`) are changed, all
    else is kept. Of several old categories that become one, the probability is their sum where a text has
    exactly one, else the largest; those of categories that were split are left blank.

    Raises:
        DataError: The file cannot be read, has no labels, or a cell of it is wrong; or the target exists.
        TaxonomyError: It has a key that is in neither the map nor the list; all are listed.
    """
    if target.exists():
        raise DataError(f"{target} exists already.", fix="Move it away, or name another file with -o.")
    table = open_table(path)
    work = _FileMigration(found, taxonomy, history, table)
    rows = rows_of_table(table)
    work.check(rows)
    new = [carried for place, row in rows if (carried := work.row(row, f"{path}, {place}")) is not None]
    with open_writer(target, work.columns) as writer:
        writer.write(new)
    work.write_stamps(history)
    return Migrated(path, target, len(new), tuple(work.open))


class _FileMigration:
    """How the columns and rows of one file become those of the list of today."""

    def __init__(self, found: KeyMap, taxonomy: Taxonomy, history: History, table: Table) -> None:
        self._map, self._taxonomy, self._history, self._path = found, taxonomy, history, table.path
        self._spoken = _spoken(found, taxonomy, history)
        names = {folded(key): key for key in self._spoken.keys}
        self._flags = {name: names[folded(name)] for name in table.columns if folded(name) in names}
        self._chances = {
            name: names[folded(name.removeprefix(_PROBABILITY))]
            for name in table.columns
            if name.startswith(_PROBABILITY) and folded(name.removeprefix(_PROBABILITY)) in names
        }
        self._cells = [name for name in _CELLS if name in table.columns]
        if not (self._flags or self._chances or self._cells):
            raise DataError(
                f"{table.path} has no labels: no column `labels` and none that is called like a category.",
                fix="Name a golden file, a label table or a table of predictions.",
            )
        self.columns = list(dict.fromkeys(new for name in table.columns for new in self._renamed(name)))
        self.open: list[str] = []
        self._stamps = read_golden_stamps(history)

    def check(self, rows: Sequence[Row]) -> None:
        """Refuse to leave out a key that is neither in the map nor in the list."""
        keys = {*self._flags.values(), *self._chances.values()}
        for place, row in rows:
            for name in self._cells:
                keys.update(self._parsed(row[name], f"{self._path}, {place}"))
        self._map.require(keys, self._taxonomy, where=str(self._path))

    def row(self, row: Mapping[str, Any], place: str) -> dict[str, Any] | None:
        """The row in the list of today; None where its label does not tell which category it means."""
        new = {name: cell for name, cell in row.items() if name not in (*self._flags, *self._chances)}
        settled = True
        for name in self._cells:
            old = self._parsed(row[name], place)
            carried = self._map.carried(old, self._taxonomy)
            if carried is None:
                settled = False
                sure = [key for key in old if not self._map.targets.get(key, Target((key,))).open]
                carried = tuple(new_key for key in sure for new_key in self._map.keys(key))
            elif name != "suggested":
                self._stamp(row, old, carried)
            blank = "" if self._chances or is_blank(row[name]) else NOTHING
            new[name] = ",".join(carried) or blank
        settled &= self._add_flags(row, new, place)
        self._add_chances(row, new)
        if not settled:
            self.open.append(written(row.get("id")))
        return new if settled or self._chances else None

    def write_stamps(self, history: History) -> None:
        """Golden labels that were carried over keep the version that they were given under."""
        if self._stamps:
            write_golden_stamps(history, self._stamps)

    def _renamed(self, name: str) -> list[str]:
        if name in self._flags:
            return list(self._map.keys(self._flags[name]))
        if name in self._chances:
            return [_PROBABILITY + key for key in self._map.keys(self._chances[name])]
        return [name]

    def _parsed(self, cell: object, place: str) -> tuple[str, ...]:
        try:
            return parse_labels(cell, self._spoken)
        except DataError as error:
            raise DataError(
                f"{place}: {error.problem}", fix="Correct the cell, or give its key a row in the map."
            ) from error

    def _add_flags(self, row: Mapping[str, Any], new: dict[str, Any], place: str) -> bool:
        if not self._flags:
            return True
        columns = [key for name in self._flags for key in self._map.keys(self._flags[name])]
        new.update(dict.fromkeys(columns, 0))
        if written(row.get("corrupted")) == "1":  # nobody could tell
            return True
        chosen = []
        for name, key in self._flags.items():
            flag = _FLAGS.get(written(row[name]).casefold())
            if flag is None:
                raise DataError(
                    f"{place}: column '{name}' holds {row[name]!r}, not 0 or 1.", fix="Correct it."
                )
            chosen += [key] if flag else []
        carried = self._map.carried(chosen, self._taxonomy)
        if carried is None or not set(carried) <= set(columns):
            return False
        new.update(dict.fromkeys(carried, 1))
        return True

    def _add_chances(self, row: Mapping[str, Any], new: dict[str, Any]) -> None:
        said: dict[str, list[float | None]] = {}
        for name, old in self._chances.items():
            target = self._map.targets.get(old)
            number = None if is_blank(row[name]) or (target and target.open) else float(row[name])
            for key in self._map.keys(old):
                said.setdefault(key, []).append(number)
        for key, numbers in said.items():
            known = [number for number in numbers if number is not None]
            joined = min(1.0, sum(known)) if self._taxonomy.single else max(known, default=0.0)
            new[_PROBABILITY + key] = joined if len(known) == len(numbers) else None

    def _stamp(self, row: Mapping[str, Any], old: Sequence[str], new: tuple[str, ...]) -> None:
        id_ = written(row.get("id"))
        stamp = self._stamps.get(id_)
        if stamp is None or set(stamp.labels) != set(old):
            return
        targets = {key for target in self._map.targets.values() for key in target.keys}
        stale = self._history.stale(stamp.version, self._taxonomy) or frozenset()
        added = self._history.added_since(self._history.named(stamp.version), self._taxonomy)
        if stale | added <= targets:
            del self._stamps[id_]  # the map settles all that has changed: the label counts as today's
        else:
            self._stamps[id_] = GoldenStamp(new, stamp.version)


def _spoken(found: KeyMap, taxonomy: Taxonomy, history: History) -> Taxonomy:
    """Every key that a cell may hold, of today and of old, with the titles of today."""
    former = {key for version in history.versions for key in version.meanings} | set(found.targets)
    now = {folded(name) for one in taxonomy.categories for name in (one.key, one.title)}
    old = [Category(key=key) for key in sorted(former - set(taxonomy.keys)) if folded(key) not in now]
    return Taxonomy(task=Task.MULTI_LABEL, categories=(*old, *taxonomy.categories))


def rows_of_table(table: Table) -> list[Row]:
    """All rows of a table.

    Raises:
        DataError: A row is broken.
    """
    rows = [row for batch in table.rows() for row in batch]
    if broken := next((row for row in rows if row.fault), None):
        raise DataError(f"{table.path}, row {broken.number}: {broken.fault}.", fix="Correct the row.")
    return [(f"row {row.number}", row.cells) for row in rows]
