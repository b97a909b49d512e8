"""What a model is worth on one part of the texts, in figures that carry their own doubt."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from rubricator.dataset.metrics import CategoryMetrics, PartMetrics
from rubricator.errors import DataError
from rubricator.evaluate.metrics.scored_predictions import ScoredPredictions
from rubricator.label_space import DecisionRule, LabelSpace
from rubricator.stats.arrays import Floats
from rubricator.stats.bootstrap import Estimate, percentile_interval, resample_groups
from rubricator.stats.calibration import calibration_error
from rubricator.stats.counts import GroupedCounts, mean_defined, ratio
from rubricator.stats.coverage import coverage_points
from rubricator.stats.ranking import Ranking

_FIGURES = (
    *("macro_f1", "micro_f1", "weighted_f1", "micro_precision", "micro_recall", "subset_accuracy"),
    *("hamming_loss", "mean_average_precision", "log_loss"),
)


def measure(
    scored: ScoredPredictions,
    keys: Sequence[str],
    *,
    rule: DecisionRule,
    bootstrap: int = 1000,
    confidence: float = 0.95,
    seed: int = 13,
) -> PartMetrics:
    """Measure predictions against the truth.

    Decisions are taken as they are; `rule` says whether one category wins and what the thresholds are. Each
    interval holds the share `confidence` of `bootstrap` samples of groups.

    Raises:
        DataError: The part has no texts.
    """
    if not len(scored):
        raise DataError(
            f"The part '{scored.part}' has no texts, so there is nothing to measure.",
            fix="Give it texts: raise `split.test`, or label more texts for the golden set.",
        )
    figures = PartFigures(scored, rule.space)
    groups = figures.counts.groups
    point = {name: values[0] for name, values in figures(np.ones((1, groups))).items()}
    samples = figures.resampled(draws=bootstrap, seed=seed)

    def estimate(name: str, column: int | None = None) -> Estimate:
        at = () if column is None else (column,)
        low, high = percentile_interval(samples[name][(slice(None), *at)], confidence=confidence)
        value = _defined(point[name][at])
        return Estimate(value, low, high) if value is not None else Estimate(None)

    categories = tuple(
        _category(scored, column, key, rule, point, estimate("f1", column)) for column, key in enumerate(keys)
    )
    baselines = [category.baseline_f1 for category in categories if category.baseline_f1 is not None]
    sure = rule.space.confidence(scored.probabilities, scored.decisions)
    _, sizes = np.unique(scored.truth, axis=0, return_counts=True)
    return PartMetrics(
        part=scored.part,
        about=scored.about,
        single=rule.space.single,
        texts=len(scored),
        groups=groups,
        origins=dict(Counter(str(origin) for origin in scored.origins)),
        draws=bootstrap,
        confidence=confidence,
        **{name: estimate(name) for name in _FIGURES},
        accuracy=estimate("subset_accuracy") if rule.space.single else None,
        calibration_error=float(np.mean([category.calibration_error for category in categories])),
        mean_confidence=float(sure.mean()),
        coverage=coverage_points(sure, (scored.truth == scored.decisions).all(axis=1)),
        baseline_macro_f1=float(np.mean(baselines)) if baselines else None,
        baseline_accuracy=float(sizes.max() / len(scored)),
        categories=categories,
    )


class PartFigures:
    """Every figure of a part, those of ranked probabilities and the log loss among them."""

    def __init__(self, scored: ScoredPredictions, space: LabelSpace) -> None:
        self.counts = GroupedCounts(scored.truth, scored.decisions, scored.groups)
        losses = space.losses(scored.probabilities, scored.truth)
        self._losses = self.counts.sums(np.column_stack([losses, np.ones(len(losses))]))
        columns = zip(scored.truth.T, scored.probabilities.T, strict=True)
        self._rankings = [Ranking.of(truth, probabilities) for truth, probabilities in columns]

    def __call__(self, draws: Floats) -> dict[str, Floats]:
        """By name, as `GroupedCounts.figures`; `draws` is of shape [samples, groups]."""
        rows, losses = draws[:, self.counts.group_of_row], draws @ self._losses
        areas = np.column_stack([ranking.average_precision(rows) for ranking in self._rankings])
        return self.counts.figures(draws) | {
            "average_precision": areas,
            "mean_average_precision": mean_defined(areas),
            "log_loss": ratio(losses[:, 0], losses[:, 1]),
        }

    def resampled(self, *, draws: int, seed: int) -> dict[str, Floats]:
        """The same on samples of groups drawn with replacement."""
        chunks = [self(sample) for sample in resample_groups(self.counts.groups, draws=draws, seed=seed)]
        return {name: np.concatenate([chunk[name] for chunk in chunks]) for name in chunks[0]}


def _category(
    scored: ScoredPredictions,
    column: int,
    key: str,
    rule: DecisionRule,
    point: Mapping[str, Floats],
    f1: Estimate,
) -> CategoryMetrics:
    from sklearn.metrics import roc_auc_score  # a second to import, and most commands never need it

    truth, decided = scored.truth[:, column], scored.decisions[:, column]
    probabilities = scored.probabilities[:, column]
    support = int(truth.sum())
    share = support / len(scored)
    return CategoryMetrics(
        key=key,
        support=support,
        predicted=int(decided.sum()),
        hits=int((truth & decided).sum()),
        threshold=None if rule.space.single else float(rule.threshold[column]),
        precision=_defined(point["precision"][column]),
        recall=_defined(point["recall"][column]),
        f1=f1,
        roc_auc=float(roc_auc_score(truth, probabilities)) if 0 < support < len(scored) else None,
        average_precision=_defined(point["average_precision"][column]),
        calibration_error=calibration_error(truth, probabilities),
        baseline_f1=_without_skill(share, single=rule.space.single) if support else None,
    )


def _defined(value: Any) -> float | None:
    return None if np.isnan(value) else float(value)


def _without_skill(share: float, *, single: bool) -> float:
    """F1 of giving a category to every text or, where each text has one, of drawing them by their shares."""
    return share if single else 2 * share / (1 + share)
