"""Label: teachers answer, their answers are stored, and agreement makes labels with probabilities."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from rubricator.config import Config, EncoderTeacherConfig
from rubricator.decision import Bools, Floats
from rubricator.label.agreement import agree, pool, weigh
from rubricator.label.descriptions import EncoderTeacher
from rubricator.label.measure import CategoryReport, TeacherReport, measure_teachers
from rubricator.label.opinions import Opinion, opinions_of
from rubricator.label.rules import RulesTeacher
from rubricator.label.runner import ask
from rubricator.label.teacher import Scale, Teacher
from rubricator.progress import Progress, silent
from rubricator.recipes import files
from rubricator.recipes.read import Prepared
from rubricator.recipes.split import Division, golden_targets
from rubricator.recipes.stage import Run, Stage
from rubricator.recipes.vectors import vector_cache
from rubricator.records import Answer, Label, Origin
from rubricator.store import Store
from rubricator.taxonomy import Taxonomy

Answers = Mapping[str, Mapping[str, Answer]]


@dataclass(frozen=True, slots=True)
class Labelled:
    """What was decided for every text.

    Attributes:
        labels: By text id; a text about which no teacher has an opinion has none.
        targets: Their probabilities, shape [texts, categories]; NaN where there is no label.
        decided: Their categories, same shape.
        fold_targets: Targets as they would be without the golden labels of one fold, by fold.
        reports: How each teacher, and their agreement, fares against golden texts.
    """

    labels: Mapping[str, Label]
    targets: Floats
    decided: Bools
    fold_targets: Mapping[int, Floats]
    reports: Sequence[TeacherReport]


def teachers_of(
    prepared: Prepared, taxonomy: Taxonomy, config: Config, *, progress: Progress = silent
) -> list[Teacher]:
    """The teachers that the config names.

    Raises:
        EncoderError: A teacher needs an encoder that cannot be had.
    """
    teachers: list[Teacher] = []
    for told in config.label.teachers:
        if isinstance(told, EncoderTeacherConfig):
            cache = vector_cache(config, progress=progress)
            teachers.append(
                EncoderTeacher(
                    taxonomy,
                    [text.content for text in prepared.texts],
                    partial(cache.encode, progress=progress),
                    cache.fingerprint,
                    name=told.name,
                    neighbours=told.neighbours,
                )
            )
        else:
            teachers.append(RulesTeacher(taxonomy, name=told.name))
    return teachers


def label(
    prepared: Prepared,
    division: Division,
    teachers: Sequence[Teacher],
    store: Store,
    taxonomy: Taxonomy,
    config: Config,
    *,
    progress: Progress = silent,
) -> Labelled:
    """Ask the teachers what is not stored yet, and agree on labels.

    Only golden texts that may teach (`division.teaching`) set anything; all golden texts measure.

    Raises:
        StoreError: The database refused.
    """
    answers = ask(teachers, prepared.texts, store, progress=progress)
    scales = {teacher.name: teacher.scale for teacher in teachers}
    truth = golden_targets(prepared, taxonomy) > 0.5
    agreeing = _Agreeing(prepared, taxonomy, answers, scales, truth, config.seed)
    rows = {text.id: row for row, text in enumerate(prepared.texts)}
    teaching = {rows[id_] for id_ in division.teaching}
    labels = {found.text_id: found for found in agreeing.labels(teaching)}
    fold_targets = {}
    for fold in sorted(set(division.fold.values())):
        away = {rows[id_] for id_, of in division.fold.items() if of == fold}
        fold_targets[fold] = _targets(agreeing.labels(teaching - away), prepared, taxonomy)
    targets = _targets(list(labels.values()), prepared, taxonomy)
    return Labelled(
        labels, targets, _decided(labels, prepared, taxonomy), fold_targets, agreeing.reports(teaching)
    )


@dataclass(frozen=True, slots=True)
class _Agreeing:
    """Everything agreement needs but the golden texts that may set things."""

    prepared: Prepared
    taxonomy: Taxonomy
    answers: Answers
    scales: Mapping[str, Scale]
    truth: Bools
    seed: int

    def opinions(self, teaching: Collection[int]) -> tuple[list[Opinion], dict[str, Floats]]:
        """Opinions and the weight of each teacher's word, set by the golden rows `teaching`."""
        known = {row: self.truth[row] for row in sorted(teaching)}
        opinions = opinions_of(
            self.answers,
            self.scales,
            self.prepared.texts,
            self.taxonomy,
            truth=known,
            groups=[self.prepared.groups[text.id] for text in self.prepared.texts],
            seed=self.seed,
        )
        return opinions, weigh(opinions, known, self.taxonomy)

    def labels(self, teaching: Collection[int]) -> list[Label]:
        """Labels of all texts: golden ones of the rows `teaching`, agreed ones elsewhere."""
        opinions, weights = self.opinions(teaching)
        texts, golden = self.prepared.texts, self.prepared.golden
        taught = {texts[row].id: golden[texts[row].id] for row in teaching}
        return agree(opinions, texts, self.taxonomy, taught, weights=weights)

    def reports(self, teaching: Collection[int]) -> list[TeacherReport]:
        """Each teacher and their agreement against all golden texts."""
        opinions, weights = self.opinions(teaching)
        agreed = pool(opinions, self.taxonomy, weights=weights)
        rows = [row for row, text in enumerate(self.prepared.texts) if text.id in self.prepared.golden]
        if not rows:
            return []
        return measure_teachers([*opinions, agreed], {row: self.truth[row] for row in rows}, self.taxonomy)


