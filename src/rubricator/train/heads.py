"""Logistic heads on the encoder's vectors: one per category, trained in seconds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from rubricator.decision import Floats
from rubricator.errors import TrainingError
from rubricator.train.examples import Examples, Vectors
from rubricator.train.logistic import Folds, fit_lines

GRID = (0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0)


@dataclass(frozen=True, slots=True)
class Heads:
    """One head per category, over raw vectors.

    Attributes:
        coef: Shape [categories, width].
        intercept: Shape [categories].
        c: Inverse regularisation strength chosen for each category, shape [categories].
        held_out: Logits of the training texts, each by heads that did not see its fold, [n, categories].
        notes: What is unusual about a category, by its index: a clause without subject.
    """

    name: ClassVar[str] = "heads"
    coef: Floats
    intercept: Floats
    c: Floats
    held_out: Floats
    notes: Mapping[int, str]

    def logits(self, examples: Examples) -> Floats:
        """Uncalibrated log-odds, shape [texts, categories]."""
        vectors = _vectors(examples).astype(np.float64)
        # One product per category: a common one would round differently when a category is added.
        columns = [vectors @ coef + bias for coef, bias in zip(self.coef, self.intercept, strict=True)]
        return np.stack(columns, axis=1)


def fit_heads(examples: Examples, *, folds: Folds, grid: Sequence[float] = GRID) -> Heads:
    """Train one logistic regression per category on the vectors.

    The vectors are centred and divided by one number, so that the grid means the same for every
    encoder; both are folded back into the heads.

    Args:
        examples: With vectors; rows of weight 0 are left out.
        folds: Fold of each row, shape [n], grouped; they choose C for each category.
        grid: Values of C, ascending.

    Raises:
        TrainingError: No vectors, or no row has weight.
    """
    vectors = _vectors(examples).astype(np.float64)
    used = vectors[examples.weights > 0]
    centre = used.mean(axis=0) if len(used) else 0.0
    scale = float(np.sqrt(((used - centre) ** 2).mean())) if len(used) else 0.0
    scale = scale or 1.0
    lines = fit_lines((vectors - centre) / scale, examples.targets, examples.weights, folds=folds, grid=grid)
    coef = lines.coef / scale
    shift = np.array([line @ centre for line in coef])
    return Heads(coef, lines.intercept - shift, lines.c, lines.held_out, lines.notes)


def _vectors(examples: Examples) -> Vectors:
    if examples.vectors is None:
        raise TrainingError(
            "Heads are trained on vectors, and these texts have none.",
            fix="Encode the texts first, or train `linear` only.",
        )
    return examples.vectors
