"""From logits to calibrated probabilities to decisions: the same arithmetic in training and in service."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, softmax

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class DecisionRule:
    """Calibration and thresholds of every category, fitted on validation only.

    Multi-label: each category has a probability of its own (Platt scaling: Platt, "Probabilistic
    outputs for support vector machines", 1999) and a threshold of its own. Single-label: the same
    scaled logits share one softmax, and the largest wins; thresholds are not used.

    Attributes:
        single: True if a text has exactly one category.
        slope: Multiplies the logit, shape [categories].
        intercept: Added to the scaled logit, shape [categories].
        threshold: Smallest probability that assigns the category, shape [categories].
    """

    single: bool
    slope: Floats
    intercept: Floats
    threshold: Floats

    def probabilities(self, logits: Floats) -> Floats:
        """Calibrated probabilities, shape [texts, categories], from logits of the same shape."""
        scaled = np.asarray(logits, dtype=np.float64) * self.slope + self.intercept
        return np.asarray(softmax(scaled, axis=1) if self.single else expit(scaled))

    def decide(self, probabilities: Floats) -> Bools:
        """Which categories each text gets, shape [texts, categories]."""
        if not self.single:
            return np.asarray(probabilities >= self.threshold)
        decisions = np.zeros(probabilities.shape, dtype=bool)
        if len(probabilities):
            decisions[np.arange(len(probabilities)), probabilities.argmax(axis=1)] = True
        return decisions

    @classmethod
    def identity(cls, categories: int, *, single: bool) -> DecisionRule:
        """The rule that leaves logits as they are and decides at one half."""
        return cls(single, np.ones(categories), np.zeros(categories), np.full(categories, 0.5))
