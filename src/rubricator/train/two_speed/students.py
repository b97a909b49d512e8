"""Students that read no vectors: what the winner thinks of texts teaches them, so no label is needed.

The probabilities of a model say more than its decisions (Hinton, Vinyals & Dean, "Distilling the knowledge in
a neural network", 2015), and of texts without a label there are plenty.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from rubricator.config import Imbalance
from rubricator.dataset.examples import Examples
from rubricator.errors import MissingExtraError, TrainingError
from rubricator.label_space import DecisionRule
from rubricator.models.base import Model
from rubricator.models.ensemble import EnsembleModel
from rubricator.stats.arrays import Floats
from rubricator.train.calibration.rule import fit_rule
from rubricator.train.logistic import Folds
from rubricator.train.trainers import fit
from rubricator.train.training_context import TrainingContext

KINDS = ("static", "linear")
"""Kinds that a student may be of, the quickest first."""
FEWEST = 100
"""Texts below which there is too little to learn from and to set a bar by."""


@dataclass(frozen=True, slots=True)
class Student:
    """A student, with its logits [texts, categories] of every text it learnt from by one that did not."""

    name: str
    model: Model
    oof_logits: Floats
    rule: DecisionRule  # calibrates its logits against the probabilities that taught it


def teach_students(examples: Examples, *, folds: Folds, context: TrainingContext) -> Iterator[Student]:
    """Train a student of each kind on soft targets, and then the mean of all.

    Raises:
        EncoderError: The encoder cannot be distilled into static vectors.
        TrainingError: The texts are too few, or all alike to the model that teaches.
    """
    if len(set(examples.groups)) < FEWEST:
        raise TrainingError(
            f"There are {len(set(examples.groups)):,} different texts to teach a student: too few, at least "
            f"{FEWEST} must say when it may answer alone.",
            fix="Read more texts; they need no labels.",
        )
    decided = context.space.decide(examples.targets)
    if context.space.single and decided.any(axis=0).sum() < 2:
        raise TrainingError(
            "The model gives every training text the same category: there is nothing to teach a student.",
            fix="Label texts of other categories and train again.",
        )
    # What was done about rare categories when the teacher was trained is in its probabilities.
    context = replace(
        context, settings=context.settings.model_copy(update={"imbalance": Imbalance()}), synthetic=None
    )
    students = []
    with context.progress("Teaching students", total=len(KINDS)) as done:
        for kind in KINDS:
            try:
                fitted = fit(kind, examples, folds=folds, context=context)
            except MissingExtraError:
                if kind == KINDS[-1]:
                    raise
                continue  # without torch there is no static one
            students.append(_student(kind, fitted.model, fitted.oof_logits, examples, context))
            yield students[-1]
            done(1)
    if len(students) > 1:
        mean = EnsembleModel.mean_of([one.model for one in students], [one.rule for one in students])
        blended = mean.blend([one.oof_logits for one in students])
        yield _student(" + ".join(one.name for one in students), mean, blended, examples, context)


def _student(
    name: str, model: Model, oof_logits: Floats, examples: Examples, context: TrainingContext
) -> Student:
    rule = fit_rule(oof_logits, examples.targets, np.ones(len(examples)), space=context.space)
    return Student(name, model, oof_logits, rule)
