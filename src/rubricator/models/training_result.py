"""What training hands on: models with their rules, and what each reached."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rubricator.config import Config, Metric
from rubricator.dataset.inputs import EncodeTexts
from rubricator.encode import open_trained
from rubricator.label_space import DecisionRule
from rubricator.models.base import Model
from rubricator.pages.formatting import percent
from rubricator.stats.arrays import Bools, Floats, Indices
from rubricator.stats.coverage import CoveragePoint

WORDS: Mapping[Metric, str] = {
    "macro_f1": "macro-F1",
    "weighted_f1": "weighted F1",
    "micro_f1": "micro-F1",
    "accuracy": "accuracy",
}
"""What each metric is called in sentences."""

FIGURES: Mapping[Metric, str] = {metric: metric for metric in WORDS} | {"accuracy": "subset_accuracy"}
"""What each metric is called among the figures of `stats`."""


@dataclass(frozen=True, slots=True)
class Score:
    """What a candidate reaches on validation."""

    macro_f1: float  # mean F1 of the categories that validation has; 0 if it has none
    weighted_f1: float  # the same, each category counted by its texts
    micro_f1: float  # F1 over all texts and categories together
    accuracy: float  # share of texts whose categories are all right
    texts: int  # how many texts it stands on
    intervals: Mapping[str, tuple[float, float]]  # 95 % bootstrap, by metric, over groups of texts

    def merit(self, metric: Metric) -> tuple[float, float]:
        """What candidates are ranked by: the metric, and macro-F1 among equals."""
        return float(getattr(self, metric)), self.macro_f1


@dataclass(frozen=True, slots=True)
class Choice:
    """The model that was chosen."""

    name: str
    reason: str  # why, as a sentence
    scores: Mapping[str, Score]  # what every candidate reached, best first


@dataclass(frozen=True, slots=True)
class WeightTrial:
    """How golden texts fare, held out, if labels agreed between teachers count so much."""

    log_loss: float
    score: Score


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """What is reached with so many labels of people, by the metric that models are compared by."""

    texts: int
    value: float


@dataclass(frozen=True, slots=True)
class LearningCurve:
    """How a quick model fares with ever more labels of people, and the gain that `more` of them promise."""

    points: tuple[CurvePoint, ...]
    more: int
    gain: float
    metric: Metric

    @property
    def promise(self) -> str:
        """The gain as a clause."""
        return f"{self.more} more labels of people should bring about +{self.gain:.3f} {WORDS[self.metric]}"


@dataclass(frozen=True, slots=True)
class Refitted:
    """The winner trained once more on all labelled texts, to be served in its place; nothing measures it."""

    model: Model
    encoders: Mapping[str, Path]  # folders of trained ones, by name
    texts: int  # how many it learned from
    same: float  # share of all texts that both decide alike

    @property
    def about(self) -> str:
        """What is served, and what the figures are of."""
        return (
            f"The model that is served was trained once more with all {self.texts:,} labelled texts, those "
            "of validation and test among them. The figures are those of the model before, which had seen "
            f"neither; both decide {percent(self.same)} of texts alike."
        )

    def open(self, config: Config) -> dict[str, EncodeTexts]:
        """What computes the vectors of encoders that were trained."""
        return dict(open_trained(self.encoders, config.encoding))


@dataclass(frozen=True, slots=True)
class TrainingResult:
    """All models trained on one set of examples, their rules, and which one won."""

    models: Mapping[str, Model]
    rules: Mapping[str, DecisionRule]  # calibration and thresholds of each model
    choice: Choice
    weak_label_weight: float  # what a label agreed between teachers counted beside a golden one
    weights_tried: Mapping[float, WeightTrial]  # by weight; of a quick kind, on golden texts
    seconds: Mapping[str, float]  # training time of each model
    validated_on: str  # what models were compared and calibrated on, in a sentence
    scarce: Mapping[int, str]  # what a reader must know of a category that had few texts, by its column
    encoders: Mapping[str, Path] = field(default_factory=dict)  # folders of trained ones, by name
    facts: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)  # as JSON values
    dropped: Mapping[str, str] = field(default_factory=dict)  # why a kind is not among the models
    metric: Metric = "macro_f1"  # what models were compared by
    costs: Mapping[str, Cost] = field(default_factory=dict)  # empty where nobody asked
    coverage: tuple[CoveragePoint, ...] = ()  # what share of validation the winner answers at which precision
    curve: LearningCurve | None = None  # None where too few texts are labelled by people
    # How many synthetic texts taught the models, by category and by what made them; empty where none did.
    synthetic: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    refitted: Refitted | None = None  # what is served instead of the winner, where that was asked for

    def synthetic_about(self, titles: Mapping[str, str]) -> str:
        """How many synthetic texts taught each category, as a sentence; empty where none did."""
        if not self.synthetic:
            return ""
        named = {titles.get(key, key): made for key, made in self.synthetic.items()}
        return (
            f"Synthetic texts taught beside real ones: {synthetic_words(named)}. They are in no figure here."
        )

    @property
    def served(self) -> tuple[Model, Mapping[str, Path]]:
        """The model that goes into the artifact, and the folders of encoders that were trained for it."""
        again = self.refitted
        return (self.winner, self.encoders) if again is None else (again.model, again.encoders)

    @property
    def winner(self) -> Model:
        """The model that was chosen."""
        return self.models[self.choice.name]

    @property
    def untrained(self) -> tuple[str, ...]:
        """Names of the encoders that its models look through as the config has them."""
        names = dict.fromkeys(name for model in self.models.values() for name in model.encoders)
        return tuple(name for name in names if name not in self.encoders)

    def open(self, config: Config) -> dict[str, EncodeTexts]:
        """What computes the vectors of encoders that were trained."""
        return dict(open_trained(self.encoders, config.encoding))


def synthetic_words(counts: Mapping[str, Mapping[str, int]]) -> str:
    """How many synthetic texts taught each category, as words: `Sport 30 by a language model`."""
    return ", ".join(
        f"{name} " + " and ".join(f"{number:,} {_MADE[making]}" for making, number in sorted(made.items()))
        for name, made in counts.items()
    )


_MADE = {"cheap": "by rule", "llm": "by a language model"}


@dataclass(frozen=True, slots=True)
class OutOfFoldPredictions:
    """Golden texts predicted by models that never saw them.

    If `nested`, the whole training was done anew without each fold; otherwise only the models were, and the
    choice between them has seen these texts.
    """

    rows: Indices  # their rows among the texts
    probabilities: Mapping[str, Floats]  # by model name and, under `chosen`, by the winner of each fold
    decisions: Mapping[str, Bools]  # likewise
    nested: bool = True


@dataclass(frozen=True, slots=True)
class Cost:
    """What a model costs to serve."""

    texts_per_second: float  # speed on this machine, from cleaned text to logits, in one batch
    bytes: int  # size of the model and of the encoders that it looks through
