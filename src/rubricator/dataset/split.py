"""Which text serves what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from rubricator.config import Part
from rubricator.dataset.dataset import Dataset
from rubricator.stats.arrays import Floats
from rubricator.taxonomy import Taxonomy

SplitPart = Part | Literal["left_out"]
SplitBy = Literal["given", "time", "golden", "random"]
TEACHING_PARTS = frozenset[SplitPart]({"train", "validation"})
"""Parts whose labels may teach."""


@dataclass(frozen=True, slots=True)
class DatasetSplit:
    """Which text serves what.

    Attributes:
        part: By text id; `left_out` for texts whose near-duplicates lie on
            both sides of the boundary in time: they serve nothing.
        fold: Fold of the golden cross-validation by text id, for golden texts outside test and
            their duplicates; empty if golden texts do not train, or test has enough of them.
        teaching: Golden texts that may set thresholds and train models, by id.
        by: What divided them: the input, time, the golden set (which is the test), or chance.
        validation: `folds` (cross-fitted on train) or `part`.
        notes: How it was done, as sentences.
    """

    part: Mapping[str, SplitPart]
    fold: Mapping[str, int]
    teaching: frozenset[str]
    by: SplitBy
    validation: str
    notes: tuple[str, ...]


def golden_targets(dataset: Dataset, taxonomy: Taxonomy) -> Floats:
    """Golden labels as a 0/1 matrix, shape [texts, categories]; rows without one are zero."""
    rows = [dataset.golden.get(text.id, ()) for text in dataset.texts]
    return taxonomy.space.indicators(rows).astype(np.float64)
