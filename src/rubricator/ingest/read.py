"""Input files to texts: every row becomes a text or a rejection with its reason."""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path, PurePath
from typing import Any

from rubricator.config import Columns, Config
from rubricator.dataset.dataset import Rejected
from rubricator.errors import DataError, nearest, plural
from rubricator.ingest.clean import is_blank
from rubricator.progress import Advance, Progress, silent
from rubricator.records import Feature, Text
from rubricator.tables.cells import written
from rubricator.tables.encodings import is_utf8
from rubricator.tables.headers import header_hint
from rubricator.tables.reading import Layout, Row, Table, open_table, open_writer
from rubricator.times import parse_time

_log = logging.getLogger(__name__)

_EXCERPT = 120
_KINDS = 5
_LONG = 30
MISSING = frozenset(
    [
        "NULL",
        "Null",
        "null",
        "None",
        "NaN",
        "NAN",
        "nan",
        "NaT",
        "<NA>",
        "N/A",
        "n/a",
        "\\N",
        "#N/A",
        "#NULL!",
        "#VALUE!",
        "#REF!",
        "#NAME?",
        "#DIV/0!",
        "#NUM!",
        "#Н/Д",
        "#ПУСТО!",
        "#ЗНАЧ!",
        "#ССЫЛКА!",
        "#ИМЯ?",
        "#ЧИСЛО!",
    ]
)
"""What databases, pandas and Excel write into a cell that has no value. A label may be called so."""


@dataclass(frozen=True, slots=True)
class Corpus:
    """The usable texts of the input files in order, with unique ids, and all other rows.

    `labels` are raw cells of the label column by text id; texts with a blank cell have no entry. `together`
    are the cells of each column of `split.group_by`, likewise. `encodings` are those of files that are not in
    UTF-8, by file.
    """

    texts: list[Text] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    labels: dict[str, str] = field(default_factory=dict)
    together: dict[str, dict[str, str]] = field(default_factory=dict)
    encodings: dict[str, str] = field(default_factory=dict)


