"""The one place where synthetic texts join what a fit learns from.

Every fit is given real texts and their folds. A synthetic text joins them if each of its parents' groups is
among them with weight, all in one fold: there it lies, and is held out whenever they are. So no fit, and
no fold of one, sees a relative of a text that is held out from it, whoever holds it out.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

import numpy as np

from rubricator.dataset.examples import Examples, joined
from rubricator.dataset.synthetic_examples import SyntheticExamples
from rubricator.dataset.training_data import TrainingData
from rubricator.stats.arrays import Bools, Floats, Indices
from rubricator.train.logistic import Folds
from rubricator.train.training_context import FitResult, Trainer, TrainingContext


def with_synthetic(trainer: Trainer) -> Trainer:
    """The trainer on real texts and the synthetic ones of its context; its logits are of real texts alone."""

    def fit(examples: Examples, *, folds: Folds, context: TrainingContext) -> FitResult:
        if context.synthetic is None:
            return trainer(examples, folds=folds, context=context)
        real = len(examples)
        found = joining(context.synthetic, examples, folds)

        def should_continue(logits: Floats, rows: Bools) -> bool:
            return context.should_continue(logits[:real], rows[:real])

        inner = replace(context, synthetic=None, should_continue=should_continue)
        everyone = joined(examples, found.of(context.synthetic, examples)) if len(found.rows) else examples
        fitted = trainer(everyone, folds=np.concatenate([folds, found.folds]), context=inner)
        facts = {**fitted.facts, "synthetic_texts": len(found.rows)}
        return replace(fitted, oof_logits=fitted.oof_logits[:real], facts=facts)

    return fit


@dataclass(frozen=True, slots=True)
class Joining:
    """Synthetic texts that may join a fit: their rows, the fold of each, and what it counts there, [m]."""

    rows: Indices
    folds: Indices
    weights: Floats

    def of(self, synthetic: SyntheticExamples, real: Examples) -> Examples:
        """The rows as they join `real`: with no column that it lacks."""
        chosen = synthetic.examples.subset(self.rows)
        return replace(
            chosen,
            weights=self.weights,
            vectors=None if real.vectors is None else chosen.vectors,
            features=chosen.features if real.features else (),
        )


def joining(synthetic: SyntheticExamples, examples: Examples, folds: Folds) -> Joining:
    """Which synthetic texts may join these examples, shape [n], and in which folds.

    A child counts no more than the least of its parents, and not at all where one of them does not, but for
    those that are free: these need only lie in the same fold, if they are there.
    """
    worth: dict[str, float] = {}
    places: dict[str, set[int]] = {}
    for group, weight, fold in zip(examples.groups, examples.weights.tolist(), folds.tolist(), strict=True):
        worth[group] = max(worth.get(group, 0.0), weight)
        places.setdefault(group, set()).add(fold)
    found: list[tuple[int, int, float]] = []
    for row, family in enumerate(synthetic.relatives):
        holding = [group for group in family if group not in synthetic.free]
        least = min((worth.get(group, 0.0) for group in holding), default=0.0)
        where = set[int]().union(*(places.get(group, ()) for group in family))
        if least > 0 and len(where) == 1:
            found.append((row, where.pop(), least))
    rows = np.array([row for row, _, _ in found], dtype=np.intp)
    weights = np.array([least for _, _, least in found]) * synthetic.examples.weights[rows]
    return Joining(rows, np.array([fold for _, fold, _ in found], dtype=np.intp), weights)


def synthetic_for(data: TrainingData, train: Bools, counted: Bools) -> SyntheticExamples | None:
    """The synthetic texts of a training on the texts `train`, of which the labels of `counted` count."""
    if data.synthetic is None:
        return None
    return data.synthetic.with_free(free_groups(data.examples.groups, train, counted))


def free_groups(groups: Collection[str], train: Bools, counted: Bools) -> frozenset[str]:
    """Groups that lie in train alone and of which no label counts.

    Args:
        groups: Group of each text, whatever its part.
        train: Which texts train, shape [n].
        counted: Those of which the label counts, shape [n].
    """
    bound = {group for group, own, used in zip(groups, train, counted, strict=True) if used or not own}
    return frozenset(set(groups) - bound)
