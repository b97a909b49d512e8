"""Pseudo-labels: texts without a label learn from a model's own sure answers, if that helps.

A model labels what it is sure of and is trained once more with these texts beside the labelled ones (Lee,
"Pseudo-label", 2013). Whether it helps is measured as everything is: on validation texts of which neither
model knew.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from rubricator.config import Kind
from rubricator.dataset.examples import Examples, joined
from rubricator.encode import open_trained
from rubricator.label_space import LabelSpace
from rubricator.stats.arrays import Bools, Floats, Indices
from rubricator.train.calibration.rule import fit_rule
from rubricator.train.search.validation import ValidationSet
from rubricator.train.trainers import fit
from rubricator.train.training_context import FitResult, TrainingContext

QUICK: tuple[Kind, ...] = ("linear", "static", "heads")
"""Kinds that may be trained twice for every fold where validation is cross-fitted; others take too long."""


def fit_with_pseudo_labels(
    kind: Kind,
    first: FitResult,
    learning: Examples,
    unlabelled: Examples,
    folds: Indices,
    validation_set: ValidationSet,
    context: TrainingContext,
) -> tuple[FitResult, Floats, int]:
    """Train a kind of model on labelled texts and on those it is sure of, as sure as the settings ask.

    `first` is that kind, one of `QUICK` where validation is cross-fitted, trained on the labelled texts. The
    weights of `unlabelled` say how much one of them would count.

    Returns:
        The model; logits of the validation texts, by models that knew nothing of them; and how many texts
        joined.
    """
    second, joiners = _again(kind, first, learning, unlabelled, folds, context)
    if validation_set.held_out:
        encoders = open_trained(second.encoders, context.encode)
        # What joined is told apart from the labelled texts by its place alone: behind them.
        second = replace(second, oof_logits=second.oof_logits[: len(learning)])
        return second, second.model.logits(validation_set.examples.inputs(encoders)), joiners
    logits = np.empty_like(learning.targets)
    for fold in np.unique(folds):
        away = folds == fold
        rest = replace(learning, weights=np.where(away, 0.0, learning.weights))
        blind = fit(kind, rest, folds=folds, context=context)
        taught, _ = _again(kind, blind, rest, unlabelled, folds, context)
        encoders = open_trained(taught.encoders, context.encode)
        logits[away] = taught.model.logits(learning.subset(away).inputs(encoders))
    return replace(second, oof_logits=logits), logits, joiners


def _again(
    kind: Kind,
    first: FitResult,
    learning: Examples,
    unlabelled: Examples,
    folds: Indices,
    context: TrainingContext,
) -> tuple[FitResult, int]:
    """The model trained once more, with the unlabelled texts that the first one is sure of."""
    weights = learning.weights
    rule = fit_rule(first.oof_logits, learning.targets, weights, space=context.space)
    inputs = unlabelled.inputs(open_trained(first.encoders, context.encode))
    probabilities = rule.probabilities(first.model.logits(inputs))
    sure = surely(probabilities, context.settings.pseudo_labels or 1.0, context.space)
    if not sure.any():
        return first, 0
    targets = rule.decide(probabilities[sure]).astype(np.float64)
    joining = replace(unlabelled.subset(sure), targets=targets)
    # A text that no fold ever judges may stand in any; the folds only choose hyper-parameters here.
    more = np.arange(len(joining)) % (int(folds.max()) + 1)
    everyone, all_folds = joined(learning, joining), np.concatenate([folds, more])
    return fit(kind, everyone, folds=all_folds, context=context), int(sure.sum())


def surely(probabilities: Floats, least: float, space: LabelSpace) -> Bools:
    """Which texts a model is sure of: its best category, or every yes and no, at least so probable."""
    if space.single:
        return np.asarray(probabilities.max(axis=1) >= least)
    return np.asarray(np.maximum(probabilities, 1 - probabilities).min(axis=1) >= least)
