"""Which text serves what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from rubricator.config import Part
from rubricator.dataset.dataset import Dataset
from rubricator.stats.arrays import Floats
from rubricator.taxonomy import Taxonomy


@dataclass(frozen=True, slots=True)
class DatasetSplit:
    """Which text serves what.

    Attributes:
        part: `train`, `validation` or `test`, by text id.
        fold: Fold of the golden cross-validation by text id, for golden texts outside test and
            their duplicates; empty if golden texts do not train, or test has enough of them.
        teaching: Golden texts that may set thresholds and train models, by id.
        by: `given`, `time` or `random`.
        validation: `folds` (cross-fitted on train) or `part`.
        notes: How it was done, as sentences.
    """

    part: Mapping[str, Part]
    fold: Mapping[str, int]
    teaching: frozenset[str]
    by: str
    validation: str
    notes: tuple[str, ...]


def golden_targets(dataset: Dataset, taxonomy: Taxonomy) -> Floats:
    """Golden labels as a 0/1 matrix, shape [texts, categories]; rows without one are zero."""
    targets = np.zeros((len(dataset.texts), len(taxonomy.keys)))
    column = {key: i for i, key in enumerate(taxonomy.keys)}
    for row, text in enumerate(dataset.texts):
        for key in dataset.golden.get(text.id, ()):
            targets[row, column[key]] = 1.0
    return targets