class RowReader:
    """Turns rows into texts by a mapping of columns; the same in training and in prediction.

    Longer texts are rejected, `file` being the name of the file there; `prefix` goes before row numbers that
    stand in for ids; `part` is what the file prescribes for its texts. `unreadable_times` counts the texts so
    far that had something in the time column that is no time, the first of which is `unreadable_time`.
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
        self.unreadable_time = ""

    def text(self, row: Row) -> Text | Rejected:
        """The text of a row, or why it has none."""
        if row.fault:
            kind, detail = f"broken row: {row.kind}", row.fault.removeprefix(row.kind)
            return self.rejected(row, "", kind, row.excerpt, detail=detail)
        name = ""
        try:
            name = self._id(row)
            title, body = self._cell(row, self.columns.title), self._cell(row, self.columns.body)
            source = self._cell(row, self.columns.source).strip()
        except _CellError as error:
            return self.rejected(row, name, error.kind, _as_string(row.cells), detail=f" ({error.place})")
        length = len(title) + len(body)
        if not name:
            return self.rejected(row, "", "no id", f"{title} {body}")
        if is_blank(title) and is_blank(body):
            cells = (row.cells.get(column) for column in (self.columns.title, self.columns.body) if column)
            return self.rejected(row, name, "no text", " ".join(map(_as_string, cells)))
        if length > self._max_characters:
            detail = f": {length:,} characters, {self._max_characters:,} are allowed"
            excerpt = f"{title[:_EXCERPT]} {body[:_EXCERPT]}"
            return self.rejected(row, name, "too long", excerpt, detail=detail)
        return Text(
            id=name,
            title=title,
            body=body,
            source=source,
            time=self._time(row),
            features={name: _feature(row.cells.get(name)) for name in self.columns.features},
            part=self._part,
        )

    def label(self, row: Row) -> str:
        """Raw label cell of a whole row; empty where a person labelled nothing."""
        return _as_string(row.cells.get(self.columns.labels)).strip() if self.columns.labels else ""

    def _id(self, row: Row) -> str:
        if self.columns.id is None:
            return f"{self._prefix}{row.number}"
        return self._cell(row, self.columns.id).strip()

    def _cell(self, row: Row, column: str | None) -> str:
        """What a column says as text; marks of missing values say nothing."""
        if column is None:
            return ""
        value = row.cells.get(column)
        written = value if isinstance(value, str) else _as_text(value, column)
        # Long texts are no marks; to look them up would take a pass over each.
        return "" if len(written) < _LONG and written.strip() in MISSING else written

    def _time(self, row: Row) -> datetime | None:
        value = row.cells.get(self.columns.time) if self.columns.time else None
        moment = parse_time(value)
        if moment is None and (written := _as_string(value).strip()) and written not in MISSING:
            self.unreadable_times += 1
            self.unreadable_time = self.unreadable_time or written
        return moment

    def rejected(self, row: Row, name: str, kind: str, excerpt: str, *, detail: str = "") -> Rejected:
        """A row that has no text, or none of its own; `detail` is what its reason says beyond the kind."""
        shown = " ".join(excerpt[: _EXCERPT * 10].split())[:_EXCERPT]
        return Rejected(self.file, row.number, name, f"{kind}{detail}", shown, kind)


def fit_columns(table: Table, columns: Columns, *, optional: Collection[str] = ()) -> Columns:
    """The mapping of columns, without the `optional` ones that the table lacks.

    Of the optional roles (`id`, `time`, `labels`, `features` …) title and body may not both be absent.

    Raises:
        DataError: Columns are missing; all are named, each with the nearest one there is.
    """
    roles = columns.model_dump(exclude={"features"}, exclude_none=True)
    table = _with_all_roles(table, columns)
    absent = {role: name for role, name in roles.items() if name not in table.columns}
    missing = [(role, name) for role, name in absent.items() if role not in optional]
    lacking = [name for name in columns.features if name not in table.columns]
    if "features" not in optional:
        missing += [("features", name) for name in lacking]
    if not missing and roles.keys() & {"title", "body"} <= absent.keys():
        missing = [(role, name) for role, name in absent.items() if role in ("title", "body")]
    if missing:
        raise _lacking(table, missing)
    features = tuple(name for name in columns.features if name not in lacking)
    return columns.model_copy(update=dict.fromkeys(absent) | {"features": features})


def _with_all_roles(table: Table, columns: Columns) -> Table:
    """The table, with columns that only later rows have where the first rows lack one of these."""
    roles = columns.model_dump(exclude={"features"}, exclude_none=True)
    return table if {*roles.values(), *columns.features} <= set(table.columns) else table.complete()


def _lacking(table: Table, missing: Sequence[tuple[str, str]]) -> DataError:
    lines = "\n".join(f"  {role}: '{name}'{nearest(name, table.columns)}" for role, name in missing)
    hint = header_hint(table, {name for _, name in missing})
    fix = (
        "Say where by `data.header` and `data.sheet` in rubricator.yaml, or by --header and --sheet of "
        "`rubricator predict`."
        if hint
        else "Correct `data.columns` in rubricator.yaml (null for what the data do not have), or name the "
        "columns by --id, --title and --body of `rubricator predict`."
    )
    return DataError(
        f"{table.path} lacks {plural(len(missing), 'column')} named in the config:\n{lines}\n"
        f"Its columns are: {', '.join(table.columns)}.{hint and f' {hint}'}",
        fix=fix,
    )


def read_texts(config: Config, *, progress: Progress = silent) -> Corpus:
    """Read all files of the config.

    Of rows with the same id the first is kept. Unreadable times are no reason to reject a text:
    it has none then, and their number is logged as a warning.

    Raises:
        DataError: A file cannot be read, lacks columns, or no row of all files can be used.
    """
    corpus = Corpus()
    places: dict[str, str] = {}
    data = config.data
    layout = Layout(encoding=data.encoding, header=data.header, sheet=data.sheet)
    tables = [
        _with_all_roles(open_table(config.path(file.path), layout), data.columns) for file in data.files
    ]
    label_set = any(data.columns.labels in table.columns for table in tables)
    together = _grouping_columns(tables, config)
    corpus.together.update({column: {} for column in together})
    with progress("Reading texts", total=None) as done:
        prefixes = _prefixes([file.path for file in data.files])
        for file, table, prefix in zip(data.files, tables, prefixes, strict=True):
            columns = fit_columns(table, data.columns, optional={"labels"} if label_set else ())
            if table.encoding and not is_utf8(table.encoding):
                corpus.encodings[file.path] = table.encoding
            if columns.id is None:
                _mention_ids(file.path, table)
            limit, part = data.max_characters, file.part or ""
            reader = RowReader(columns, max_characters=limit, file=file.path, prefix=prefix, part=part)
            _read_rows(table, reader, corpus, places, together, done)
    if not corpus.texts:
        listed = "; ".join(f"{kind} ({count})" for kind, count in rejections_by_kind(corpus.rejected).items())
        raise DataError(
            f"None of the {len(corpus.rejected)} rows can be used: {listed}.",
            fix="Look at the file, and at `data.columns` in the config.",
        )
    return corpus


def _mention_ids(file: str, table: Table) -> None:
    """Say of a column of ids that nobody reads it."""
    if name := next((column for column in table.columns if column.strip().casefold() == "id"), ""):
        message = (
            "%s: the column '%s' is not used, row numbers stand for ids; `data.columns.id: %s` would use it."
        )
        _log.warning(message, file, name, name)


def rejections_by_kind(rejected: Iterable[Rejected]) -> dict[str, int]:
    """Numbers of rejected rows by the commonest kinds of reasons, and of the others together."""
    counts = Counter(row.kind for row in rejected).most_common()
    others = sum(count for _, count in counts[_KINDS:])
    return dict(counts[:_KINDS]) | ({f"for {len(counts) - _KINDS} other reasons": others} if others else {})


def _grouping_columns(tables: Sequence[Table], config: Config) -> list[str]:
    """Columns of `split.group_by`; `source` is that of `data.columns.source` where there is one.

    Raises:
        DataError: No file has a column.
    """
    roles = {"source": config.data.columns.source}
    columns = [roles.get(name) or name for name in config.split.group_by]
    there = dict.fromkeys(name for table in tables for name in table.columns)
    for name in columns:
        if name not in there:
            raise DataError(
                f"`split.group_by` names the column '{name}', which no text has{nearest(name, there)}.",
                fix=f"Their columns are: {', '.join(there)}.",
            )
        for table in tables:
            if name not in table.columns:
                message = "%s lacks the column '%s' of `split.group_by`: only duplicates group its texts."
                _log.warning(message, table.path, name)
    return columns


def _read_rows(
    table: Table,
    reader: RowReader,
    corpus: Corpus,
    places: dict[str, str],
    together: Sequence[str],
    done: Advance,
) -> None:
    for batch in table.rows():
        for row in batch:
            text = reader.text(row)
            if isinstance(text, Text) and text.id in places:
                detail = f", first in {places[text.id]}"
                text = reader.rejected(row, text.id, "duplicate id", text.original, detail=detail)
            if isinstance(text, Rejected):
                corpus.rejected.append(text)
                continue
            places[text.id] = f"{reader.file}, row {row.number}"
            corpus.texts.append(text)
            if label := reader.label(row):
                corpus.labels[text.id] = label
            for name in together:
                if (value := written(row.cells.get(name))) and value not in MISSING:
                    corpus.together[name][text.id] = value
        done(len(batch))
    if reader.unreadable_times:
        message = "%s: %d times in the column '%s' cannot be read, such as '%s'; these texts have none."
        column, example = reader.columns.time, reader.unreadable_time[:40]
        _log.warning(message, reader.file, reader.unreadable_times, column, example)


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


class _CellError(Exception):
    """A cell is no text; `place` says where in it."""

    def __init__(self, kind: str, place: str) -> None:
        super().__init__(kind)
        self.kind = kind
        self.place = place


def _as_text(value: Any, place: str) -> str:
    """A cell that ought to be one text; parts, such as Telegram's, are joined.

    Raises:
        _CellError: It holds something else.
    """
    if not isinstance(value, list | tuple):
        return _part(value, place)
    parts = [_part(_content(part), f"{place}[{position}]") for position, part in enumerate(value)]
    # Parts with a format bring their own spaces; words and paragraphs do not.
    return ("" if any(isinstance(part, dict) for part in value) else " ").join(parts)


def _content(part: Any) -> Any:
    return part["text"] if isinstance(part, dict) and "text" in part else part


def _part(value: Any, place: str) -> str:
    if isinstance(value, dict | list | tuple):
        raise _CellError("a nested value where a text was expected", place)
    if isinstance(value, bytes):
        raise _CellError("bytes that are no UTF-8", place)
    return _as_string(value)


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
