"""The texts on which precisions are held against each other, and the model that decides about them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rubricator.config import Metric
from rubricator.dataset.inputs import EncodeTexts, Features, Inputs
from rubricator.label_space import DecisionRule
from rubricator.models.base import Model
from rubricator.models.training_result import FIGURES
from rubricator.records import content_hash
from rubricator.stats.arrays import Bools, Floats, Vectors
from rubricator.stats.counts import GroupedCounts


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one way of computing does to decisions.

    Attributes:
        figure: The metric on the texts whose categories are known.
        flips: Share of all texts that get other categories than in single precision.
        worst: Largest difference of a probability from that in single precision.
    """

    figure: float
    flips: float
    worst: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """A model, and texts to try precisions on; none of them is of the test part.

    Attributes:
        truth: Categories, shape [texts, categories]; nothing where they are not known.
        weights: How much each text counts in the metric; 0 where its categories are not known.
        calibration: Other texts, which ranges in 8 bits may come from.
        about: What the texts are, in a sentence.
    """

    model: Model
    rule: DecisionRule
    metric: Metric
    contents: Sequence[str]
    features: Sequence[Features]
    truth: Bools
    weights: Floats
    calibration: Sequence[str]
    about: str

    def probabilities(self, vectors: Mapping[str, Vectors]) -> Floats:
        """Calibrated probabilities by the vectors of each encoder, shape [texts, categories]."""
        inputs = Inputs(self.contents, self.features, vectors=vectors)
        return self.rule.probabilities(self.model.logits(inputs))

    def verdict(self, probabilities: Floats, reference: Floats) -> Verdict:
        """What probabilities mean beside those in single precision."""
        decisions, before = self.rule.decide(probabilities), self.rule.decide(reference)
        return Verdict(
            figure=self._figure(decisions),
            flips=float((decisions != before).any(axis=1).mean()),
            worst=float(np.abs(probabilities - reference).max()),
        )

    def classify(self, rows: NDArray[np.intp], encoders: Mapping[str, EncodeTexts]) -> Bools:
        """Decisions about some of the texts, as a service makes them."""
        contents = [self.contents[row] for row in rows.tolist()]
        features = [self.features[row] for row in rows.tolist()]
        inputs = Inputs(contents, features, encoders=encoders)
        return self.rule.decide(self.rule.probabilities(self.model.logits(inputs)))

    def fingerprint(self, reference: Floats) -> str:
        """Names all that a verdict hangs on; the last digits of probabilities differ from run to run."""
        numbers = (np.round(reference, 3), self.truth, self.weights)
        return content_hash(
            "trial:1", self.metric, *(part.tobytes().hex() for part in numbers), *self.contents
        )

    def _figure(self, decisions: Bools) -> float:
        figures = GroupedCounts(self.truth, decisions, weights=self.weights).figures()
        return float(np.nan_to_num(figures[FIGURES[self.metric]][0]))
