"""The models that competed, as the report shows them."""

from __future__ import annotations

from collections.abc import Mapping

from rubricator.dataset.metrics import PartMetrics
from rubricator.evaluate.report.model_descriptions import described
from rubricator.evaluate.report.report_data import Evaluated, ModelFacts, ModelRow
from rubricator.models.training_result import WORDS, Score, TrainingResult
from rubricator.stats.bootstrap import Estimate

_MEBI = 2**20


def model_facts(trained: TrainingResult, evaluated: Evaluated) -> ModelFacts:
    """Which models competed, on what, what each costs, and why one won."""
    reason = trained.choice.reason
    if trained.weights_tried:
        tried = ", ".join(f"{weight:g}" for weight in trained.weights_tried)
        reason += (
            f" A label agreed between teachers counts {trained.weak_label_weight:g} of a golden one: of the "
            f"weights {tried} it fits held-out golden texts best."
        )
    if evaluated.metrics[0] != evaluated.rivals[trained.choice.name]:
        reason += (
            " The headline figures are those of the whole procedure, which chose between kinds anew without "
            f"the texts that it is measured on; the row {trained.choice.name} is that kind alone."
        )
    return ModelFacts(
        chosen=trained.choice.name,
        reason=reason,
        measured_on=trained.validated_on,
        candidates=tuple(
            _candidate(name, score, trained, evaluated.rivals)
            for name, score in trained.choice.scores.items()
        ),
        dropped=tuple(f"{name}: {why}" for name, why in trained.dropped.items()),
        details=evaluated.details,
    )


def _candidate(
    name: str, score: Score, trained: TrainingResult, rivals: Mapping[str, PartMetrics]
) -> ModelRow:
    words, part, cost = WORDS[trained.metric], rivals[name], trained.costs.get(name)
    figure = "subset_accuracy" if trained.metric == "accuracy" else trained.metric
    low, high = score.intervals.get(trained.metric, (None, None))
    return ModelRow(
        name=name,
        about=described(name, trained.facts[name]),
        scores={
            f"{words} on validation": Estimate(score.merit(trained.metric)[0], low, high),
            f"{words} on {part.part}, not used to choose": getattr(part, figure),
        },
        seconds=trained.seconds[name],
        texts_per_second=None if cost is None else cost.texts_per_second,
        mebibytes=None if cost is None else cost.bytes / _MEBI,
    )
