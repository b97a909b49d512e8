"""What labelling decided, as arrays and as files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from pydantic import TypeAdapter

from rubricator.dataset import files
from rubricator.dataset.annotations import TeacherReport, read_annotations
from rubricator.dataset.dataset import Dataset
from rubricator.dataset.sources import LabelSources, read_sources, write_sources
from rubricator.records import Label, Origin, Text
from rubricator.stats.arrays import Bools, Floats
from rubricator.taxonomy import Taxonomy

_REPORTS = TypeAdapter(list[TeacherReport])


@dataclass(frozen=True, slots=True)
class LabelSet:
    """What was decided for every text; one about which no teacher has an opinion has no label.

    Attributes:
        labels: By text id; what a person said of a text stands here whether it may teach or not.
        targets: What models may learn from: the probabilities of the labels, and where a person's label may
            not teach, what the teachers agree on; shape [texts, categories], NaN where there is nothing.
        decided: Categories of the labels, same shape.
        fold_targets: Targets as they would be without the golden labels of one fold, by fold.
        reports: How each teacher, and their agreement, fares against golden texts.
    """

    labels: Mapping[str, Label]
    targets: Floats
    decided: Bools
    fold_targets: Mapping[int, Floats]
    reports: Sequence[TeacherReport]
    sources: LabelSources

    @property
    def probabilities(self) -> Floats:
        """Those of the labels, of people's too that may not teach; shape and NaN as in `targets`."""
        return np.where(self.sources.human[:, None], self.sources.categories, self.targets)


def targets_of(labels: Iterable[Label], texts: Sequence[Text], taxonomy: Taxonomy) -> Floats:
    """Probabilities of labels, shape [texts, categories]; NaN where a text has none."""
    targets = np.full((len(texts), len(taxonomy.keys)), np.nan)
    rows = {text.id: row for row, text in enumerate(texts)}
    for label in labels:
        targets[rows[label.text_id]] = [label.probabilities[key] for key in taxonomy.keys]
    return targets


def decided_of(labels: Mapping[str, Label], texts: Sequence[Text], taxonomy: Taxonomy) -> Bools:
    """Categories of labels, by text id, shape [texts, categories]; none where a text has no label."""
    rows = [labels[text.id].categories if text.id in labels else () for text in texts]
    return taxonomy.space.indicators(rows)


def write_labels(folder: Path, label_set: LabelSet, dataset: Dataset, taxonomy: Taxonomy) -> None:
    """Write `stages/labels.parquet` for the next stages and `labels.csv` for people; there is one."""
    rows = [
        {
            "id": label.text_id,
            "labels": ",".join(label.categories),
            "origin": label.origin,
            "teachers": ",".join(label.teachers),
            **{f"p_{key}": label.probabilities[key] for key in taxonomy.keys},
        }
        for label in label_set.labels.values()
    ]
    frame = pl.DataFrame(rows)
    frame.write_parquet(folder / "stages/labels.parquet")
    titles = pl.DataFrame(
        {"id": [text.id for text in dataset.texts], "text": [text.content[:200] for text in dataset.texts]}
    )
    readable = frame.with_columns(pl.col("^p_.*$").round(4)).join(titles, on="id", how="left")
    readable.write_csv(folder / "labels.csv")
    arrays = {str(fold): targets for fold, targets in label_set.fold_targets.items()}
    np.savez_compressed(folder / "stages/fold_targets.npz", allow_pickle=False, **arrays)
    reports = _REPORTS.dump_python(list(label_set.reports), mode="json")
    files.write_json(folder / "stages/teachers.json", reports)
    write_sources(folder, label_set.sources, taxonomy)


def read_labels(folder: Path, dataset: Dataset, taxonomy: Taxonomy) -> LabelSet:
    """Read what `write_labels` wrote, with what `write_annotations` wrote beside it."""
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
    sources = read_sources(folder, taxonomy)
    targets = targets_of(labels.values(), dataset.texts, taxonomy)
    agreement = read_annotations(folder, len(dataset.texts), taxonomy.keys).agreement
    measuring = sources.human & ~sources.teaches
    targets[measuring] = agreement.probabilities[measuring]
    return LabelSet(
        labels,
        targets,
        decided_of(labels, dataset.texts, taxonomy),
        fold_targets,
        _REPORTS.validate_python(files.read_json(folder / "stages/teachers.json")),
        sources,
    )
