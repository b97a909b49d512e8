"""Fit `hybrid`: prepare the features, go one way or both, keep the best."""

from __future__ import annotations

import importlib.util
import logging
from dataclasses import replace

import numpy as np

from rubricator.dataset.examples import Examples
from rubricator.errors import TrainingError
from rubricator.models.ensemble import EnsembleModel
from rubricator.train.calibration.rule import cross_decide, fit_rule
from rubricator.train.kinds.heads import fit_lines
from rubricator.train.kinds.hybrid.columns import learn_table, too_empty
from rubricator.train.kinds.hybrid.network import fit_network
from rubricator.train.kinds.hybrid.stacking import fit_stacking
from rubricator.train.kinds.hybrid.task import HybridTask
from rubricator.train.logistic import Folds, require_labelled
from rubricator.train.selection import choose, metric_of, score
from rubricator.train.time_limit import EarlyStoppedError
from rubricator.train.training_context import FitResult, TrainingContext

_log = logging.getLogger(__name__)

_STACKED_FOLDS = 3
_WAYS = {"stacking": fit_stacking, "network": fit_network}


def fit_hybrid(examples: Examples, *, folds: Folds, context: TrainingContext) -> FitResult:
    """Train on text and features together.

    Texts with more missing features than `train.hybrid.max_missing` allows are left out. The folds choose
    between the ways, how long the networks train, and how many trees there are.

    Raises:
        EarlyStoppedError: It was stopped, because it could not win.
        MissingExtraError: `way: network`, and torch is not installed.
        TrainingError: There are no features or none says anything; fewer than two categories or folds
            have texts that can be learnt from.
    """
    task, facts = _prepare(examples, folds, context)
    text = fit_lines(task.examples, folds=folds, context=context)
    ways = _go(task, text)
    targets, weights = task.examples.targets, task.examples.judging
    if len(ways) > 1:  # they err on different texts
        rules = [fit_rule(way.oof_logits, targets, weights, space=context.space) for way in ways.values()]
        mean = EnsembleModel.mean_of([way.model for way in ways.values()], rules)
        oof_logits = mean.blend([way.oof_logits for way in ways.values()])
        ways["both"] = FitResult(model=mean, oof_logits=oof_logits)
    metric = metric_of(context.settings.metric, context.space)
    scores = {}
    for name, way in ways.items():
        _, decisions = cross_decide(way.oof_logits, targets, weights, folds, space=context.space)
        scores[name] = score(decisions, targets, weights)
    choice = choose(scores, metric=metric)
    facts |= {"way": choice.name, "reason": choice.reason, **ways[choice.name].facts}
    facts["ways"] = {name: {metric: one.merit(metric)[0]} for name, one in scores.items()}
    return replace(ways[choice.name], notes=text.notes, facts=facts)


def _go(task: HybridTask, text: FitResult) -> dict[str, FitResult]:
    ways: dict[str, FitResult] = {}
    stopped: EarlyStoppedError | None = None
    for name in _ways(task):
        try:
            ways[name] = _WAYS[name](task, text)
        except EarlyStoppedError as error:
            stopped = error
    if stopped is not None and not ways:
        raise stopped
    return ways


def _prepare(
    examples: Examples, folds: Folds, context: TrainingContext
) -> tuple[HybridTask, dict[str, object]]:
    settings = context.settings.hybrid
    require_labelled(examples.weights > 0)
    labelled = examples.subset(examples.weights > 0)
    table, idle = learn_table(labelled.features, settings)
    numbers, missing = table.transform(examples.features)
    left_out = np.zeros(len(examples), dtype=bool)
    if settings.max_missing is not None:
        left_out = too_empty(missing, settings.max_missing) & (examples.weights > 0)
        examples = replace(examples, weights=np.where(left_out, 0.0, examples.weights))
        _log.info("Left out of training, with too many missing features: %d", left_out.sum())
    task = HybridTask(
        examples=examples, table=table, numbers=numbers, missing=missing, folds=folds, context=context
    )
    _check(task, int(left_out.sum()))
    facts = {
        "columns": {column.name: column.kind for column in table.columns},
        "columns_left_out": idle,
        "rows_left_out": int(left_out.sum()),
    }
    return task, facts


def _check(task: HybridTask, left_out: int) -> None:
    weights, targets = task.examples.weights, task.examples.targets
    hint = f" ({left_out} more have too many missing features)" if left_out else ""
    fix = "Label more texts" + (", or raise `train.hybrid.max_missing`." if left_out else ".")
    if len(np.unique(task.folds[task.used])) < 2:
        raise TrainingError(
            f"The {int(task.used.sum())} texts to learn from{hint} lie in one fold, and `hybrid` needs two.",
            fix=fix,
        )
    mass = weights @ targets
    if task.context.space.single and (mass > 0).sum() < 2:
        raise TrainingError(f"All texts to learn from{hint} are of one category.", fix=fix)
    if not task.context.space.single and not ((mass > 0) & (mass < weights.sum())).any():
        raise TrainingError(f"No category has texts with and without it to learn from{hint}.", fix=fix)


def _ways(task: HybridTask) -> tuple[str, ...]:
    """The ways to go. Stacking judges a fold by opinions of texts in neither of two folds: it needs three."""
    way = task.context.settings.hybrid.way
    folds = len(np.unique(task.folds[task.used]))
    if way == "stacking" and folds < _STACKED_FOLDS:
        raise TrainingError(
            f"The texts to learn from lie in {folds} folds, and `hybrid` by stacking needs {_STACKED_FOLDS}.",
            fix="Set `split.folds: 3`, or `train.hybrid.way: network`.",
        )
    if way != "auto":
        return (way,)
    if folds < _STACKED_FOLDS:
        _log.warning("hybrid: with %d folds only the network is tried", folds)
        return ("network",)
    if importlib.util.find_spec("torch") is None:
        _log.warning("hybrid: torch is not installed, so only stacking is tried")
        return ("stacking",)
    return tuple(_WAYS)
