"""A split in files of its own: which file or column says the part, and what the columns hold."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rubricator.config import Clean, Columns
from rubricator.errors import DataError, nearest
from rubricator.ingest.clean import Cleaner, is_blank
from rubricator.ingest.columns import ROLES, usual_columns
from rubricator.ingest.leakage.source import Known, PartText
from rubricator.ingest.read import MISSING, RowReader
from rubricator.records import Text
from rubricator.tables.cells import written
from rubricator.tables.reading import Row, Table, open_table

_NAMES = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("validation", "valid", "val", "dev", "development"), "validation"),
    **dict.fromkeys(("test", "testing", "holdout"), "test"),
}
_PART_COLUMNS = ("part", "split", "set", "subset", "fold")
_USUAL = {
    **{role: ROLES[role] for role in ("title", "body")},
    "id": ("id",),
    "labels": ("labels", "label", "category", "categories", "class", "рубрика", "категория"),
}
_MOST_PARTS = 50
_PARENTS = re.compile(r"[,;|\s]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckColumns:
    """Which column holds what; None for what it is usually called, where something is called so.

    `group_by`, `time` and `parent` are looked at only where they are named: the last holds ids of the texts
    that a text was made from, joined by commas.
    """

    id: str | None = None
    title: str | None = None
    body: str | None = None
    labels: str | None = None
    part: str | None = None
    group_by: str | None = None
    time: str | None = None
    parent: str | None = None


@dataclass(slots=True)
class _File:
    table: Table
    part: str  # empty where a column says it


@dataclass(slots=True)
class FileSource:
    """The texts of the files, cleaned as a run cleans them by default."""

    files: list[_File]
    columns: CheckColumns
    known: Known
    rows: int | None = None
    rejected: Counter[str] = field(default_factory=Counter)

    def texts(self) -> Iterator[list[PartText]]:
        """All texts that can be used; what cannot is counted in `rejected`."""
        self.rejected.clear()
        cleaner, unreadable = Cleaner(Clean()), Counter[str]()
        for file in self.files:
            reader = self._reader(file)
            for batch in file.table.rows():
                found = [self._text(row, reader, file, cleaner) for row in batch]
                yield [text for text in found if text is not None]
            if reader.unreadable_times:
                unreadable[reader.unreadable_time] += reader.unreadable_times
        if unreadable:
            example = next(iter(unreadable))[:40]
            self._note(
                f"{unreadable.total():,} times cannot be read, such as '{example}': these texts have none."
            )
        if self.rejected:
            listed = ", ".join(f"{number:,} {kind}" for kind, number in self.rejected.most_common())
            self._note(f"Rows that cannot be used are left out: {listed}.")

    def picked(self, rows: Collection[int]) -> dict[int, PartText]:
        """The texts of these numbers; all others are read over."""
        wanted, found, number = set(rows), dict[int, PartText](), 0
        cleaner = Cleaner(Clean())
        for file in self.files:
            reader = self._reader(file)
            for batch in file.table.rows():
                for row in batch:
                    text = self._usable(row, reader, file)
                    if text is None:
                        continue
                    if number in wanted:
                        found[number] = self._finished(row, text, reader, file, cleaner)
                    number += 1
            if len(found) == len(wanted):
                break
        return found

    def count(self) -> None:
        """Read over all files once, to count their texts in `rows`.

        Raises:
            DataError: There is one part, a file has no usable text, or the column of parts is none.
        """
        parts, self.rows = Counter[str](), 0
        for file in self.files:
            reader, usable = self._reader(file), 0
            for batch in file.table.rows():
                found = [self._part(row, file) for row in batch if self._usable(row, reader, file)]
                usable += len(found)
                parts.update(found)
                if len(parts) > _MOST_PARTS:
                    raise DataError(
                        f"The column '{self.columns.part}' has more than {_MOST_PARTS} different values: it "
                        "is no column of parts.",
                        fix="Name the column that says train, validation or test by --part.",
                    )
            self.rows += usable
            if not usable:
                raise DataError(
                    f"{file.table.path} has no text that can be used.", fix="Fill it, or omit it."
                )
        if len(parts) < 2:
            raise DataError(
                f"All texts are of the part '{next(iter(parts))}'; a split has two or more.",
                fix="Give the files of the other parts, too.",
            )

    def _note(self, sentence: str) -> None:
        if sentence not in self.known.notes:
            self.known.notes.append(sentence)

    def _reader(self, file: _File) -> RowReader:
        c = self.columns
        columns = Columns(id=c.id, title=c.title, body=c.body, labels=c.labels, time=c.time)
        prefix = "" if c.id else f"{file.table.path.name}:"
        return RowReader(columns, file=str(file.table.path), prefix=prefix)

    def _usable(self, row: Row, reader: RowReader, file: _File) -> Text | None:
        text = reader.text(row)
        if not isinstance(text, Text):
            self.rejected[text.kind] += 1
            return None
        if not self._part(row, file):
            self.rejected[f"without a value in '{self.columns.part}'"] += 1
            return None
        return text

    def _text(self, row: Row, reader: RowReader, file: _File, cleaner: Cleaner) -> PartText | None:
        text = self._usable(row, reader, file)
        return None if text is None else self._finished(row, text, reader, file, cleaner)

    def _finished(self, row: Row, text: Text, reader: RowReader, file: _File, cleaner: Cleaner) -> PartText:
        cells, c = row.cells, self.columns
        label = reader.label(row)
        return PartText(
            id=text.id,
            part=self._part(row, file),
            content=cleaner.content(text),
            label="" if is_blank(label) else label,
            group="" if not c.group_by or (group := written(cells.get(c.group_by))) in MISSING else group,
            time=text.time,
            parents=tuple(filter(None, _PARENTS.split(written(cells.get(c.parent))))) if c.parent else (),
        )

    def _part(self, row: Row, file: _File) -> str:
        if file.part or self.columns.part is None:
            return file.part
        return canonical(written(row.cells.get(self.columns.part)))


def canonical(name: str) -> str:
    """`dev` and `valid` are validation, and so on; other names stay as they are."""
    return _NAMES.get(name.casefold(), name)


def open_split(files: Sequence[str | Path], columns: CheckColumns) -> FileSource:
    """Open a split: `PART=FILE` each, files whose names say the part, or files with a column that does.

    Raises:
        DataError: A file cannot be read or comes twice, a part cannot be told, or a column is not there.
    """
    named = [_named(str(file)) for file in files]
    tables = [(part, open_table(path).complete()) for part, path in named]
    _refuse_repeated([table for _, table in tables])
    columns = _fitted([table for _, table in tables], columns, has_parts=all(part for part, _ in named))
    opened = [
        _File(table, "" if columns.part else part or _part_of_name(table.path)) for part, table in tables
    ]
    if columns.parent and not columns.id:
        raise DataError(
            f"The column '{columns.parent}' holds ids of texts, and no column of ids is known.",
            fix="Name it by --id.",
        )
    known = Known(
        labels=columns.labels is not None,
        groups=columns.group_by or "",
        times=columns.time or "",
        parents=columns.parent or "",
        own_ids=columns.id is not None,
    )
    if columns.labels is None:
        known.notes.append("No column of labels is known (--labels COLUMN): points are not measured.")
    source = FileSource(opened, columns, known)
    source.count()
    return source


def _named(file: str) -> tuple[str, Path]:
    part, equals, path = file.partition("=")
    if equals and not Path(file).exists():
        if not part or not path:
            raise DataError(f"'{file}' is not PART=FILE.", fix="Write train=FILE, for example.")
        return canonical(part.strip()), Path(path)
    return "", Path(file)


def _part_of_name(path: Path) -> str:
    """The part that the name of a file says.

    Raises:
        DataError: It says none, or two.
    """
    words = re.split(r"[^a-z]+", path.stem.casefold())
    parts = {_NAMES[word] for word in words if word in _NAMES}
    if len(parts) != 1:
        raise DataError(
            f"The name of {path} does not tell which part its texts are.",
            fix=f"Write train={path}, validation={path} or test={path}, or name a column by --part.",
        )
    return parts.pop()


def _refuse_repeated(tables: Sequence[Table]) -> None:
    seen: set[Path] = set()
    for table in tables:
        place = table.path.resolve()
        if place in seen:
            raise DataError(
                f"{table.path} comes twice: a part cannot be compared with itself.",
                fix="Name each file once.",
            )
        seen.add(place)


def _fitted(tables: Sequence[Table], given: CheckColumns, *, has_parts: bool) -> CheckColumns:
    """The columns by name: those given must be there, others are what is usually called so."""
    common = [name for name in tables[0].columns if all(name in table.columns for table in tables)]
    roles = {role: name for role in CheckColumns.__slots__ if (name := getattr(given, role))}
    for role, name in roles.items():
        for table in tables:
            if name not in table.columns:
                option = "--" + role.replace("_", "-")
                raise DataError(
                    f"{table.path} has no column '{name}' ({option}){nearest(name, table.columns)}.",
                    fix=f"Its columns are: {', '.join(table.columns)}.",
                )
    free = [name for name in common if name not in roles.values()]
    usual = usual_columns(free, _USUAL)
    if given.title or given.body:  # what is named replaces both
        usual = {role: name for role, name in usual.items() if role not in ("title", "body")}
    if len(tables) == 1 and not has_parts:
        usual |= usual_columns(free, {"part": _PART_COLUMNS})
    roles = usual | roles
    if not {"title", "body"} & roles.keys():
        listed = "\n".join(f"  {table.path}: {', '.join(table.columns)}" for table in tables)
        raise DataError(
            f"No column that all files have is known to hold the text. Their columns are:\n{listed}",
            fix="Name it by --body (and --title).",
        )
    if len(tables) == 1 and "part" not in roles:
        raise DataError(
            f"{tables[0].path} is one file, and no column in it tells the part of each text.",
            fix="Name the column by --part, or give a file for each part. Its columns are: "
            f"{', '.join(common)}.",
        )
    return CheckColumns(**roles)
