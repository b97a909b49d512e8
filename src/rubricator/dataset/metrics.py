"""What a model is worth on one part of the texts: what `evaluate` measures, and export and tables read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from rubricator.dataset.files import read_json
from rubricator.dataset.goals import GoalStanding, MistakeCosts
from rubricator.stats.bootstrap import Estimate
from rubricator.stats.coverage import CoveragePoint

METRICS = "metrics.json"
"""Where figures lie in the folder of a run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CategoryMetrics:
    """How one category fares; None where a figure is undefined.

    Attributes:
        support: Texts that truly have it.
        predicted: Texts the model gave it to.
        hits: Texts that have it and got it.
        threshold: Smallest probability that assigns it; None for single-label, where the largest wins.
        precision: Of the texts that got it, the share that has it; None if none got it.
        recall: Of the texts that have it, the share that got it; None if none has it.
        f1: Harmonic mean of both, with its interval; None if no text has it.
        roc_auc: Chance that a text with it is scored above one without; None if there is only one kind.
        average_precision: Area under the precision-recall steps; None if no text has it.
        calibration_error: Expected calibration error, 10 bins of equal width (Naeini, Cooper &
            Hauskrecht, "Obtaining well calibrated probabilities using Bayesian binning", 2015).
        baseline_f1: What no skill at all reaches: F1 of giving the category to every text or, single-label,
            of drawing categories at random by their shares.
    """

    key: str
    support: int
    predicted: int
    hits: int
    threshold: float | None
    precision: float | None
    recall: float | None
    f1: Estimate
    roc_auc: float | None
    average_precision: float | None
    calibration_error: float
    baseline_f1: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PartMetrics:
    """Every figure of one part.

    Attributes:
        about: What the truth is and how the predictions were made.
        texts: How many texts the figures stand on.
        groups: How many groups of near-duplicates those are: the independent observations.
        origins: How many texts have their truth from where (`golden`, `agreement` …).
        draws: Bootstrap samples behind each interval.
        confidence: Share of them inside it.
        macro_f1: Mean F1 of the categories that occur in the truth.
        micro_f1: F1 of all decisions pooled.
        weighted_f1: Mean F1 weighted by how often each category occurs.
        micro_precision: Of all categories given, the share that is right.
        micro_recall: Of all categories that belong, the share that was given.
        subset_accuracy: Share of texts whose categories are all right.
        accuracy: The same under its usual name for single-label; None for multi-label.
        hamming_loss: Share of (text, category) decisions that are wrong.
        mean_average_precision: Mean average precision of the categories that occur.
        log_loss: Cross-entropy of a text in nats (multi-label: mean over its categories).
        calibration_error: Mean of the categories' calibration errors (class-wise: Kull et al.,
            "Beyond temperature scaling", 2019). It has no interval: resampling adds noise to the bins
            and the error only grows from it, so a percentile interval would lie beside the figure.
        mean_confidence: Mean probability that the model itself gives to all of a decision being right, to be
            held beside `subset_accuracy`; multi-label as if categories were independent.
        coverage: What share of texts can go without a person at which precision.
        baseline_macro_f1: Mean of the categories' `baseline_f1`.
        baseline_accuracy: Share of texts that the commonest set of categories gets right.
    """

    part: str
    about: str
    single: bool
    texts: int
    groups: int
    origins: dict[str, int]
    draws: int
    confidence: float
    macro_f1: Estimate
    micro_f1: Estimate
    weighted_f1: Estimate
    micro_precision: Estimate
    micro_recall: Estimate
    subset_accuracy: Estimate
    accuracy: Estimate | None
    hamming_loss: Estimate
    mean_average_precision: Estimate
    log_loss: Estimate
    calibration_error: float
    mean_confidence: float | None = None
    coverage: tuple[CoveragePoint, ...] = ()
    baseline_macro_f1: float | None
    baseline_accuracy: float
    categories: tuple[CategoryMetrics, ...]

    @property
    def unmeasured(self) -> tuple[str, ...]:
        """Keys of the categories that no text has: macro figures leave them out."""
        return tuple(category.key for category in self.categories if not category.support)

    def as_dict(self) -> dict[str, Any]:
        """Plain values for `metrics.json`: no NaN, nothing but what JSON knows."""
        plain = asdict(self)
        return plain | {"categories": list(plain["categories"]), "unmeasured": list(self.unmeasured)}


@dataclass(frozen=True, slots=True, kw_only=True)
class RunMetrics:
    """What programs read of `metrics.json`, which holds more for people.

    `model` is the one that was chosen, `headline` the part that counts. `parts` are figures of the procedure
    that led to the chosen model, by part; `models` those of each model by itself on the headline part.
    """

    model: str
    headline: str
    parts: Mapping[str, PartMetrics]
    models: Mapping[str, PartMetrics]
    goals: tuple[GoalStanding, ...] = ()
    costs: MistakeCosts | None = None

    @property
    def head(self) -> PartMetrics:
        """The part that counts."""
        return self.parts[self.headline]


def read_metrics(folder: Path) -> RunMetrics:
    """Read the figures in the folder of a run."""
    return TypeAdapter(RunMetrics).validate_python(read_json(folder / METRICS))
