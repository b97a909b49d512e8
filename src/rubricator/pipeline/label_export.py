"""Writes the label table: for other tools, other teams, and for reading back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from rubricator.config import LlmTeacherConfig
from rubricator.dataset import files
from rubricator.dataset.dataset import Dataset
from rubricator.dataset.labels import read_labels
from rubricator.errors import ConfigError, nearest
from rubricator.label.asking.runner import stored_answers
from rubricator.label.teachers.answer_table import Decision, columns, decision_of_answer, label_table
from rubricator.label.teachers.factory import open_teachers
from rubricator.pipeline.label import open_store
from rubricator.pipeline.stage import Run
from rubricator.records import Answer
from rubricator.store import Store
from rubricator.tables.reading import open_writer


def write_label_table(run: Run, path: Path, *, teacher: str | None = None) -> int:
    """Write the agreed labels, or one teacher's answers, of a run whose texts are labelled.

    Beside an agreed label, `generation` holds what the language model said; of several models, a
    JSON object of what each said.

    Args:
        run: Its label stage is done.
        path: CSV, TSV, JSONL, Parquet or Excel, by suffix.
        teacher: Name of a teacher of the config.

    Returns:
        Number of rows.

    Raises:
        ConfigError: No such teacher.
        DataError: The place cannot be written, or a category is called like another column.
        StoreError: The database refused.
    """
    told = {teacher.name: teacher for teacher in run.config.label.teachers}
    if teacher is not None and teacher not in told:
        raise ConfigError(
            f"There is no teacher '{teacher}'{nearest(teacher, told)}.",
            fix=f"The teachers of the config are {', '.join(told)}.",
        )
    models = [name for name, teacher in told.items() if isinstance(teacher, LlmTeacherConfig)]
    dataset = files.read_dataset(run.folder)
    names = columns(run.taxonomy)
    with open_store(run) as store:
        answers = _stored(run, dataset, store, [teacher] if teacher else models)
    if teacher:
        decisions = {id_: decision_of_answer(a, run.taxonomy) for id_, a in answers[teacher].items()}
    else:
        labels = read_labels(run.folder, dataset, run.taxonomy).labels
        decisions = {
            text.id: Decision(
                labels[text.id].categories if text.id in labels else None, _said(text.id, answers)
            )
            for text in dataset.texts
        }
    rows = label_table(dataset.texts, decisions, run.taxonomy)
    with open_writer(path, names) as writer:
        writer.write(rows)
    return len(rows)


def _stored(run: Run, dataset: Dataset, store: Store, names: list[str]) -> dict[str, dict[str, Answer]]:
    """Stored answers by teacher, then by text id; no model is asked."""
    split = files.read_split(run.folder)
    with open_teachers(dataset, split, run.taxonomy, run.config, progress=run.progress) as teachers:
        wanted = [teacher for teacher in teachers if teacher.name in names]
        return stored_answers(wanted, dataset.texts, store)


def _said(text_id: str, answers: Mapping[str, Mapping[str, Answer]]) -> str:
    said = {name: of[text_id].raw for name, of in answers.items() if text_id in of}
    return next(iter(said.values()), "") if len(answers) < 2 else json.dumps(said, ensure_ascii=False)
