"""Several models as one: the mean of their logits, each brought to scale by its own calibration."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rubricator.label_space import DecisionRule
from rubricator.models.base import Model
from rubricator.models.ensemble import EnsembleModel, blend
from rubricator.stats.arrays import Floats


def mean_of(models: Sequence[Model], rules: Sequence[DecisionRule]) -> EnsembleModel:
    """The models as one, each brought to scale by its rule."""
    weight = np.full(len(models), 1 / len(models))
    slope = np.stack([rule.slope for rule in rules])
    intercept = np.stack([rule.intercept for rule in rules])
    return EnsembleModel(tuple(models), weight, slope, intercept)


def mean_logits(ensemble: EnsembleModel, logits: Sequence[Floats]) -> Floats:
    """What the ensemble would say if its members said this, each shape [texts, categories]."""
    return blend(list(logits), ensemble.weight, ensemble.slope, ensemble.intercept)
