"""Reads answers that were generated elsewhere."""

from __future__ import annotations

from collections.abc import Iterator

from rubricator.config import Config, LlmTeacherConfig, ReplayEngineConfig
from rubricator.errors import DataError, nearest
from rubricator.label.teachers.answer_table import replies_of_table
from rubricator.label.teachers.llm import build_task
from rubricator.label.teachers.replay import ReplayTeacher, replies_of
from rubricator.tables.reading import Row, Table, open_table
from rubricator.taxonomy import Taxonomy


def replay_teacher(
    told: LlmTeacherConfig, engine: ReplayEngineConfig, taxonomy: Taxonomy, config: Config
) -> ReplayTeacher:
    """A teacher that repeats the answers of a file.

    Args:
        told: How the answers are read.
        engine: Where they are.
        taxonomy: The categories.
        config: Where relative paths start.

    Raises:
        ConfigError: The prompt cannot be used, or the task does not fit the taxonomy.
        DataError: The file cannot be read, lacks a column, or is no label table where it should be.
    """
    table = open_table(config.path(engine.file))
    if not (engine.id or engine.text):
        rows = [dict(row.cells) for row in _rows(table)]
        replies = replies_of_table(rows, taxonomy, place=engine.file)
        return ReplayTeacher(replies, name=told.name, place=engine.file, by_id=False)
    by_id = engine.id is not None
    name = _column(table, engine.id or engine.text or "")
    said = _column(table, engine.generation)
    task = build_task(told, taxonomy, config.path(told.prompt) if told.prompt else None)
    pairs = ((_written(row.cells[name]), _written(row.cells[said])) for row in _rows(table))
    return ReplayTeacher(replies_of(task, pairs, by_id=by_id), name=told.name, place=engine.file, by_id=by_id)


def _rows(table: Table) -> Iterator[Row]:
    for batch in table.rows():
        for row in batch:
            if row.fault:
                raise DataError(
                    f"{table.path}, row {row.number}: {row.fault}.", fix="Correct or delete the row."
                )
            yield row


def _column(table: Table, name: str) -> str:
    if name not in table.columns:
        raise DataError(
            f"{table.path} has no column '{name}'{nearest(name, table.columns)}.",
            fix=f"Its columns are {', '.join(table.columns)}: name one of them in the teacher's engine.",
        )
    return name


def _written(cell: object) -> str:
    return "" if cell is None else str(cell)
