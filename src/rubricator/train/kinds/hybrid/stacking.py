"""The stacking way of `hybrid`: gradient boosting over opinions of text models, main axes and features.

The trees never see the opinion of a model about a text it was trained on: while a fold is held out,
opinions come from models that saw neither it nor the text's own fold (Wolpert, "Stacked
generalization", 1992).
"""

from __future__ import annotations

import logging

import numpy as np

from rubricator.errors import TrainingError
from rubricator.models.features import weighted_sums
from rubricator.models.stacking import StackingModel
from rubricator.stats.arrays import Floats
from rubricator.train.kinds.hybrid.base_learners import BaseLearners, main_axes, term_learner, vector_learner
from rubricator.train.kinds.hybrid.boosting import boost
from rubricator.train.kinds.hybrid.task import HybridTask
from rubricator.train.training_context import FitResult

_log = logging.getLogger(__name__)

_AXES = 32
_ROUNDS = 60
_EVERY = 10  # rounds between those that are compared
_DENSE = 6000  # texts up to which all pairs of them fit into memory, some 300 MB


def fit_stacking(task: HybridTask, text: FitResult) -> FitResult:
    """Boost trees; how many rounds, the held-out loss of the folds says.

    `text` are heads on the same vectors: they answer for texts without features.

    Raises:
        EarlyStoppedError: It was stopped, because it could not win.
    """
    folds = np.unique(task.folds)
    with task.context.progress("Boosting", total=len(folds) + 2) as advance:
        members = _members(task)
        axes = main_axes(task.vectors, task.used, most=_AXES)
        fixed = np.hstack([weighted_sums(task.vectors, axes), task.numbers])
        advance(1)
        logits = np.zeros((_ROUNDS // _EVERY, *task.examples.targets.shape))
        for number, fold in enumerate(folds):
            numbers = np.hstack([*(one.without[int(fold)] for one in members), fixed])
            _hold_out(task, numbers, int(fold), logits)
            advance(1)
            task.check_early_stop(logits[len(logits) // 2], folds[: number + 1])
        best = int(np.argmin([task.loss(some) for some in logits]))
        rounds, oof_logits = (best + 1) * _EVERY, logits[best]
        numbers = np.hstack([*(one.oof_logits for one in members), fixed])
        trees = boost(task, numbers, np.flatnonzero(task.used), rounds=rounds).trees()
        advance(1)
    coef, intercept, oof_logits = task.text_fallback(text, oof_logits)
    model = StackingModel(
        members=tuple(one.model for one in members),
        axes=axes,
        table=task.table,
        trees=trees,
        text=coef,
        text_bias=intercept,
    )
    facts = {"rounds": rounds, "text_models": [one.model.kind for one in members]}
    return FitResult(model=model, oof_logits=oof_logits, facts=facts)


def _members(task: HybridTask) -> list[BaseLearners]:
    """Text models whose opinions the trees see; TF-IDF is left out where it cannot be had."""
    members = [vector_learner(task)]
    if len(task.examples) > _DENSE:
        return members
    try:
        return [*members, term_learner(task)]
    except TrainingError as error:
        _log.warning("stacking goes without TF-IDF: %s", error.problem)
        return members


def _hold_out(task: HybridTask, numbers: Floats, fold: int, logits: Floats) -> None:
    """Fill in the logits of one fold, [stages, n, categories], by boosters that did not see it."""
    held_out = task.folds == fold
    boosters = boost(task, numbers, np.flatnonzero(~held_out & task.used), rounds=_ROUNDS)
    logits[:, held_out] = boosters.base
    for number, stage in enumerate(boosters.stages(numbers[held_out]), start=1):
        if number % _EVERY == 0:
            logits[number // _EVERY - 1, held_out] = stage
