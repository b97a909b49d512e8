"""What a set of decisions may look like: which categories, one of them or any number, which one is "none"."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from scipy.special import expit, logit, softmax

from rubricator.stats.arrays import Bools, Floats
from rubricator.stats.losses import EPSILON, binary_cross_entropy, categorical_cross_entropy


@dataclass(frozen=True, slots=True)
class LabelSpace:
    """The decisions that are possible, and the arithmetic that depends on it.

    Multi-label is the general case: every category has a probability of its own. Single-label is multi-label
    with a softmax and an argmax. Whatever differs between the two is a method here.

    Attributes:
        keys: Category keys, in the order of columns.
        none: Key of the category that means "none of the others", where there is one.
    """

    keys: tuple[str, ...]
    single: bool
    none: str | None = None

    @classmethod
    def of_size(cls, categories: int, *, single: bool) -> Self:
        """A space whose categories are called by their column."""
        return cls(tuple(str(column) for column in range(categories)), single)

    def __len__(self) -> int:
        return len(self.keys)

    def subset(self, keys: Sequence[str]) -> LabelSpace:
        """The same kind of decisions about some of the categories."""
        return LabelSpace(tuple(keys), self.single, self.none if self.none in keys else None)

    def indicators(self, rows: Collection[Collection[str]]) -> Bools:
        """Which categories the keys of each text name, shape [texts, categories]."""
        marks = [[key in keys for key in self.keys] for keys in rows]
        return np.array(marks, dtype=bool).reshape(len(rows), len(self.keys))

    def probabilities(self, logits: Floats) -> Floats:
        """Probabilities from log-odds, shape [texts, categories]."""
        return np.asarray(softmax(logits, axis=1) if self.single else expit(logits))

    def logits(self, probabilities: Floats) -> Floats:
        """What `probabilities` turns back: log-odds, or logarithms where categories share one softmax."""
        p = np.clip(probabilities, EPSILON, 1 - EPSILON)
        return np.asarray(np.log(p) if self.single else logit(p))

    def confidence(self, probabilities: Floats, decided: Bools) -> Floats:
        """That all of each decision is right, shape [texts]; multi-label as if independent."""
        if self.single:
            return np.asarray(np.where(decided, probabilities, 0.0).sum(axis=1))
        return np.asarray(np.where(decided, probabilities, 1 - probabilities).prod(axis=1))

    def decide(self, probabilities: Floats, thresholds: Floats | float = 0.5) -> Bools:
        """Which categories each text gets, shape [texts, categories]; a probability of NaN decides nothing.

        The thresholds, one or one each, are the least probability that assigns a category. In single-label
        the category wins that is the largest against its threshold, the first of equals: the likeliest,
        where thresholds are equal.
        """
        with np.errstate(invalid="ignore"):
            if not self.single:
                return np.asarray(probabilities >= thresholds)
            ratios = probabilities / np.maximum(thresholds, EPSILON)
        decisions = np.zeros(probabilities.shape, dtype=bool)
        if len(probabilities):
            best = np.nan_to_num(ratios, nan=-1.0).argmax(axis=1)
            decisions[np.arange(len(probabilities)), best] = True
        return decisions & np.isfinite(probabilities)

    def losses(self, probabilities: Floats, targets: Floats | Bools) -> Floats:
        """Cross-entropy of each text in nats, shape [texts]; multi-label, the mean over its categories."""
        if self.single:
            return categorical_cross_entropy(probabilities, targets)
        return np.asarray(binary_cross_entropy(probabilities, targets).mean(axis=1))

    def harden(self, targets: Floats) -> Floats:
        """What models learn from: in single-label work decisions rather than probabilities.

        A rare category that teachers are never sure of would not once be the likeliest to a model that
        learns their doubts (compare Lee, "Pseudo-label", 2013). Calibration keeps the doubts.
        """
        return self.decide(targets).astype(np.float64) if self.single else targets


@dataclass(frozen=True, slots=True)
class DecisionRule:
    """Calibration and thresholds of every category, fitted on validation only.

    Multi-label: each category has a probability of its own (Platt scaling: Platt, "Probabilistic
    outputs for support vector machines", 1999) and a threshold of its own. Single-label: the same
    scaled logits share one softmax, and the largest wins, each against its threshold.

    Attributes:
        slope: Multiplies the logit, shape [categories].
        intercept: Added to the scaled logit, shape [categories].
        threshold: Smallest probability that assigns the category, shape [categories]; single-label, all 0.5
            unless mistakes cost more of some.
    """

    space: LabelSpace
    slope: Floats
    intercept: Floats
    threshold: Floats

    def probabilities(self, logits: Floats) -> Floats:
        """Calibrated probabilities, shape [texts, categories], from logits of the same shape."""
        return self.space.probabilities(np.asarray(logits, dtype=np.float64) * self.slope + self.intercept)

    def decide(self, probabilities: Floats) -> Bools:
        """Which categories each text gets, shape [texts, categories]."""
        return self.space.decide(probabilities, self.threshold)

    @classmethod
    def identity(cls, space: LabelSpace) -> DecisionRule:
        """The rule that leaves logits as they are and decides at one half."""
        size = len(space)
        return cls(space, np.ones(size), np.zeros(size), np.full(size, 0.5))
