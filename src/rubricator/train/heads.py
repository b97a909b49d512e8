"""Logistic heads on the encoder's vectors: one per category, trained in seconds."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rubricator.errors import TrainingError
from rubricator.models.heads import HeadsModel
from rubricator.train.bench import Bench, Fitted
from rubricator.train.examples import Examples, Vectors
from rubricator.train.logistic import Folds, fit_lines

GRID = (0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0)


def fit_heads(examples: Examples, *, folds: Folds, bench: Bench, grid: Sequence[float] = GRID) -> Fitted:
    """Train one logistic regression per category on the vectors.

    The vectors are centred and divided by one number, so that the grid means the same for every
    encoder; both are folded back into the heads.

    Args:
        examples: With vectors; rows of weight 0 are left out.
        folds: Fold of each row, shape [n], grouped; they choose C for each category.
        bench: Settings.
        grid: Values of C, ascending.

    Raises:
        TrainingError: No vectors, or no row has weight.
    """
    vectors = _vectors(examples).astype(np.float64)
    used = vectors[examples.weights > 0]
    centre = used.mean(axis=0) if len(used) else 0.0
    scale = float(np.sqrt(((used - centre) ** 2).mean())) if len(used) else 0.0
    scale = scale or 1.0
    lines = fit_lines(
        (vectors - centre) / scale,
        examples.targets,
        examples.weights,
        folds=folds,
        grid=grid,
        imbalance=bench.settings.imbalance,
        single=bench.single,
    )
    coef = lines.coef / scale
    shift = np.array([line @ centre for line in coef])
    model = HeadsModel(coef, lines.intercept - shift)
    return Fitted(model=model, held_out=lines.held_out, notes=lines.notes, facts={"c": lines.c.tolist()})


def _vectors(examples: Examples) -> Vectors:
    if examples.vectors is None:
        raise TrainingError(
            "Heads are trained on vectors, and these texts have none.",
            fix="Encode the texts first, or train `linear` only.",
        )
    return examples.vectors
