"""The validation texts, and what they say of a model."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from rubricator.config import Config, Metric
from rubricator.dataset.examples import Examples
from rubricator.dataset.synthetic_examples import tied_groups
from rubricator.dataset.training_data import TrainingData
from rubricator.label_space import DecisionRule, LabelSpace
from rubricator.models.training_result import Score
from rubricator.stats.arrays import Bools, Floats, Indices
from rubricator.stats.coverage import FEWEST, CoveragePoint, coverage_points
from rubricator.stats.folds import make_folds
from rubricator.train.calibration.costs import cost_thresholds
from rubricator.train.calibration.rule import cross_decide, fit_rule
from rubricator.train.selection import chance_of_gain, score

ENOUGH_GOLDEN = 40
"""With fewer golden texts in validation, agreed labels join them there."""
_SLACK = 1.25  # how much larger than an equal share a fold may become, so that no child need be left out
_PRECISIONS = tuple(percent / 100 for percent in range(50, 100))


@dataclass(frozen=True, slots=True)
class ValidationResult:
    """What validation says of one model."""

    rule: DecisionRule  # fitted on all validation texts
    score: Score  # of decisions by rules that did not see the text
    probabilities: Floats  # by those rules, [validation texts, categories]
    decisions: Bools  # likewise


@dataclass(frozen=True, slots=True)
class ValidationSet:
    """The validation texts: what models are calibrated and compared on."""

    rows: Indices  # their rows among all texts
    examples: Examples  # their weights say how much each counts in every figure
    folds: Indices  # a decision about a text is made by a rule fitted without its fold
    held_out: bool  # whether they are a part of their own, not training texts judged by held-out logits
    about: str  # who they are, in a sentence
    space: LabelSpace
    thresholds: Floats | None  # of categories, where they follow from costs and not from these texts
    seed: int  # draws the samples that intervals come from

    def evaluate(self, logits: Floats) -> ValidationResult:
        """Rule and score of models that did not learn from these texts, by logits [texts, categories]."""
        truth, weights = self.examples.targets, self.examples.weights
        probabilities, decisions = cross_decide(
            logits, truth, weights, self.folds, space=self.space, thresholds=self.thresholds
        )
        return ValidationResult(
            fit_rule(logits, truth, weights, space=self.space, thresholds=self.thresholds),
            score(decisions, truth, weights, self.examples.groups, seed=self.seed),
            probabilities,
            decisions,
        )

    def coverage(self, result: ValidationResult, unbiased: Bools) -> tuple[CoveragePoint, ...]:
        """What share of these texts a model may answer alone if so large a share of that must be right.

        Only texts that people labelled in a way that may measure say what is right; too few say nothing.
        """
        judged = (self.examples.weights > 0) & unbiased
        if judged.sum() < FEWEST:
            return ()
        right = (result.decisions == (self.examples.targets >= 0.5)).all(axis=1)
        sureness = self.space.confidence(result.probabilities, result.decisions)
        return coverage_points(sureness[judged], right[judged], _PRECISIONS)

    def chance_of_gain(self, new: ValidationResult, old: ValidationResult, metric: Metric) -> float:
        """In what share of samples of these texts one model is better than another."""
        decisions = new.decisions, old.decisions
        truth, weights, groups = self.examples.targets, self.examples.weights, self.examples.groups
        return chance_of_gain(*decisions, truth, weights, groups, metric=metric, seed=self.seed)


def spread_folds(data: TrainingData, targets: Floats, rows: Bools, config: Config) -> Indices:
    """Folds of `rows` in which both all labels and the golden ones among them are spread evenly.

    Groups that share a synthetic child lie in one fold, as far as folds stay about equal.
    """
    groups = [data.examples.groups[row] for row in np.flatnonzero(rows).tolist()]
    if data.synthetic is not None:
        most = int(_SLACK * len(groups) / config.split.folds)
        groups = tied_groups(groups, data.synthetic.relatives, most=most)
    positive, golden = (targets[rows] > 0.5).astype(float), data.golden[rows][:, None].astype(float)
    strata = np.hstack([positive, positive * golden, golden])
    return make_folds(strata, groups, folds=config.split.folds, seed=config.seed)


def make_validation_set(
    data: TrainingData,
    everything: Examples,
    *,
    train: Bools,
    validation: Bools,
    folds: Indices,
    space: LabelSpace,
    config: Config,
) -> ValidationSet:
    """The validation part, or the training texts where there is none; golden ones alone if enough.

    `everything` are the texts with targets and weights, and `folds` those of the training rows.
    """
    apart = bool(validation.any())
    judging = validation if apart else train
    golden = data.unbiased[judging]
    if golden.sum() >= ENOUGH_GOLDEN:
        weights, who = golden.astype(float), f"{golden.sum()} texts labelled by people"
    else:
        weights = everything.weights[judging]
        weights = weights if weights.any() else np.ones(len(weights))
        who = f"{len(golden)} texts, {golden.sum()} labelled by people and the others by teachers"
    how = "held out from training" if apart else "each predicted by models that never saw it"
    return ValidationSet(
        rows=np.flatnonzero(judging),
        examples=replace(everything.subset(judging), weights=weights),
        folds=spread_folds(data, everything.targets, validation, config) if apart else folds,
        held_out=apart,
        about=f"Validation stands on {who}, {how}.",
        space=space,
        thresholds=cost_thresholds(config.decision.cost, space),
        seed=config.seed,
    )
