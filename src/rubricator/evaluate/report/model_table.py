"""The report's table of models: which competed, on what, what each reached and costs, and why one won."""

from __future__ import annotations

from collections.abc import Mapping

from rubricator.dataset.metrics import PartMetrics
from rubricator.evaluate.report.model_descriptions import described
from rubricator.evaluate.report.report_data import Evaluated, ModelFacts, ModelRow
from rubricator.models.training_result import WORDS, Score, TrainingResult
from rubricator.stats.bootstrap import Estimate


def compared_models(trained: TrainingResult, evaluated: Evaluated) -> ModelFacts:
    """Which models competed, on what, what each costs, and why one won."""
    reason = trained.choice.reason
    if trained.weights_tried:
        tried = ", ".join(f"{weight:g}" for weight in trained.weights_tried)
        reason += (
            f" A label agreed between teachers counts {trained.weak_label_weight:g} of a golden one: of the "
            f"weights {tried} it fits held-out golden texts best."
        )
        if (alone := trained.weights_tried.get(0.0)) is not None:
            words = WORDS[trained.metric]
            with_teachers = trained.weights_tried[trained.weak_label_weight].score.merit(trained.metric)[0]
            reason += (
                f" Learning from golden texts alone, a quick model reaches {words} "
                f"{alone.score.merit(trained.metric)[0]:.3f} on them; with teachers' labels so weighted, "
                f"{with_teachers:.3f}."
            )
    if evaluated.metrics[0] != evaluated.rivals[trained.choice.name]:
        reason += (
            " The headline figures are those of the whole procedure, which chose between kinds anew without "
            f"the texts that it is measured on; the row {trained.choice.name} is that kind alone."
        )
    if trained.refitted is not None:
        reason += f" {trained.refitted.about}"
    return ModelFacts(
        chosen=trained.choice.name,
        reason=reason,
        measured_on=trained.validated_on,
        candidates=tuple(
            _row(name, score, trained, evaluated.rivals) for name, score in trained.choice.scores.items()
        ),
        dropped=tuple(f"{name}: {why}" for name, why in trained.dropped.items()),
        details=evaluated.details,
    )


def _row(name: str, score: Score, trained: TrainingResult, rivals: Mapping[str, PartMetrics]) -> ModelRow:
    words, part, cost = WORDS[trained.metric], rivals[name], trained.costs.get(name)
    metric = "subset_accuracy" if trained.metric == "accuracy" else trained.metric
    low, high = score.intervals.get(trained.metric, (None, None))
    return ModelRow(
        name=name,
        about=described(name, trained.facts[name]),
        scores={
            f"{words} on validation": Estimate(score.merit(trained.metric)[0], low, high),
            f"{words} on {part.part}, not used to choose": getattr(part, metric),
        },
        seconds=trained.seconds[name],
        texts_per_second=None if cost is None else cost.texts_per_second,
        mebibytes=None if cost is None else cost.bytes / 2**20,
    )
