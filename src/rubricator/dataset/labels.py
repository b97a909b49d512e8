"""What labelling decided, as arrays and as files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from rubricator.dataset import files
from rubricator.decision import Bools, Floats
from rubricator.label.quality.teacher_metrics import CategoryReport, TeacherReport
from rubricator.pipeline.read import Dataset
from rubricator.records import Label, Origin, Text
from rubricator.taxonomy import Taxonomy


@dataclass(frozen=True, slots=True)
class LabelSet:
    """What was decided for every text.

    Attributes:
        labels: By text id; a text about which no teacher has an opinion has none.
        targets: Their probabilities, shape [texts, categories]; NaN where there is no label.
        decided: Their categories, same shape.
        fold_targets: Targets as they would be without the golden labels of one fold, by fold.
        reports: How each teacher, and their agreement, fares against golden texts.
        unbiased: Ids of the texts labelled by people that may judge models (see `People`).
    """

    labels: Mapping[str, Label]
    targets: Floats
    decided: Bools
    fold_targets: Mapping[int, Floats]
    reports: Sequence[TeacherReport]
    unbiased: frozenset[str]


def targets_of(labels: Iterable[Label], texts: Sequence[Text], taxonomy: Taxonomy) -> Floats:
    """Probabilities of labels, shape [texts, categories]; NaN where a text has none."""
    targets = np.full((len(texts), len(taxonomy.keys)), np.nan)
    rows = {text.id: row for row, text in enumerate(texts)}
    for found in labels:
        targets[rows[found.text_id]] = [found.probabilities[key] for key in taxonomy.keys]
    return targets


def decided_of(labels: Mapping[str, Label], texts: Sequence[Text], taxonomy: Taxonomy) -> Bools:
    """Categories of labels, by text id, shape [texts, categories]; none where a text has no label."""
    decided = np.zeros((len(texts), len(taxonomy.keys)), dtype=bool)
    for row, text in enumerate(texts):
        if text.id in labels:
            decided[row] = [key in labels[text.id].categories for key in taxonomy.keys]
    return decided


def write_labels(folder: Path, label_set: LabelSet, dataset: Dataset, taxonomy: Taxonomy) -> None:
    """Write `stages/labels.parquet` for the next stages and `labels.csv` for people."""
    keys = taxonomy.keys
    rows = [
        {
            "id": found.text_id,
            "labels": ",".join(found.categories),
            "origin": found.origin,
            "teachers": ",".join(found.teachers),
            "fair": found.text_id in label_set.unbiased,
        }
        | {f"p_{key}": found.probabilities[key] for key in keys}
        for found in label_set.labels.values()
    ]
    frame = pl.DataFrame(rows)
    frame.write_parquet(folder / "stages/labels.parquet")
    titles = pl.DataFrame(
        {"id": [text.id for text in dataset.texts], "text": [text.content[:200] for text in dataset.texts]}
    )
    readable = frame.drop("fair").with_columns(pl.col("^p_.*$").round(4)).join(titles, on="id", how="left")
    readable.write_csv(folder / "labels.csv")
    arrays = {str(fold): targets for fold, targets in label_set.fold_targets.items()}
    np.savez_compressed(folder / "stages/fold_targets.npz", allow_pickle=False, **arrays)
    files.write_json(folder / "stages/teachers.json", [asdict(report) for report in label_set.reports])


def read_labels(folder: Path, dataset: Dataset, taxonomy: Taxonomy) -> LabelSet:
    """Read what `write_labels` wrote."""
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
    return LabelSet(
        labels,
        targets_of(labels.values(), dataset.texts, taxonomy),
        decided_of(labels, dataset.texts, taxonomy),
        fold_targets,
        [_report(found) for found in files.read_json(folder / "stages/teachers.json")],
        frozenset(row["id"] for row in rows if row["fair"]),
    )


def _report(found: dict[str, Any]) -> TeacherReport:
    categories = tuple(CategoryReport(**category) for category in found["categories"])
    return TeacherReport(**{**found, "categories": categories})