def _targets(labels: Collection[Label], prepared: Prepared, taxonomy: Taxonomy) -> Floats:
    targets = np.full((len(prepared.texts), len(taxonomy.keys)), np.nan)
    rows = {text.id: row for row, text in enumerate(prepared.texts)}
    for found in labels:
        targets[rows[found.text_id]] = [found.probabilities[key] for key in taxonomy.keys]
    return targets


def _decided(labels: Mapping[str, Label], prepared: Prepared, taxonomy: Taxonomy) -> Bools:
    decided = np.zeros((len(prepared.texts), len(taxonomy.keys)), dtype=bool)
    for row, text in enumerate(prepared.texts):
        if text.id in labels:
            decided[row] = [key in labels[text.id].categories for key in taxonomy.keys]
    return decided


def write_labelled(folder: Path, labelled: Labelled, prepared: Prepared, taxonomy: Taxonomy) -> None:
    """Write `stages/labels.parquet` for the next stages and `labels.csv` for people."""
    keys = taxonomy.keys
    rows = [
        {
            "id": found.text_id,
            "labels": ",".join(found.categories),
            "origin": found.origin,
            "teachers": ",".join(found.teachers),
        }
        | {f"p_{key}": found.probabilities[key] for key in keys}
        for found in labelled.labels.values()
    ]
    frame = pl.DataFrame(rows)
    frame.write_parquet(folder / "stages/labels.parquet")
    titles = pl.DataFrame(
        {"id": [text.id for text in prepared.texts], "text": [text.content[:200] for text in prepared.texts]}
    )
    readable = frame.with_columns(pl.col("^p_.*$").round(4)).join(titles, on="id", how="left")
    readable.write_csv(folder / "labels.csv")
    arrays = {str(fold): targets for fold, targets in labelled.fold_targets.items()}
    np.savez_compressed(folder / "stages/fold_targets.npz", allow_pickle=False, **arrays)
    files.write_json(folder / "stages/teachers.json", [asdict(report) for report in labelled.reports])


def read_labelled(folder: Path, prepared: Prepared, taxonomy: Taxonomy) -> Labelled:
    """Read what `write_labelled` wrote."""
    rows = pl.read_parquet(folder / "stages/labels.parquet").to_dicts()
    labels = {
        row["id"]: Label(
            text_id=row["id"],
            probabilities={key: row[f"p_{key}"] for key in taxonomy.keys},
            categories=files.split_keys(row["labels"]),
            origin=Origin(row["origin"]),
            teachers=files.split_keys(row["teachers"]),
        )
        for row in rows
    }
    with np.load(folder / "stages/fold_targets.npz", allow_pickle=False) as arrays:
        fold_targets = {int(fold): arrays[fold] for fold in arrays.files}
    return Labelled(
        labels,
        _targets(list(labels.values()), prepared, taxonomy),
        _decided(labels, prepared, taxonomy),
        fold_targets,
        [_report(found) for found in files.read_json(folder / "stages/teachers.json")],
    )


def _report(found: dict[str, Any]) -> TeacherReport:
    categories = tuple(CategoryReport(**category) for category in found["categories"])
    return TeacherReport(**{**found, "categories": categories})


def _work(run: Run) -> list[str]:
    prepared, division = files.read_prepared(run.folder), files.read_division(run.folder)
    teachers = teachers_of(prepared, run.taxonomy, run.config, progress=run.progress)
    place = run.config.label.store or str(run.file("answers.sqlite"))
    with Store.open(place) as store:
        labelled = label(prepared, division, teachers, store, run.taxonomy, run.config, progress=run.progress)
    write_labelled(run.folder, labelled, prepared, run.taxonomy)
    return _lines(labelled, run.taxonomy)


def _lines(labelled: Labelled, taxonomy: Taxonomy) -> list[str]:
    mix = Counter(key for found in labelled.labels.values() for key in found.categories)
    origins = Counter(found.origin for found in labelled.labels.values())
    counts = ", ".join(f"{mix[key]:,} {key}" for key in taxonomy.keys)
    lines = [
        f"{len(labelled.labels):,} labels ("
        + ", ".join(f"{count:,} {origin}" for origin, count in sorted(origins.items()))
        + f"): {counts}"
    ]
    lines += [
        f"{report.teacher}: macro-F1 {report.macro_f1:.3f} on {report.texts} golden texts"
        for report in labelled.reports
        if report.macro_f1 is not None
    ]
    return lines


STAGE = Stage(
    name="label",
    about="Ask the teachers, store their answers, agree on labels.",
    code=("rubricator.label", "rubricator.encode", "rubricator.recipes.label", "rubricator.records"),
    depends=lambda run: {
        "config": run.config.model_dump_json(include={"label", "encode", "seed"}),
        "taxonomy": run.taxonomy.version,
    },
    after=("read", "split"),
    writes=("stages/labels.parquet", "stages/fold_targets.npz", "stages/teachers.json", "labels.csv"),
    work=_work,
)
