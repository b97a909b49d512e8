"""What a model is worth on one part of the texts, in figures that carry their own doubt."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from rubricator.errors import DataError
from rubricator.evaluate.metrics.scored_predictions import ScoredPredictions
from rubricator.label_space import DecisionRule, LabelSpace
from rubricator.stats.arrays import Floats
from rubricator.stats.bootstrap import Estimate, percentile_interval, resample_groups
from rubricator.stats.calibration import calibration_error
from rubricator.stats.counts import GroupedCounts, mean_defined, ratio
from rubricator.stats.ranking import Ranking


@dataclass(frozen=True, slots=True, kw_only=True)
class CategoryMetrics:
    """How one category fares; None where a figure is undefined.

    Attributes:
        key: The category.
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
        baseline_f1: F1 of giving the category to every text: what no skill at all reaches.
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
        part: Name of the part.
        about: What the truth is and how the predictions were made.
        single: True if a text has exactly one category.
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
        baseline_macro_f1: Macro-F1 of giving every category to every text.
        baseline_accuracy: Share of texts that the commonest set of categories gets right.
        categories: One entry per category, in taxonomy order.
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
    baseline_macro_f1: float | None
    baseline_accuracy: float
    categories: tuple[CategoryMetrics, ...]

    def as_dict(self) -> dict[str, Any]:
        """Plain values for `metrics.json`: no NaN, nothing but what JSON knows."""
        plain = asdict(self)
        plain["categories"] = list(plain["categories"])
        return plain


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

    Args:
        scored: The part; its decisions are taken as they are.
        keys: Category keys, in the order of the columns.
        rule: The rule behind the decisions: says whether one category wins and what the thresholds are.
        bootstrap: Samples of groups behind each interval.
        confidence: Share of samples inside an interval.
        seed: Same seed, same intervals.

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
        macro_f1=estimate("macro_f1"),
        micro_f1=estimate("micro_f1"),
        weighted_f1=estimate("weighted_f1"),
        micro_precision=estimate("micro_precision"),
        micro_recall=estimate("micro_recall"),
        subset_accuracy=estimate("subset_accuracy"),
        accuracy=estimate("subset_accuracy") if rule.space.single else None,
        hamming_loss=estimate("hamming_loss"),
        mean_average_precision=estimate("mean_average_precision"),
        log_loss=estimate("log_loss"),
        calibration_error=float(np.mean([category.calibration_error for category in categories])),
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

    truth, given = scored.truth[:, column], scored.decisions[:, column]
    probabilities = scored.probabilities[:, column]
    support = int(truth.sum())
    share = support / len(scored)
    return CategoryMetrics(
        key=key,
        support=support,
        predicted=int(given.sum()),
        hits=int((truth & given).sum()),
        threshold=None if rule.space.single else float(rule.threshold[column]),
        precision=_defined(point["precision"][column]),
        recall=_defined(point["recall"][column]),
        f1=f1,
        roc_auc=float(roc_auc_score(truth, probabilities)) if 0 < support < len(scored) else None,
        average_precision=_defined(point["average_precision"][column]),
        calibration_error=calibration_error(truth, probabilities),
        baseline_f1=2 * share / (1 + share) if support else None,
    )


def _defined(value: Any) -> float | None:
    return None if np.isnan(value) else float(value)
