"""Input files to texts: every row becomes a text or a rejection with its reason."""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path, PurePath
from typing import Any

from rubricator.config import Columns, Config
from rubricator.dataset.dataset import Rejected
from rubricator.errors import DataError, nearest
from rubricator.ingest.clean import is_blank
from rubricator.progress import Advance, Progress, silent
from rubricator.records import Feature, Text
from rubricator.tables.reading import Row, Table, open_table, open_writer
from rubricator.times import parse_time

_log = logging.getLogger(__name__)

_EXCERPT = 120


@dataclass(frozen=True, slots=True)
class Corpus:
    """The usable texts of the input files in order, with unique ids, and all other rows.

    `labels` are raw cells of the label column by text id; texts with a blank cell have no entry.
    """

    texts: list[Text]
    rejected: list[Rejected]
    labels: dict[str, str]


class RowReader:
    """Turns rows into texts by a mapping of columns; the same in training and in prediction.

    Longer texts are rejected, `file` being the name of the file there; `prefix` goes before row numbers that
    stand in for ids; `part` is what the file prescribes for its texts. `unreadable_times` counts the texts so
    far that had something in the time column that is no time.
    """

    def __init__(
        self,
        columns: Columns,
        *,
        max_characters: int = 1_000_000,
        file: str = "",
        prefix: str = "",
        part: str = "",
    ) -> None:
        self.columns = columns
        self._max_characters = max_characters
        self.file = file
        self._prefix = prefix
        self._part = part
        self.unreadable_times = 0

    def text(self, row: Row) -> Text | Rejected:
        """The text of a row, or why it has none."""
        if row.fault:
            return self.rejected(row, "", f"broken row: {row.fault}", row.excerpt)
        name = self._id(row)
        title, body = self._cell(row, self.columns.title), self._cell(row, self.columns.body)
        length = len(title) + len(body)
        if not name:
            return self.rejected(row, "", "no id", f"{title} {body}")
        if is_blank(title) and is_blank(body):
            return self.rejected(row, name, "no text", f"{title} {body}")
        if length > self._max_characters:
            reason = f"too long: {length:,} characters, {self._max_characters:,} are allowed"
            return self.rejected(row, name, reason, f"{title[:_EXCERPT]} {body[:_EXCERPT]}")
        return Text(
            id=name,
            title=title,
            body=body,
            source=self._cell(row, self.columns.source).strip(),
            time=self._time(row),
            features={name: _feature(row.cells.get(name)) for name in self.columns.features},
            part=self._part,
        )

    def label(self, row: Row) -> str:
        """Raw label cell of a whole row; empty where a person labelled nothing."""
        return self._cell(row, self.columns.labels).strip()

    def _id(self, row: Row) -> str:
        if self.columns.id is None:
            return f"{self._prefix}{row.number}"
        return self._cell(row, self.columns.id).strip()

    def _cell(self, row: Row, column: str | None) -> str:
        return "" if column is None else _as_string(row.cells.get(column))

    def _time(self, row: Row) -> datetime | None:
        value = row.cells.get(self.columns.time) if self.columns.time else None
        moment = parse_time(value)
        self.unreadable_times += moment is None and bool(_as_string(value).strip())
        return moment

    def rejected(self, row: Row, name: str, reason: str, excerpt: str) -> Rejected:
        """A row that has no text, or none of its own."""
        return Rejected(self.file, row.number, name, reason, " ".join(excerpt.split())[:_EXCERPT])


def fit_columns(table: Table, columns: Columns, *, optional: Collection[str] = ()) -> Columns:
    """The mapping of columns, without the `optional` ones that the table lacks.

    Of the optional roles (`id`, `time`, `labels`, `features` …) title and body may not both be absent.

    Raises:
        DataError: Columns are missing; all are named, each with the nearest one there is.
    """
    roles = columns.model_dump(exclude={"features"}, exclude_none=True)
    absent = {role: name for role, name in roles.items() if name not in table.columns}
    missing = [(role, name) for role, name in absent.items() if role not in optional]
    lacking = [name for name in columns.features if name not in table.columns]
    if "features" not in optional:
        missing += [("features", name) for name in lacking]
    if not missing and roles.keys() & {"title", "body"} <= absent.keys():
        missing = [(role, name) for role, name in absent.items() if role in ("title", "body")]
    if missing:
        lines = "\n".join(f"  {role}: '{name}'{nearest(name, table.columns)}" for role, name in missing)
        raise DataError(
            f"{table.path} lacks {len(missing)} column(s) named in the config:\n{lines}\n"
            f"Its columns are: {', '.join(table.columns)}.",
            fix="Correct `data.columns` in rubricator.yaml (null for what the data do not have), or name the "
            "columns by --id, --title and --body of `rubricator predict`.",
        )
    features = tuple(name for name in columns.features if name not in lacking)
    return columns.model_copy(update=dict.fromkeys(absent) | {"features": features})


