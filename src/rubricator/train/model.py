"""Every kind of model by name: fit one, or predict each text by a model that did not see it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Protocol

import numpy as np

from rubricator.decision import Floats
from rubricator.errors import TrainingError, nearest
from rubricator.progress import Progress, silent
from rubricator.train.examples import Examples
from rubricator.train.heads import fit_heads
from rubricator.train.linear import fit_linear
from rubricator.train.logistic import Folds


class FittedModel(Protocol):
    """What training produces, whatever its kind."""

    @property
    def name(self) -> str:
        """The kind: `heads` or `linear`."""

    @property
    def notes(self) -> Mapping[int, str]:
        """What is unusual about a category, by its index: a clause without subject."""

    def logits(self, examples: Examples) -> Floats:
        """Uncalibrated log-odds, shape [texts, categories]."""


class Trainer(Protocol):
    """Fits one kind of model."""

    def __call__(self, examples: Examples, *, folds: Folds) -> FittedModel:
        """Train on the rows with weight, hyper-parameters chosen by the grouped `folds`, shape [n]."""


TRAINERS: Mapping[str, Trainer] = MappingProxyType({"heads": fit_heads, "linear": fit_linear})


def fit(name: str, examples: Examples, *, folds: Folds) -> FittedModel:
    """Train the kind of model called `name`.

    Args:
        name: `heads` or `linear`.
        examples: Rows of weight 0 are left out.
        folds: Fold of each row, shape [n], grouped; they choose the hyper-parameters.

    Raises:
        TrainingError: Unknown kind, or the examples do not allow it to be trained.
    """
    if name not in TRAINERS:
        raise TrainingError(
            f"There is no kind of model '{name}'{nearest(name, TRAINERS)}.",
            fix=f"Choose among {', '.join(TRAINERS)} in `train.models`.",
        )
    return TRAINERS[name](examples, folds=folds)


def cross_fit(name: str, examples: Examples, folds: Folds, *, progress: Progress = silent) -> Floats:
    """Log-odds of every text by a model that saw neither it nor its fold.

    Hyper-parameters are chosen inside, by the remaining folds, so nothing of a fold reaches the
    model that predicts it (Stone, "Cross-validatory choice", 1974).

    Args:
        name: `heads` or `linear`.
        examples: Rows of weight 0 are predicted but never trained on.
        folds: Fold of each row, shape [n], grouped; at least two different ones.
        progress: Told of every fold.

    Returns:
        Logits, shape [n, categories].

    Raises:
        TrainingError: Unknown kind, a single fold, or no labelled text outside some fold.
    """
    names = np.unique(folds)
    if len(names) < 2:
        raise TrainingError(
            "All texts are in one fold, so no model could be trained without them.",
            fix="Label more texts: each fold needs at least one group of its own.",
        )
    logits = np.empty(examples.targets.shape)
    with progress(f"cross-fitting {name}", total=len(names)) as done:
        for held in names:
            inside, outside = folds != held, folds == held
            model = fit(name, examples.subset(inside), folds=folds[inside])
            logits[outside] = model.logits(examples.subset(outside))
            done(1)
    return logits
