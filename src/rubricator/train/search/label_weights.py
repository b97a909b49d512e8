"""How much labels count that no person checked, and what becomes of them before models learn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from rubricator.config import Kind, Train
from rubricator.dataset.examples import Examples
from rubricator.dataset.training_data import TrainingData
from rubricator.models.training_result import WeightTrial
from rubricator.stats.arrays import Bools, Floats, Indices
from rubricator.stats.losses import binary_cross_entropy
from rubricator.train.calibration.rule import cross_decide, fit_rule
from rubricator.train.kinds.heads import fit_lines
from rubricator.train.search.validation import ENOUGH_GOLDEN
from rubricator.train.selection import score
from rubricator.train.synthetic_rows import with_synthetic
from rubricator.train.trainers import fit
from rubricator.train.training_context import FitResult, TrainingContext

_SURE = 1e-6
WEAK_LABEL_WEIGHTS = (0.0, 0.1, 0.3, 1.0)
SURE_WEIGHTS = (0.3, 1.0)
"""Tried where texts were reviewed for being doubtful: alone, they would teach the odd corner only."""


def proxy_kind(settings: Train, *, vectors: bool = True) -> Kind:
    """The kind that answers questions about labels: the first cheap one that was named, else heads.

    Without `vectors` it is `linear`.
    """
    if not vectors:
        return "linear"
    named: Sequence[Kind] = () if settings.models == "auto" else settings.models
    return next((kind for kind in named if kind in ("heads", "linear")), "heads")


def weak_label_weight(
    data: TrainingData, targets: Floats, train: Bools, folds: Indices, context: TrainingContext
) -> tuple[float, dict[float, WeightTrial]]:
    """What agreed labels count: as told, or what serves golden texts best when they are held out."""
    setting = context.settings.weak_label_weight
    if setting != "auto":
        return setting, {}
    golden = data.unbiased[train]
    if golden.all() or golden.sum() < ENOUGH_GOLDEN:
        return 1.0, {}
    chosen = (data.golden & ~data.unbiased)[train].any()
    trials = {}
    groups = [
        group for group, judged in zip(data.examples.subset(train).groups, golden, strict=True) if judged
    ]
    for weight in SURE_WEIGHTS if chosen else WEAK_LABEL_WEIGHTS:
        counted = np.where(data.golden, 1.0, weight)
        examples = replace(data.examples, targets=targets, weights=counted).subset(train)
        learning = examples.hardened(context.space)
        logits = fit_proxy(learning, folds, context).oof_logits
        weights = golden.astype(float)
        rule = fit_rule(logits, targets[train], weights, space=context.space)
        probabilities, truth = rule.probabilities(logits)[golden], targets[train][golden]
        loss = float(binary_cross_entropy(probabilities, truth, floor=_SURE).mean())
        _, decisions = cross_decide(logits, targets[train], weights, folds, space=context.space)
        judged = score(decisions[golden], truth, weights[golden], groups, seed=context.seed)
        trials[weight] = WeightTrial(loss, judged)
    return min(trials, key=lambda weight: trials[weight].log_loss), trials


def fit_proxy(learning: Examples, folds: Indices, context: TrainingContext) -> FitResult:
    """A model of the `proxy_kind`, of heads the lines alone: it is asked often, and only for comparison.

    Raises:
        TrainingError: The examples do not allow it to be trained.
    """
    if proxy_kind(context.settings, vectors=learning.vectors is not None) == "heads":
        return with_synthetic(fit_lines)(learning, folds=folds, context=context)
    return fit("linear", learning, folds=folds, context=context)


def self_trained(
    data: TrainingData,
    targets: Floats,
    counted: Floats,
    train: Bools,
    folds: Indices,
    context: TrainingContext,
) -> Floats:
    """Agreed labels averaged, in log-probability, with what a model held out from them thinks.

    One round of self-training (Scudder, "Probability of error of some adaptive pattern-recognition
    machines", 1965): golden labels stay as they are.
    """
    learning = replace(data.examples, targets=targets, weights=counted).subset(train)
    logits = fit_proxy(learning, folds, context).oof_logits
    own = fit_rule(logits, learning.targets, learning.weights, space=context.space).probabilities(logits)
    yes, no = (
        np.sqrt(np.clip(a * b, 1e-12, 1)) for a, b in ((own, targets[train]), (1 - own, 1 - targets[train]))
    )
    blended = yes / yes.sum(axis=1, keepdims=True) if context.space.single else yes / (yes + no)
    mixed = targets.copy()
    mixed[train] = np.where(data.golden[train][:, None], targets[train], blended)
    return mixed