def read_texts(config: Config, *, progress: Progress = silent) -> Corpus:
    """Read all files of the config.

    Of rows with the same id the first is kept. Unreadable times are no reason to reject a text:
    it has none then, and their number is logged as a warning.

    Raises:
        DataError: A file cannot be read, lacks columns, or no row of all files can be used.
    """
    corpus = Corpus([], [], {})
    places: dict[str, str] = {}
    tables = [open_table(config.path(file.path)) for file in config.data.files]
    label_set = any(config.data.columns.labels in table.columns for table in tables)
    with progress("Reading texts", total=None) as done:
        prefixes = _prefixes([file.path for file in config.data.files])
        for file, table, prefix in zip(config.data.files, tables, prefixes, strict=True):
            columns = fit_columns(table, config.data.columns, optional={"labels"} if label_set else ())
            limit, part = config.data.max_characters, file.part or ""
            reader = RowReader(columns, max_characters=limit, file=file.path, prefix=prefix, part=part)
            _read_rows(table, reader, corpus, places, done)
    if not corpus.texts:
        reasons = Counter(row.reason for row in corpus.rejected).most_common(3)
        listed = "; ".join(f"{reason} ({count})" for reason, count in reasons)
        raise DataError(
            f"None of the {len(corpus.rejected)} rows can be used: {listed}.",
            fix="Look at the file, and at `data.columns` in the config.",
        )
    return corpus


def _read_rows(
    table: Table, reader: RowReader, corpus: Corpus, places: dict[str, str], done: Advance
) -> None:
    for batch in table.rows():
        for row in batch:
            text = reader.text(row)
            if isinstance(text, Text) and text.id in places:
                text = reader.rejected(
                    row, text.id, f"duplicate id, first in {places[text.id]}", text.original
                )
            if isinstance(text, Rejected):
                corpus.rejected.append(text)
                continue
            places[text.id] = f"{reader.file}, row {row.number}"
            corpus.texts.append(text)
            if label := reader.label(row):
                corpus.labels[text.id] = label
        done(len(batch))
    if reader.unreadable_times:
        message = "%s: %d times in the column '%s' cannot be read; these texts have none."
        _log.warning(message, reader.file, reader.unreadable_times, reader.columns.time)


def _prefixes(paths: Sequence[str]) -> list[str]:
    """What tells the stand-in ids of several files apart: of what names a file, the shortest that differs."""
    if len(paths) == 1:
        return [""]
    files = [PurePath(path) for path in paths]
    numbered = [f"{number}:{path}" for number, path in enumerate(paths, start=1)]
    forms = ([file.stem for file in files], [file.name for file in files], list(paths), numbered)
    names = next(form for form in forms if len(set(form)) == len(paths))
    return [f"{name}:" for name in names]


def write_rejected(path: Path, rejected: Iterable[Rejected]) -> None:
    """Write rejected rows as a table (`file, row, id, reason, excerpt`), its kind by suffix.

    Raises:
        DataError: The place cannot be written.
    """
    with open_writer(path, ("file", "row", "id", "reason", "excerpt")) as writer:
        writer.write([asdict(row) for row in rejected])


def _as_string(value: Any) -> str:
    """A cell as people would write it: 5.0 from Excel is the id `5`, a JSON list its items."""
    if isinstance(value, str):
        return value
    if value is None or value != value:  # NaN, the only value that differs from itself
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, list | tuple):
        return "|".join(_as_string(item) for item in value)
    if isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False, default=str)
    return str(value)


def _feature(value: Any) -> Feature:
    if isinstance(value, str | bool | float) or value is None:
        return value
    return float(value) if isinstance(value, int) else _as_string(value)
