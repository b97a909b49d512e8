"""What both ways of `hybrid` have in common."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import logsumexp

from rubricator.dataset.examples import Examples
from rubricator.errors import TrainingError
from rubricator.models.features import FeatureTable
from rubricator.models.heads import HeadsModel
from rubricator.stats.arrays import Bools, Floats, Vectors
from rubricator.train.calibration.rule import fit_rule
from rubricator.train.logistic import Folds
from rubricator.train.time_limit import EarlyStoppedError
from rubricator.train.training_context import FitResult, TrainingContext

_SLOPES = (0.3, 0.4, 0.5, 0.6, 0.7, 0.85, 1.0, 1.2, 1.4, 1.7, 2.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class HybridTask:
    """What a way is given."""

    examples: Examples  # with vectors and features
    table: FeatureTable
    numbers: Floats  # the features as numbers, [n, numbers], NaN where missing
    missing: Bools  # which cells are missing, [n, columns]
    folds: Folds  # [n]
    context: TrainingContext

    @property
    def used(self) -> Bools:
        """Which rows are learnt from, shape [n]."""
        return self.examples.weights > 0

    @property
    def vectors(self) -> Vectors:
        """The vectors of the texts, or a `TrainingError` where there are none."""
        if self.examples.vectors is None:
            raise TrainingError(
                "`hybrid` looks at the vectors of the texts, and these texts have none.",
                fix="Encode the texts first, or train `linear` only.",
            )
        return self.examples.vectors

    def check_early_stop(self, logits: Floats, folds: Folds) -> None:
        """Raise `EarlyStoppedError` if the held-out logits of these folds say that it cannot win."""
        if not self.context.should_continue(logits, np.isin(self.folds, folds)):
            raise EarlyStoppedError("`hybrid` was stopped: it could not win any more.")

    def loss(self, logits: Floats) -> float:
        """Mean log-loss of logits at their best temperature: a timid model is not to be blamed for it."""
        judged = self.examples.judging > 0
        targets, weights = self.examples.targets[judged], self.examples.judging[judged]

        def loss(z: Floats) -> float:
            if self.context.space.single:
                losses = targets.sum(axis=1) * logsumexp(z, axis=1) - (targets * z).sum(axis=1)
            else:
                losses = (np.logaddexp(0, z) - targets * z).sum(axis=1)
            return float(weights @ losses / weights.sum())

        return min(loss(slope * logits[judged]) for slope in _SLOPES)

    def text_fallback(self, text: FitResult, both: Floats) -> tuple[Floats, Floats, Floats]:
        """Heads that answer for texts without features, on the scale of text and features.

        After one calibration for both, such a text still gets honest probabilities. Returned are weights,
        intercepts, and held-out logits: those of `both` and, where a text has no feature, of these heads.
        """
        targets, weights = self.examples.targets, self.examples.judging
        alone, joint = (
            fit_rule(z, targets, weights, space=self.context.space) for z in (text.oof_logits, both)
        )
        slope = alone.slope / joint.slope
        intercept = (alone.intercept - joint.intercept) / joint.slope
        heads = text.model
        assert isinstance(heads, HeadsModel)
        blank = np.asarray(self.missing.all(axis=1))[:, None]
        oof_logits = np.where(blank, text.oof_logits * slope + intercept, both)
        return heads.coef * slope[:, None], heads.intercept * slope + intercept, oof_logits
