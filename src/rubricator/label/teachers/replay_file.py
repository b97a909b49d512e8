"""Reads answers that were generated elsewhere."""

from __future__ import annotations

from collections.abc import Iterator

from rubricator.config import Config, LlmTeacherConfig, ReplayEngineConfig
from rubricator.errors import DataError, nearest
from rubricator.label.teachers.answer_table import cell_text, replies_of_table
from rubricator.label.teachers.llm import build_task
from rubricator.label.teachers.replay import ReplayTeacher, replies_of
from rubricator.tables.reading import Row, Table, open_table
from rubricator.taxonomy import Taxonomy


def replay_teacher(
    section: LlmTeacherConfig, engine: ReplayEngineConfig, taxonomy: Taxonomy, config: Config
) -> ReplayTeacher:
    """A teacher that repeats the answers of a file; the section of the config says how they are read.

    Raises:
        ConfigError: The prompt cannot be used, or the task does not fit the taxonomy.
        DataError: The file cannot be read, lacks a column, or is no label table where it should be.
    """
    table = open_table(config.path(engine.file))
    if not (engine.id or engine.text):
        rows = [dict(row.cells) for row in _rows(table)]
        replies = replies_of_table(rows, taxonomy, place=engine.file)
        return ReplayTeacher(replies, name=section.name, place=engine.file, by_id=False)
    by_id = engine.id is not None
    name = _column(table, engine.id or engine.text or "")
    generation = _column(table, engine.generation)
    task = build_task(section, taxonomy, config.path(section.prompt) if section.prompt else None)
    pairs = ((cell_text(row.cells[name]), cell_text(row.cells[generation])) for row in _rows(table))
    replies = replies_of(task, pairs, by_id=by_id)
    return ReplayTeacher(replies, name=section.name, place=engine.file, by_id=by_id)


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
