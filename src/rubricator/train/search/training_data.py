"""All texts as arrays, and what models learn from them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rubricator.config import Config
from rubricator.dataset.training_data import TrainingData
from rubricator.stats.arrays import Bools, Floats
from rubricator.stats.folds import make_folds


def spread_folds(data: TrainingData, targets: Floats, rows: Bools, config: Config) -> NDArray[np.intp]:
    """Folds of `rows` in which both all labels and the golden ones among them are spread evenly."""
    groups = [data.examples.groups[row] for row in np.flatnonzero(rows).tolist()]
    positive, golden = (targets[rows] > 0.5).astype(float), data.golden[rows][:, None].astype(float)
    strata = np.hstack([positive, positive * golden, golden])
    return make_folds(strata, groups, folds=config.split.folds, seed=config.seed)
