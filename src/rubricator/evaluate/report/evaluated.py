"""What a model is worth: what was predicted of each part, and the figures that follow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from rubricator.dataset.metrics import PartMetrics
from rubricator.evaluate.metrics.beside_teachers import BesideTeachers
from rubricator.evaluate.metrics.latency import Latency
from rubricator.evaluate.metrics.scored_predictions import ScoredPredictions
from rubricator.evaluate.report.report_data import Details


@dataclass(frozen=True, slots=True)
class Evaluated:
    """What the model is worth.

    Attributes:
        scored: Predictions of the winner beside the truth, per part; the first is the headline.
        metrics: Figures of the same parts.
        rivals: Figures of every model on the headline part, by model name.
        latency: How long an answer takes.
        details: What there is to see of the winner itself: tables and plots.
        beside_teachers: The winner and its teachers on the same texts of the headline; None where people
            labelled none of them.
    """

    scored: Sequence[ScoredPredictions]
    metrics: Sequence[PartMetrics]
    rivals: Mapping[str, PartMetrics]
    latency: Latency
    details: Details = field(default_factory=Details)
    beside_teachers: BesideTeachers | None = None
