"""What both ways of `hybrid` have in common."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy.special import logsumexp

from rubricator.dataset.examples import Examples
from rubricator.errors import TrainingError
from rubricator.models.base import Model
from rubricator.models.features import FeatureTable, blank_rows
from rubricator.models.heads import HeadsModel
from rubricator.stats.arrays import Bools, Floats, Vectors
from rubricator.train.calibration.rule import fit_rule
from rubricator.train.logistic import Folds
from rubricator.train.training_context import EarlyStoppedError, FitResult, TrainingContext

_SLOPES = (0.3, 0.4, 0.5, 0.6, 0.7, 0.85, 1.0, 1.2, 1.4, 1.7, 2.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class HybridTask:
    """What a way is given.

    Attributes:
        examples: With vectors and features.
        table: The feature columns.
        numbers: The features as numbers, shape [n, numbers], NaN where missing.
        missing: Which cells are missing, shape [n, columns].
        folds: Fold of each row, shape [n].
        context: Settings.
    """

    examples: Examples
    table: FeatureTable
    numbers: Floats
    missing: Bools
    folds: Folds
    context: TrainingContext

    @property
    def used(self) -> Bools:
        """Which rows are learnt from, shape [n]."""
        return self.examples.weights > 0

    @property
    def vectors(self) -> Vectors:
        """The vectors of the texts.

        Raises:
            TrainingError: There are none.
        """
        if self.examples.vectors is None:
            raise TrainingError(
                "`hybrid` looks at the vectors of the texts, and these texts have none.",
                fix="Encode the texts first, or train `linear` only.",
            )
        return self.examples.vectors

    def check_early_stop(self, logits: Floats, folds: Folds) -> None:
        """Ask after a fold whether going on makes sense.

        Args:
            logits: Held-out logits, shape [n, categories].
            folds: The folds that have theirs.

        Raises:
            EarlyStoppedError: It does not.
        """
        if not self.context.should_continue(logits, np.isin(self.folds, folds)):
            raise EarlyStoppedError("`hybrid` was stopped: it could not win any more.")

    def loss(self, logits: Floats) -> float:
        """Mean log-loss of logits at their best temperature: a timid model is not to be blamed for it."""
        z = logits[self.used]
        return min(self._loss(slope * z) for slope in _SLOPES)

    def _loss(self, z: Floats) -> float:
        targets, weights = self.examples.targets[self.used], self.examples.weights[self.used]
        if self.context.space.single:
            losses = targets.sum(axis=1) * logsumexp(z, axis=1) - (targets * z).sum(axis=1)
        else:
            losses = (np.logaddexp(0, z) - targets * z).sum(axis=1)
        return float(weights @ losses / weights.sum())

    def text_fallback(self, text: FitResult, both: Floats) -> TextFallback:
        """Heads that answer for texts without features, on the scale of text and features.

        After one calibration for both, such a text still gets honest probabilities.

        Args:
            text: Heads on the vectors alone.
            both: Held-out logits of text and features, shape [n, categories].
        """
        targets, weights = self.examples.targets, self.examples.weights
        rules = (fit_rule(z, targets, weights, space=self.context.space) for z in (text.oof_logits, both))
        alone, joint = rules
        slope = alone.slope / joint.slope
        intercept = (alone.intercept - joint.intercept) / joint.slope
        heads = text.model
        assert isinstance(heads, HeadsModel)
        blank = blank_rows(self.missing)[:, None]
        return TextFallback(
            coef=heads.coef * slope[:, None],
            intercept=heads.intercept * slope + intercept,
            oof_logits=np.where(blank, text.oof_logits * slope + intercept, both),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class TextFallback:
    """Heads for texts without features.

    Attributes:
        coef: Shape [categories, width].
        intercept: Shape [categories].
        oof_logits: Held-out logits of the whole, with theirs where a text has no feature.
    """

    coef: Floats
    intercept: Floats
    oof_logits: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class HybridFit:
    """What one way came to.

    Attributes:
        model: As it is served.
        oof_logits: Logits of all rows, each by a model that did not see its fold, shape [n, categories].
        facts: What the report tells.
    """

    model: Model
    oof_logits: Floats
    facts: Mapping[str, Any] = field(default_factory=dict)
