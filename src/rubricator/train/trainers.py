"""Every kind of model by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

import numpy as np

from rubricator.dataset.examples import Examples
from rubricator.errors import TrainingError, nearest
from rubricator.stats.arrays import Bools, Floats
from rubricator.train.kinds.cascade.fit import fit_cascade
from rubricator.train.kinds.finetune import fit_finetune, fit_lora
from rubricator.train.kinds.heads import fit_heads
from rubricator.train.kinds.hybrid.fit import fit_hybrid
from rubricator.train.kinds.linear.fit import fit_linear
from rubricator.train.kinds.static.fit import fit_static
from rubricator.train.logistic import Folds
from rubricator.train.synthetic_rows import with_synthetic
from rubricator.train.training_context import FitResult, Trainer, TrainingContext


def _fit_cascade(examples: Examples, *, folds: Folds, context: TrainingContext) -> FitResult:
    return fit_cascade(examples, folds=folds, context=context, fit_rest=fit)


def _on_weighted(trainer: Trainer) -> Trainer:
    """The trainer of a kind that encodes every text it is given: texts that count nothing are kept from it.

    Their logits are 0, which nobody looks at: they count nothing in validation either.
    """

    def fit(examples: Examples, *, folds: Folds, context: TrainingContext) -> FitResult:
        used = examples.weights > 0
        if used.all():
            return trainer(examples, folds=folds, context=context)

        def spread(logits: Floats) -> Floats:
            whole = np.zeros(examples.targets.shape)
            whole[used] = logits
            return whole

        def should_continue(logits: Floats, rows: Bools) -> bool:
            predicted = np.zeros_like(used)
            predicted[used] = rows
            return context.should_continue(spread(logits), predicted)

        inner = replace(context, should_continue=should_continue)
        fitted = trainer(examples.subset(used), folds=folds[used], context=inner)
        return replace(fitted, oof_logits=spread(fitted.oof_logits))

    return fit


TRAINERS: Mapping[str, Trainer] = MappingProxyType(
    {
        "heads": fit_heads,
        "linear": fit_linear,
        "static": fit_static,
        "finetune": _on_weighted(fit_finetune),
        "lora": _on_weighted(fit_lora),
        "cascade": _fit_cascade,
        "hybrid": fit_hybrid,
    }
)
"""Every kind by name. These modules import nothing heavy: torch and its like wait inside functions."""


def fit(name: str, examples: Examples, *, folds: Folds, context: TrainingContext) -> FitResult:
    """Train the kind of model called `name`, on the synthetic texts of the context too.

    Raises:
        EarlyStoppedError: It was stopped, because it could not win.
        MissingExtraError: The kind takes a package that is not installed.
        TrainingError: Unknown kind, or the examples do not allow it to be trained.
    """
    if name not in TRAINERS:
        raise TrainingError(
            f"There is no kind of model '{name}'{nearest(name, TRAINERS)}.",
            fix=f"Choose among {', '.join(TRAINERS)} in `train.models`.",
        )
    return with_synthetic(TRAINERS[name])(examples, folds=folds, context=context)
