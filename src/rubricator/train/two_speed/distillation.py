"""A student and the model that taught it as one model, and whether it may serve."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from rubricator.config import Metric
from rubricator.dataset.examples import Examples
from rubricator.dataset.inputs import Inputs
from rubricator.errors import TrainingError
from rubricator.label_space import DecisionRule
from rubricator.models.base import Model
from rubricator.models.training_result import WORDS
from rubricator.models.two_speed import TwoSpeedModel
from rubricator.pages.formatting import percent
from rubricator.stats.arrays import Bools, Floats, Indices
from rubricator.train.logistic import Folds
from rubricator.train.training_context import TrainingContext
from rubricator.train.two_speed.alike import fit_alike
from rubricator.train.two_speed.bars import Judged, Rates, SpeedPoint, lowest_bar, speed_curve
from rubricator.train.two_speed.student import teach_student


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """What there is to teach and to judge students by.

    Attributes:
        examples: All texts, their targets being the calibrated probabilities of the model that teaches.
        decided: What that model decides, shape [texts, categories].
        learning: Rows of the texts that teach.
        judging: Rows of the texts that the bar is set on: others, or the same.
        labelled: Places among `judging` of what people labelled in a way that may measure.
        truth: What they said, shape [labelled, categories].
        unseen: What the model decides of these where it did not learn from them, same shape.
        unseen_probabilities: Likewise.
    """

    examples: Examples
    decided: Bools
    learning: Indices
    judging: Indices
    labelled: Indices
    truth: Bools
    unseen: Bools
    unseen_probabilities: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Distillation:
    """Student and slower model as one, and what every bar does.

    Attributes:
        model: At the bar in force.
        scaled: Log-odds of the student for the texts that judge, shape [judging, categories].
        rates: Of either alone.
        points: The curve, from few texts for the student to all.
        chosen: The bar in force.
    """

    model: TwoSpeedModel
    scaled: Floats
    rates: Rates
    points: tuple[SpeedPoint, ...]
    chosen: SpeedPoint

    @property
    def times(self) -> float:
        """How many times as many texts a second as the slower model alone."""
        return self.chosen.texts_per_second / self.rates.rest


def distillation(
    material: Material,
    rest: Model,
    rule: DecisionRule,
    *,
    folds: Folds,
    rate: Callable[[Model], float],
    metric: Metric,
    max_drop: float,
    context: TrainingContext,
) -> Distillation:
    """Teach a student, and set the bar from which on it may answer.

    Args:
        material: Who teaches and who judges.
        rest: The model that teaches, and answers what the student leaves.
        rule: Its calibration and thresholds.
        folds: Of the texts that teach, grouped, shape [learning].
        rate: How many texts a second a model takes.
        metric: What may fall.
        max_drop: By how much.
        context: Where and with what the student is trained.

    Raises:
        TrainingError: The texts are too few or all alike to the model that teaches, the student may answer
            none, or it makes nothing faster.
    """
    learning = material.examples.subset(material.learning)
    student = teach_student(learning, folds=folds, context=context)
    held_out = student.scaled(student.oof_logits)
    decided = material.decided[material.learning]
    alike = fit_alike(held_out, decided, threshold=rule.threshold, space=context.space)
    scaled = held_out
    if not np.array_equal(material.judging, material.learning):
        contents = material.examples.subset(material.judging).contents
        scaled = student.scaled(student.model.logits(Inputs(contents)))
    judged = Judged(
        probabilities=material.examples.targets[material.judging],
        decided=material.decided[material.judging],
        own=context.space.decide(context.space.probabilities(scaled), rule.threshold),
        alike=alike.probabilities(scaled),
        groups=[material.examples.groups[row] for row in material.judging.tolist()],
        labelled=material.labelled,
        truth=material.truth,
        unseen=material.unseen,
    )
    rates = Rates(student=rate(student.model), rest=rate(rest))
    points = speed_curve(judged, rates, metric=metric, space=context.space, seed=context.seed)
    chosen = _worthwhile(points, rates, metric=metric, max_drop=max_drop)
    model = TwoSpeedModel(
        student=student.model,
        rest=rest,
        slope=np.stack([student.rule.slope, rule.slope]),
        intercept=np.stack([student.rule.intercept, rule.intercept]),
        alike=alike,
        bar=chosen.bar,
    )
    return Distillation(model=model, scaled=scaled, rates=rates, points=points, chosen=chosen)


def _worthwhile(
    points: tuple[SpeedPoint, ...], rates: Rates, *, metric: Metric, max_drop: float
) -> SpeedPoint:
    """The lowest bar that may be, if there is one and it gains something."""
    chosen = lowest_bar(points, max_drop)
    if chosen is None:
        surest = points[0]
        bound = "an unknown share of" if surest.fall.high is None else f"{surest.fall.high:.3f}"
        raise TrainingError(
            f"No student may answer any text: left to it, even the surest {percent(surest.share)} of texts "
            f"may cost {bound} {WORDS[metric]}, and {max_drop:g} is allowed. So the encoder answers all of "
            "them, as it does in the artifact of the run.",
            fix="Allow more by `--max-accuracy-drop`, or read more texts; they need no labels.",
        )
    if chosen.texts_per_second <= rates.rest:
        raise TrainingError(
            f"A student makes it no faster: it answers {rates.student:,.0f} texts/s, the encoder "
            f"{rates.rest:,.0f}.",
            fix="Serve the artifact of the run.",
        )
    return chosen
