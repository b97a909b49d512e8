"""Training the encoder itself, whole or through low-rank adapters, with one head per category."""

from __future__ import annotations

from rubricator.dataset.examples import Examples
from rubricator.errors import MissingExtraError, TrainingError
from rubricator.label_space import LabelSpace
from rubricator.train.kinds.finetune.plan import Kind, make_plan
from rubricator.train.logistic import Folds, require_labelled
from rubricator.train.training_context import FitResult, TrainingContext

__all__ = ["fit_finetune", "fit_lora"]


def fit_finetune(examples: Examples, *, folds: Folds, context: TrainingContext) -> FitResult:
    """Train the encoder further, together with one head per category; the folds choose the number of epochs.

    What is kept in `context.folder` lets a killed run go on.

    Raises:
        EncoderError: There is no such encoder, or it cannot be trained or exported.
        EarlyStoppedError: It was stopped, because it could not win.
        MissingExtraError: torch or transformers is not installed.
        TrainingError: The examples, the settings or the memory do not allow it.
    """
    return _fit("finetune", examples, folds, context)


def fit_lora(examples: Examples, *, folds: Folds, context: TrainingContext) -> FitResult:
    """Train low-rank adapters of the encoder, merged into the encoder that comes out; see `fit_finetune`.

    It takes peft as well.
    """
    return _fit("lora", examples, folds, context)


def _fit(kind: Kind, examples: Examples, folds: Folds, context: TrainingContext) -> FitResult:
    _check(examples, folds, context.space)
    try:
        import torch  # noqa: F401
        import transformers  # noqa: F401
    except ImportError as error:
        raise MissingExtraError(
            error.name or "torch", extra="train", purpose=f"The model `{kind}`"
        ) from error
    from rubricator.train.kinds.finetune.fit import fit

    return fit(make_plan(kind, examples, context), examples, folds=folds, context=context)


def _check(examples: Examples, folds: Folds, space: LabelSpace) -> None:
    used = examples.weights > 0
    require_labelled(used)
    sides = examples.targets[used]
    constant = (sides == sides[0]).all(axis=0)
    if constant.all():
        raise TrainingError(
            f"All {used.sum()} labelled texts have the same categories, so there is nothing to tell apart.",
            fix="Label texts of other categories too"
            + ("." if space.single else ", or texts without the category."),
        )
    if len(set(folds[used].tolist())) < 2:
        raise TrainingError(
            "All labelled texts are in one fold, so none could be held out.",
            fix="Label more texts: each fold needs at least one group of its own.",
        )
