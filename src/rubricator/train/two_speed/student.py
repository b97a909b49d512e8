"""A student that reads no vectors: what the winner thinks of texts teaches it, so no label is needed.

The probabilities of a model say more than its decisions (Hinton, Vinyals & Dean, "Distilling the knowledge in
a neural network", 2015), and of texts without a label there are plenty.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from rubricator.config import Imbalance
from rubricator.dataset.examples import Examples
from rubricator.errors import TrainingError
from rubricator.label_space import DecisionRule
from rubricator.models.base import Model
from rubricator.stats.arrays import Floats
from rubricator.train.calibration.rule import fit_rule
from rubricator.train.kinds.linear.fit import fit_linear
from rubricator.train.logistic import Folds
from rubricator.train.training_context import TrainingContext

FEWEST = 100
"""Different texts below which there are too few to learn from and to set a bar by."""


@dataclass(frozen=True, slots=True)
class Student:
    """A student, and its logits [texts, categories] of every text it learnt from by one that did not."""

    model: Model
    oof_logits: Floats
    rule: DecisionRule  # calibrates its logits against the probabilities that taught it

    def scaled(self, logits: Floats) -> Floats:
        """Calibrated log-odds, in the shape of the logits."""
        return np.asarray(logits * self.rule.slope + self.rule.intercept)


def teach_student(examples: Examples, *, folds: Folds, context: TrainingContext) -> Student:
    """Train TF-IDF under logistic regressions on soft targets.

    Raises:
        TrainingError: The texts are too few, or all alike to the model that teaches.
    """
    different = len(set(examples.groups))
    if different < FEWEST:
        raise TrainingError(
            f"There are {different:,} different texts to teach a student: too few, at least {FEWEST} must "
            "say when it may answer alone.",
            fix="Read more texts; they need no labels.",
        )
    decided = context.space.decide(examples.targets)
    if context.space.single and decided.any(axis=0).sum() < 2:
        raise TrainingError(
            "The model gives every training text the same category: there is nothing to teach a student.",
            fix="Label texts of other categories and train again.",
        )
    # What was done about rare categories when the model was trained is in its probabilities.
    settings = context.settings.model_copy(update={"imbalance": Imbalance()})
    fitted = fit_linear(examples, folds=folds, context=replace(context, settings=settings))
    rule = fit_rule(fitted.oof_logits, examples.targets, np.ones(len(examples)), space=context.space)
    return Student(fitted.model, fitted.oof_logits, rule)
