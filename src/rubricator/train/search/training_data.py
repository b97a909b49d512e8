"""All texts as arrays, and what models learn from them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from rubricator.config import Config
from rubricator.dataset.examples import Examples
from rubricator.dataset.training_data import TrainingData
from rubricator.stats.arrays import Bools, Floats
from rubricator.stats.folds import make_folds


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
