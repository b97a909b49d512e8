"""All texts as arrays, and what models learn from them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from rubricator.config import Config
from rubricator.dataset.examples import Examples, Vectors
from rubricator.dataset.labels import LabelSet
from rubricator.decision import Bools, Floats
from rubricator.ingest.splitting import make_folds
from rubricator.pipeline.read import Dataset
from rubricator.pipeline.split import DatasetSplit
from rubricator.records import Origin

_BY_PEOPLE = (Origin.GOLDEN, Origin.REVIEW)


@dataclass(frozen=True, slots=True)
class TrainingData:
    """All texts as arrays in one order, whatever their part.

    Attributes:
        examples: Contents, vectors, features and groups of every text; targets and weights come per road.
        golden: True where a label is a person's and may teach.
        unbiased: True where such a label may also judge (see `People`).
        part: Part of each text.
        fold: Golden fold of each text and of its duplicates, -1 elsewhere.
    """

    examples: Examples
    golden: Bools
    unbiased: Bools
    part: NDArray[np.str_]
    fold: NDArray[np.intp]


def training_data(
    dataset: Dataset, split: DatasetSplit, label_set: LabelSet, vectors: Vectors
) -> TrainingData:
    """All texts as arrays, in the order of `dataset.texts`."""
    ids = [text.id for text in dataset.texts]
    by_people = {id_ for id_, label in label_set.labels.items() if label.origin in _BY_PEOPLE}
    examples = Examples(
        contents=[text.content for text in dataset.texts],
        vectors=vectors,
        targets=np.zeros_like(label_set.targets),
        weights=np.zeros(len(ids)),
        groups=[dataset.groups[id_] for id_ in ids],
        features=[text.features for text in dataset.texts],
    )
    return TrainingData(
        examples,
        golden=np.array([id_ in by_people for id_ in ids]),
        unbiased=np.array([id_ in label_set.unbiased for id_ in ids]),
        part=np.array([split.part[id_] for id_ in ids]),
        fold=np.array([split.fold.get(id_, -1) for id_ in ids]),
    )


def harden_targets(examples: Examples, *, single: bool) -> Examples:
    """What models learn from: in single-label work decisions rather than probabilities.

    A rare category that teachers are never sure of would not once be the likeliest to a model that
    learns their doubts (compare Lee, "Pseudo-label", 2013). Calibration keeps the doubts.
    """
    if not single:
        return examples
    decided = np.eye(examples.targets.shape[1])[examples.targets.argmax(axis=1)]
    return replace(examples, targets=decided)


def spread_folds(data: TrainingData, targets: Floats, rows: Bools, config: Config) -> NDArray[np.intp]:
    """Folds of `rows` in which both all labels and the golden ones among them are spread evenly."""
    groups = [data.examples.groups[row] for row in np.flatnonzero(rows).tolist()]
    positive, golden = (targets[rows] > 0.5).astype(float), data.golden[rows][:, None].astype(float)
    strata = np.hstack([positive, positive * golden, golden])
    return make_folds(strata, groups, folds=config.split.folds, seed=config.seed)
