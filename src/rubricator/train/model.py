"""Every kind of model by name."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Protocol

from rubricator.decision import Floats
from rubricator.errors import TrainingError, nearest
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
    def held_out(self) -> Floats:
        """Logits of the training texts, each by a model that did not see its fold, [n, categories]."""

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
