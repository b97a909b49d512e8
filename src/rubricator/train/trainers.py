"""Every kind of model by name."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from rubricator.dataset.examples import Examples
from rubricator.errors import TrainingError, nearest
from rubricator.train.kinds.cascade.fit import fit_cascade
from rubricator.train.kinds.finetune import fit_finetune, fit_lora
from rubricator.train.kinds.heads import fit_heads
from rubricator.train.kinds.hybrid.fit import fit_hybrid
from rubricator.train.kinds.linear.fit import fit_linear
from rubricator.train.kinds.static.fit import fit_static
from rubricator.train.logistic import Folds
from rubricator.train.training_context import FitResult, Trainer, TrainingContext


def _fit_cascade(examples: Examples, *, folds: Folds, context: TrainingContext) -> FitResult:
    return fit_cascade(examples, folds=folds, context=context, fit_rest=fit)


TRAINERS: Mapping[str, Trainer] = MappingProxyType(
    {
        "heads": fit_heads,
        "linear": fit_linear,
        "static": fit_static,
        "finetune": fit_finetune,
        "lora": fit_lora,
        "cascade": _fit_cascade,
        "hybrid": fit_hybrid,
    }
)
"""Every kind by name. These modules import nothing heavy: torch and its like wait inside functions."""


def fit(name: str, examples: Examples, *, folds: Folds, context: TrainingContext) -> FitResult:
    """Train the kind of model called `name`.

    Args:
        name: One of `TRAINERS`.
        examples: Rows of weight 0 are left out.
        folds: Fold of each row, shape [n], grouped; they choose the hyper-parameters.
        context: Where, and with which settings.

    Raises:
        HopelessError: It was stopped, because it could not win.
        MissingExtraError: The kind takes a package that is not installed.
        TrainingError: Unknown kind, or the examples do not allow it to be trained.
    """
    if name not in TRAINERS:
        raise TrainingError(
            f"There is no kind of model '{name}'{nearest(name, TRAINERS)}.",
            fix=f"Choose among {', '.join(TRAINERS)} in `train.models`.",
        )
    return TRAINERS[name](examples, folds=folds, context=context)
