"""Logistic heads on an encoder's vectors: one per category, trained in seconds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from rubricator.dataset.examples import Examples
from rubricator.dataset.inputs import BASE
from rubricator.errors import TrainingError
from rubricator.models.heads import HeadsModel
from rubricator.stats.arrays import Vectors
from rubricator.train.logistic import Folds, LogisticHeads, fit_logistic
from rubricator.train.training_context import FitResult, TrainingContext

GRID = (0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0)


def fit_lines(
    examples: Examples,
    *,
    folds: Folds,
    context: TrainingContext,
    grid: Sequence[float] = GRID,
    encoder: str = BASE,
) -> FitResult:
    """Train one logistic regression per category on the vectors of an encoder.

    Each has the C of `grid` (ascending) that the folds favour.

    The vectors are centred and divided by one number, so that the grid means the same for every
    encoder; both are folded back into the heads.

    Raises:
        TrainingError: No vectors, or no row has weight.
    """
    if examples.vectors is None:
        raise TrainingError(
            "Heads are trained on vectors, and these texts have none.",
            fix="Encode the texts first, or train `linear` only.",
        )
    lines = fit_centred(examples.by(encoder), examples, folds=folds, context=context, grid=grid)
    return FitResult(
        model=HeadsModel(lines.coef, lines.intercept, encoder),
        oof_logits=lines.oof_logits,
        notes=lines.notes,
        facts={"c": lines.c.tolist()},
    )


def fit_centred(
    vectors: Vectors,
    examples: Examples,
    *,
    folds: Folds,
    context: TrainingContext,
    grid: Sequence[float] = GRID,
) -> LogisticHeads:
    """Lines for vectors [n, width] that are centred and divided by one number for the fit, not for the use.

    Raises:
        TrainingError: No row has weight.
    """
    exact = vectors.astype(np.float64)
    used = exact[examples.weights > 0]
    centre = used.mean(axis=0) if len(used) else np.zeros(exact.shape[1])
    scale = (float(np.sqrt(((used - centre) ** 2).mean())) if len(used) else 0.0) or 1.0
    lines = fit_logistic(
        (exact - centre) / scale,
        examples.targets,
        examples.weights,
        folds=folds,
        grid=grid,
        imbalance=context.settings.imbalance,
        space=context.space,
        judging=examples.judging,
    )
    coef = lines.coef / scale
    return replace(lines, coef=coef, intercept=lines.intercept - np.array([line @ centre for line in coef]))
