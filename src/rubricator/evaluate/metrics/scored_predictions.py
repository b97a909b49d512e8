"""Predictions beside the truth: what every figure, plot and mistake is computed from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rubricator.stats.arrays import Bools, Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoredPredictions:
    """One part of the texts with its truth, probabilities and decisions.

    Truth, calibrated probabilities and decisions are of shape [texts, categories].

    Attributes:
        part: Name of the part: `test`, `validation` …
        about: One sentence: what the truth is and how the predictions were made.
        groups: Group of near-duplicates of each text; intervals resample groups.
        origins: Where each text's truth comes from (`golden`, `review`, `agreement`).

    Raises:
        ValueError: Shapes disagree, or a probability is not a number from 0 to 1.
    """

    part: str
    about: str
    ids: Sequence[str]
    contents: Sequence[str]
    groups: Sequence[str]
    truth: Bools
    probabilities: Floats
    decisions: Bools
    origins: Sequence[str]

    def __post_init__(self) -> None:
        lengths = {len(self.ids), len(self.contents), len(self.groups), len(self.origins), len(self.truth)}
        shapes = {self.truth.shape, self.probabilities.shape, self.decisions.shape}
        if len(lengths) != 1 or len(shapes) != 1 or self.truth.ndim != 2:
            raise ValueError(f"part '{self.part}': lengths {lengths} and shapes {shapes} disagree")
        if self.truth.dtype != np.bool_ or self.decisions.dtype != np.bool_:
            raise ValueError(f"part '{self.part}': truth and decisions must be boolean")
        if not bool(np.all((self.probabilities >= 0) & (self.probabilities <= 1))):
            raise ValueError(f"part '{self.part}': a probability is not a number from 0 to 1")

    def __len__(self) -> int:
        return len(self.ids)
