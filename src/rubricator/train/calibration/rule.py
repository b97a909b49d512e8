"""From logits to the decision rule: calibrated probabilities and thresholds, from validation only."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from rubricator.label_space import DecisionRule, LabelSpace
from rubricator.stats.arrays import Bools, Floats
from rubricator.stats.calibration import fit_platt, fit_temperature
from rubricator.train.calibration.thresholds import fit_thresholds
from rubricator.train.logistic import Folds


def fit_rule(
    logits: Floats,
    targets: Floats,
    weights: Floats,
    *,
    space: LabelSpace,
    thresholds: Floats | None = None,
) -> DecisionRule:
    """Calibrate every category and set its threshold, by logits [n, categories] of texts not trained on.

    Multi-label: Platt scaling and a threshold per category. Single-label: one temperature for all and
    a small bias per category. Rows of weight 0 say nothing. `thresholds` [categories] are taken as they are
    (see `cost_thresholds`); without them they are those of the largest F1.
    """
    used = weights > 0
    logits, targets, weights = logits[used], targets[used], weights[used]
    rule = DecisionRule.identity(space)
    if thresholds is not None:
        rule = replace(rule, threshold=thresholds)
    if not len(logits):
        return rule
    if space.single:
        slope, bias = fit_temperature(logits, targets, weights)
        bars = np.full(logits.shape[1], 0.5) if thresholds is None else thresholds
        return replace(rule, slope=np.full(logits.shape[1], slope), intercept=bias, threshold=bars)
    fitted = [fit_platt(z, target, weights) for z, target in zip(logits.T, targets.T, strict=True)]
    slopes, biases = (np.array(values) for values in zip(*fitted, strict=True))
    rule = replace(rule, slope=slopes, intercept=biases)
    if thresholds is not None:
        return rule
    return replace(rule, threshold=fit_thresholds(rule.probabilities(logits), targets, weights))


def cross_decide(
    logits: Floats,
    targets: Floats,
    weights: Floats,
    folds: Folds,
    *,
    space: LabelSpace,
    thresholds: Floats | None = None,
) -> tuple[Floats, Bools]:
    """Probabilities and decisions of every text, [n, categories], by a rule fitted without its fold."""
    probabilities, decisions = np.empty(logits.shape), np.zeros(logits.shape, dtype=bool)
    for fold in np.unique(folds):
        inside, outside = folds != fold, folds == fold
        rule = fit_rule(logits[inside], targets[inside], weights[inside], space=space, thresholds=thresholds)
        probabilities[outside] = rule.probabilities(logits[outside])
        decisions[outside] = rule.decide(probabilities[outside])
    return probabilities, decisions
