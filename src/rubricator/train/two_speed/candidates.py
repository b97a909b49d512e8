"""Each student with the model that taught it as one model, and the quickest of them that may serve."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
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
from rubricator.train.two_speed.students import Student, teach_students


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
class Candidate:
    """A student, what each bar does, and the lowest bar that may be; None where none may."""

    student: Student
    scaled: Floats  # its log-odds of the texts that judge, [judging, categories]
    model: TwoSpeedModel  # at the bar chosen, or where only the surest texts are the student's
    rates: Rates
    points: tuple[SpeedPoint, ...]
    chosen: SpeedPoint | None

    @property
    def point(self) -> SpeedPoint:
        """The point of the curve at which the model stands."""
        return self.chosen or self.points[0]


def candidates(
    material: Material,
    rest: Model,
    rule: DecisionRule,
    *,
    folds: Folds,
    rate: Callable[[Model], float],
    metric: Metric,
    max_drop: float,
    context: TrainingContext,
) -> Iterator[Candidate]:
    """Every student in turn, `rate` saying how many texts a second a model takes.

    Raises:
        EncoderError: The encoder cannot be distilled into static vectors.
        TrainingError: The texts are too few, or all alike to the model that teaches.
    """
    learning = material.examples.subset(material.learning)
    slower = rate(rest)
    for student in teach_students(learning, folds=folds, context=context):
        held_out = student.oof_logits * student.rule.slope + student.rule.intercept
        alike = fit_alike(
            held_out, material.decided[material.learning], threshold=rule.threshold, space=context.space
        )
        scaled = held_out
        if not np.array_equal(material.judging, material.learning):
            contents = material.examples.subset(material.judging).contents
            scaled = student.model.logits(Inputs(contents)) * student.rule.slope + student.rule.intercept
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
        rates = Rates(rate(student.model), slower)
        points = speed_curve(judged, rates, metric=metric, space=context.space, seed=context.seed)
        chosen = lowest_bar(points, max_drop)
        model = TwoSpeedModel(
            student=student.model,
            rest=rest,
            slope=np.stack([student.rule.slope, rule.slope]),
            intercept=np.stack([student.rule.intercept, rule.intercept]),
            alike=alike,
            bar=(chosen or points[0]).bar,
        )
        yield Candidate(
            student=student, scaled=scaled, model=model, rates=rates, points=points, chosen=chosen
        )


def quickest(tried: Sequence[Candidate], *, metric: Metric, max_drop: float) -> Candidate:
    """The candidate that answers most texts a second at the bar it may have.

    Raises:
        TrainingError: No candidate may answer any text, or none makes the whole faster.
    """
    allowed = [one for one in tried if one.chosen is not None]
    if not allowed:
        surest = min((one.points[0] for one in tried), key=lambda point: _bound(point))
        raise TrainingError(
            f"No student may answer any text: left to one, even the surest {percent(surest.share)} of texts "
            f"may cost {_bound(surest):.3f} {WORDS[metric]}, and {max_drop:g} is allowed. So the encoder "
            "answers all of them, as it does in the artifact of the run.",
            fix="Allow more by `--max-accuracy-drop`, or read more texts; they need no labels.",
        )
    best = max(allowed, key=lambda one: one.point.texts_per_second)
    if best.point.texts_per_second <= best.rates.rest:
        raise TrainingError(
            f"No student makes it faster: the best answers {best.rates.student:,.0f} texts/s, the encoder "
            f"{best.rates.rest:,.0f}.",
            fix="Serve the artifact of the run.",
        )
    return best


def _bound(point: SpeedPoint) -> float:
    return 1.0 if point.fall.high is None else point.fall.high
