"""What `rubricator label` shows beside its stage: the plan, the teachers' report, and the table of labels."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from pathlib import Path

from rubricator.config import EncoderTeacherConfig, LlmTeacherConfig
from rubricator.dataset import files
from rubricator.dataset.annotations import read_annotations
from rubricator.dataset.dataset import Dataset
from rubricator.dataset.labels import read_labels
from rubricator.errors import ConfigError, nearest
from rubricator.label.asking.plan import TeacherPlan, plan_teacher
from rubricator.label.quality.report import LabelReport, label_report, report_page
from rubricator.label.teachers.answer_table import Decision, columns, decision_of_answer, label_table
from rubricator.label.teachers.factory import open_teachers
from rubricator.pages.page import write_page
from rubricator.pipeline.label import in_order_of_asking, open_store
from rubricator.pipeline.stage import Run
from rubricator.records import Answer
from rubricator.tables.reading import open_writer

REPORT = "label-report.html"


def plan(run: Run) -> list[TeacherPlan]:
    """Find out what the teachers of the config have left to do; the run's texts are read and split.

    Raises:
        EngineError: A language model is out of reach.
        StoreError: The database refused.
    """
    dataset, split = files.read_dataset(run.folder), files.read_split(run.folder)
    texts = in_order_of_asking(dataset)
    with (
        open_store(run) as store,
        open_teachers(dataset, split, run.taxonomy, run.config, progress=run.progress) as teachers,
    ):
        return [
            plan_teacher(
                one,
                texts,
                store,
                dataset.golden,
                run.taxonomy.space,
                again=run.again,
                stamp=run.taxonomy.version,
                progress=run.progress,
            )
            for one in teachers
        ]


def write_label_report(run: Run) -> LabelReport:
    """Gather the facts of a labelled run and write them as `label-report.html` into its folder.

    Raises:
        DataError: The texts have not been labelled, or the page cannot be written.
        StoreError: The database refused.
    """
    dataset = files.read_dataset(run.folder)
    annotations = read_annotations(run.folder, len(dataset.texts), run.taxonomy.keys)
    label_set = read_labels(run.folder, dataset, run.taxonomy)
    encoders = [one.name for one in run.config.label.teachers if isinstance(one, EncoderTeacherConfig)]
    answers = _answers(run, dataset, encoders)
    report = label_report(annotations, dataset, label_set, run.taxonomy, run.config, answers)
    write_page(run.file(REPORT), report_page(report))
    return report


def write_label_table(run: Run, path: Path, *, teacher: str | None = None) -> int:
    """Write the agreed labels, or one teacher's answers, of a run whose texts are labelled; count the rows.

    Beside an agreed label, `generation` holds what the language model said; of several models, a
    JSON object of what each said. The file is CSV, TSV, JSONL, Parquet or Excel, by suffix.

    Raises:
        ConfigError: No such teacher.
        DataError: The place cannot be written, or a category is called like another column.
        StoreError: The database refused.
    """
    configs = {teacher.name: teacher for teacher in run.config.label.teachers}
    if teacher is not None and teacher not in configs:
        raise ConfigError(
            f"There is no teacher '{teacher}'{nearest(teacher, configs)}.",
            fix=f"The teachers of the config are {', '.join(configs)}.",
        )
    models = [name for name, teacher in configs.items() if isinstance(teacher, LlmTeacherConfig)]
    dataset = files.read_dataset(run.folder)
    names = columns(run.taxonomy)
    answers = _answers(run, dataset, [teacher] if teacher else models)
    if teacher:
        decisions = {id_: decision_of_answer(a, run.taxonomy) for id_, a in answers[teacher].items()}
    else:
        labels = read_labels(run.folder, dataset, run.taxonomy).labels
        categories = {id_: label.categories for id_, label in labels.items()}
        ids = [text.id for text in dataset.texts]
        decisions = {id_: Decision(categories.get(id_), _generation(id_, answers)) for id_ in ids}
    rows = label_table(dataset.texts, decisions, run.taxonomy)
    with open_writer(path, names) as writer:
        writer.write(rows)
    return len(rows)


def _answers(run: Run, dataset: Dataset, names: Collection[str]) -> dict[str, dict[str, Answer]]:
    """Stored answers by teacher, then by text id, looked up by the keys that the label stage kept."""
    annotations = read_annotations(run.folder, len(dataset.texts), run.taxonomy.keys)
    answers = {}
    with open_store(run) as store:
        for scores in annotations.scores:
            if scores.teacher in names:
                keys = [key.decode() for key in scores.keys]
                stored = store.find([key for key in keys if key])
                pairs = zip(dataset.texts, keys, strict=True)
                answers[scores.teacher] = {text.id: stored[key] for text, key in pairs if key in stored}
    return answers


def _generation(text_id: str, answers: Mapping[str, Mapping[str, Answer]]) -> str:
    raw = {name: of[text_id].raw for name, of in answers.items() if text_id in of}
    return next(iter(raw.values()), "") if len(answers) < 2 else json.dumps(raw, ensure_ascii=False)
