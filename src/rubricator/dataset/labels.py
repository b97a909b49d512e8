"""What labelling decided, as arrays and as files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import numpy as np
import polars as pl
from pydantic import TypeAdapter

from rubricator.dataset import files
from rubricator.dataset.annotations import TeacherReport
from rubricator.dataset.dataset import Dataset
from rubricator.dataset.split import TEACHING_PARTS, DatasetSplit
from rubricator.errors import DataError
from rubricator.records import Label, Origin, Text
from rubricator.stats.arrays import Bools, Floats
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
    if not label_set.labels:
        raise DataError(
            "No text has a label: no teacher had an opinion about any of them, and no person labelled one.",
            fix="Look at the answers with `rubricator label --report`; add keywords or descriptions to the "
            "taxonomy, another teacher under `label.teachers`, or golden labels.",
        )
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
        TypeAdapter(list[TeacherReport]).validate_python(files.read_json(folder / "stages/teachers.json")),
        frozenset(row["id"] for row in rows if row["fair"]),
    )


@dataclass(frozen=True, slots=True)
class HumanLabels:
    """The labels that people gave.

    Attributes:
        known: Categories by text id: of golden texts, and of other texts that were reviewed.
        teaching: Ids of those that models may learn from.
        unbiased: Ids of those that may measure: golden texts that may teach, and reviewed ones that were
            drawn at random and shown blind. Only these correct teachers, calibrate and choose models (where
            they also teach): texts reviewed for being doubtful would make everybody look worse than they
            are, and answers given beside a suggestion better.
        reviewed: Ids of the texts that have a review and no golden label.
    """

    known: Mapping[str, tuple[str, ...]]
    teaching: frozenset[str]
    unbiased: frozenset[str]
    reviewed: frozenset[str]


def collect_human_labels(
    dataset: Dataset, split: DatasetSplit, reviews: Mapping[str, Review], taxonomy: Taxonomy
) -> HumanLabels:
    """Golden labels and reviews together; a golden label outranks a review of the same text.

    Reviews that leave a category open are left out. Reviewed texts of the test part teach nobody,
    nor do duplicates of golden texts that are measured by cross-validation.
    """
    said = {id_: label_of(review, taxonomy) for id_, review in reviews.items() if id_ not in dataset.golden}
    reviewed = {id_: categories for id_, categories in said.items() if categories is not None}
    teaching = {id_ for id_ in reviewed if split.part[id_] in TEACHING_PARTS and id_ not in split.fold}
    measuring = {
        id_ for id_ in reviewed if reviews[id_].measures and (id_ in teaching or split.part[id_] == "test")
    }
    return HumanLabels(
        known={**reviewed, **dataset.golden},
        teaching=split.teaching | teaching,
        unbiased=split.teaching | measuring,
        reviewed=frozenset(reviewed),
    )


Chosen = Literal["gain", "random"]
Shown = Literal["blind", "suggested"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """What a person said about a text.

    Attributes:
        text_id: The text that was shown.
        judged: Yes or no by category key, for every category there was.
        by: Name of the person.
        chosen: Why the text was shown: `gain` for its expected gain, `random` by lot.
        shown: `blind` if the person saw neither a suggestion nor what teachers think.
        before: The label before, as category keys; None if there was none.
        probability: Probability of that label; None if there was none.
        seconds: How long the answer took; None where nobody took the time.
        taxonomy: Version of the list that the person saw; None where that is unknown.
        when: When the person answered.
    """

    text_id: str
    judged: Mapping[str, bool]
    by: str
    chosen: Chosen
    shown: Shown = "suggested"
    before: tuple[str, ...] | None = None
    probability: float | None = None
    seconds: float | None = None
    taxonomy: str | None = None
    when: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def categories(self) -> tuple[str, ...]:
        """Keys that the person chose."""
        return tuple(key for key, yes in self.judged.items() if yes)

    @property
    def changed(self) -> bool:
        """True if the person did not confirm the label, or there was none."""
        return self.before is None or set(self.before) != set(self.categories)

    @property
    def measures(self) -> bool:
        """True if the answer tells about texts that nobody looked at: drawn by lot, and given blind.

        Suggestions shift what people say and flatter whoever made them (Schroeder et al., ACL 2025).
        """
        return self.chosen == "random" and self.shown == "blind"


def label_of(review: Review, taxonomy: Taxonomy) -> tuple[str, ...] | None:
    """The categories of a review in taxonomy order; None where it leaves some of them open."""
    values = _values(review, taxonomy)
    if not np.isfinite(values).all():
        return None
    return tuple(key for key, value in zip(taxonomy.keys, values, strict=True) if value)


def _values(review: Review, taxonomy: Taxonomy) -> Floats:
    values = np.array([review.judged.get(key, np.nan) for key in taxonomy.keys], dtype=np.float64)
    if taxonomy.single and not np.isfinite(values).all():
        holds = [key for key in review.categories if key in taxonomy.keys and key != taxonomy.none]
        values = np.array([float(key in holds) if holds else np.nan for key in taxonomy.keys])
    if taxonomy.single and not values.any():
        # Its category has left the list.
        values = np.full(len(taxonomy.keys), np.nan)
    return values
