"""What training hands on: models with their rules, and what each reached."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rubricator.config import Config, Metric
from rubricator.dataset.inputs import EncodeTexts
from rubricator.encode import open_trained
from rubricator.label_space import DecisionRule
from rubricator.models.base import Model
from rubricator.stats.arrays import Bools, Floats

WORDS: Mapping[Metric, str] = {
    "macro_f1": "macro-F1",
    "weighted_f1": "weighted F1",
    "micro_f1": "micro-F1",
    "accuracy": "accuracy",
}
"""What each metric is called in sentences."""


@dataclass(frozen=True, slots=True)
class Score:
    """What a candidate reaches on validation.

    Attributes:
        macro_f1: Mean F1 of the categories that validation has; 0 if it has none.
        weighted_f1: The same, each category counted by its texts.
        micro_f1: F1 over all texts and categories together.
        accuracy: Share of texts whose categories are all right.
        texts: How many texts it stands on.
        intervals: 95 % bootstrap interval of each metric, over groups of texts.
    """

    macro_f1: float
    weighted_f1: float
    micro_f1: float
    accuracy: float
    texts: int
    intervals: Mapping[str, tuple[float, float]]

    def merit(self, metric: Metric) -> tuple[float, float]:
        """What candidates are ranked by: the metric, and macro-F1 among equals."""
        return float(getattr(self, metric)), self.macro_f1


@dataclass(frozen=True, slots=True)
class Choice:
    """The model that was chosen.

    Attributes:
        name: Its name.
        reason: Why, as a sentence.
        scores: What every candidate reached, best first.
    """

    name: str
    reason: str
    scores: Mapping[str, Score]


@dataclass(frozen=True, slots=True)
class TrainingResult:
    """All models trained on one set of examples, their rules, and which one won.

    Attributes:
        models: By name.
        rules: Calibration and thresholds of each model.
        choice: The winner and why.
        weak_label_weight: What a label agreed between teachers counted beside a golden one.
        weights_tried: Log-loss on golden texts (cross-fitted) by agreed weight tried.
        seconds: Training time of each model.
        validated_on: What models were compared and calibrated on, in a sentence.
        scarce: What a reader must know of a category that had few texts, by its column.
        encoders: Folders of encoders that were trained, by the name under which models ask for them.
        facts: What each model tells of itself, as JSON values.
        dropped: Why a kind that was thought of is not among the models, by its name.
        metric: What models were compared by.
        costs: What each model costs to serve; empty where nobody asked.
    """

    models: Mapping[str, Model]
    rules: Mapping[str, DecisionRule]
    choice: Choice
    weak_label_weight: float
    weights_tried: Mapping[float, float]
    seconds: Mapping[str, float]
    validated_on: str
    scarce: Mapping[int, str]
    encoders: Mapping[str, Path] = field(default_factory=dict)
    facts: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    dropped: Mapping[str, str] = field(default_factory=dict)
    metric: Metric = "macro_f1"
    costs: Mapping[str, Cost] = field(default_factory=dict)

    @property
    def winner(self) -> Model:
        """The model that was chosen."""
        return self.models[self.choice.name]

    def open(self, config: Config) -> dict[str, EncodeTexts]:
        """What computes the vectors of encoders that were trained."""
        return dict(open_trained(self.encoders, config.encoding))


@dataclass(frozen=True, slots=True)
class OutOfFoldPredictions:
    """Golden texts predicted by models that never saw them.

    Attributes:
        rows: Their rows among the texts.
        probabilities: By model name and, under `chosen`, by the winner of each fold.
        decisions: Likewise.
        nested: Whether the whole training was done anew without each fold; otherwise only the models were,
            and the choice between them has seen these texts.
    """

    rows: NDArray[np.intp]
    probabilities: Mapping[str, Floats]
    decisions: Mapping[str, Bools]
    nested: bool = True


@dataclass(frozen=True, slots=True)
class Cost:
    """What a model costs to serve.

    Attributes:
        texts_per_second: Speed on this machine, from cleaned text to logits, in one batch.
        bytes: Size of the model and of the encoders that it looks through.
    """

    texts_per_second: float
    bytes: int
