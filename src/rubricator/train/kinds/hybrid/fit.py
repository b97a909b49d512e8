"""Fit `hybrid`: prepare the features, go one way or both, keep the best."""

from __future__ import annotations

import importlib.util
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from rubricator.dataset.examples import Examples
from rubricator.errors import TrainingError
from rubricator.train.calibration.rule import cross_decide, fit_rule
from rubricator.train.ensembling import mean_logits, mean_of
from rubricator.train.kinds.heads import fit_heads
from rubricator.train.kinds.hybrid.columns import learn_table, too_empty
from rubricator.train.kinds.hybrid.network import fit_network
from rubricator.train.kinds.hybrid.stacking import fit_stacking
from rubricator.train.kinds.hybrid.task import HybridFit, HybridTask
from rubricator.train.logistic import Folds
from rubricator.train.requirements import require_labelled
from rubricator.train.selection import choose, metric_of, score
from rubricator.train.training_context import EarlyStoppedError, FitResult, TrainingContext

_log = logging.getLogger(__name__)

_STACKED_FOLDS = 3
_WAYS: Mapping[str, Callable[[HybridTask, FitResult], HybridFit]] = {
    "stacking": fit_stacking,
    "network": fit_network,
}


def fit_hybrid(examples: Examples, *, folds: Folds, context: TrainingContext) -> FitResult:
    """Train on text and features together.

    Args:
        examples: With vectors and features; rows of weight 0 are left out, and so are those with more
            missing features than `train.hybrid.max_missing` allows.
        folds: Fold of each row, shape [n], grouped; they choose between the ways, how long the
            networks train, and how many trees there are.
        context: Settings and seed.

    Raises:
        EarlyStoppedError: It was stopped, because it could not win.
        MissingExtraError: `way: network`, and torch is not installed.
        TrainingError: There are no features or none says anything; fewer than two categories or folds
            have texts that can be learnt from.
    """
    task, facts = _prepare(examples, folds, context)
    text = fit_heads(task.examples, folds=folds, context=context)
    ways = _go(task, text)
    if len(ways) > 1:
        ways["both"] = _both(task, list(ways.values()))
    metric = metric_of(context.settings.metric, context.space)
    targets, weights = task.examples.targets, task.examples.weights
    scores = {}
    for name, way in ways.items():
        _, decisions = cross_decide(way.oof_logits, targets, weights, folds, space=context.space)
        scores[name] = score(decisions, targets, weights)
    choice = choose(scores, metric=metric)
    won = ways[choice.name]
    facts |= {"way": choice.name, "reason": choice.reason, **won.facts}
    facts["ways"] = {name: {metric: one.merit(metric)[0]} for name, one in scores.items()}
    return FitResult(model=won.model, oof_logits=won.oof_logits, notes=text.notes, facts=facts)


def _go(task: HybridTask, text: FitResult) -> dict[str, HybridFit]:
    """Every way that is wanted and was not stopped."""
    ways: dict[str, HybridFit] = {}
    stopped: EarlyStoppedError | None = None
    for name in _ways(task):
        try:
            ways[name] = _WAYS[name](task, text)
        except EarlyStoppedError as error:
            stopped = error
    if stopped is not None and not ways:
        raise stopped
    return ways


def _both(task: HybridTask, ways: Sequence[HybridFit]) -> HybridFit:
    """The mean of the ways: they err on different texts."""
    targets, weights = task.examples.targets, task.examples.weights
    rules = [fit_rule(way.oof_logits, targets, weights, space=task.context.space) for way in ways]
    model = mean_of([way.model for way in ways], rules)
    return HybridFit(model=model, oof_logits=mean_logits(model, [way.oof_logits for way in ways]))


def _prepare(
    examples: Examples, folds: Folds, context: TrainingContext
) -> tuple[HybridTask, dict[str, object]]:
    settings = context.settings.hybrid
    require_labelled(examples.weights > 0)
    learnt = [row for row, weight in zip(examples.features, examples.weights, strict=False) if weight > 0]
    table, idle = learn_table(learnt, settings)
    numbers, missing = table.transform(examples.features)
    left_out = np.zeros(len(examples), dtype=bool)
    if settings.max_missing is not None:
        left_out = too_empty(missing, settings.max_missing) & (examples.weights > 0)
        examples = replace(examples, weights=np.where(left_out, 0.0, examples.weights))
        _log.info("%d text(s) with too many missing features are left out of training", left_out.sum())
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
