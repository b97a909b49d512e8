"""Whether one model is better than another on the same texts, or only luckier."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from rubricator.evaluate.metrics.grouped_counts import f1, mean_defined, ratio
from rubricator.evaluate.metrics.scored_predictions import ScoredPredictions
from rubricator.stats.arrays import Bools, Floats
from rubricator.stats.bootstrap import Estimate, draw_groups, percentile_interval


@dataclass(frozen=True, slots=True)
class Resampled:
    """Every figure of one model, on the texts as they are and on each bootstrap sample of them.

    Attributes:
        point: `macro_f1`, `weighted_f1`, `micro_f1` and `subset_accuracy` of shape [1], and `f1` of
            every category, shape [1, k]; NaN where undefined.
        samples: The same of shape [draws] and [draws, k].
        confidence: Share of the samples inside an interval.
    """

    point: Mapping[str, Floats]
    samples: Mapping[str, Floats]
    confidence: float

    def estimate(self, name: str, column: int | None = None) -> Estimate:
        """A figure with its interval; `column` picks the category where there is one per category."""
        at = () if column is None else (column,)
        return _estimate(self.point[name][(0, *at)], self.samples[name][(slice(None), *at)], self.confidence)


@dataclass(frozen=True, slots=True)
class Difference:
    """How much more of a figure the new model has than the old one.

    Attributes:
        change: New minus old with its interval; undefined where either figure is.
        p_value: How often so large a change, to either side, comes about by the choice of texts alone
            if neither model is better; None where the interval is undefined.
    """

    change: Estimate
    p_value: float | None

    @property
    def beyond_chance(self) -> bool:
        """True if the interval leaves zero out."""
        low, high = self.change.low, self.change.high
        return low is not None and high is not None and (low > 0 or high < 0)


@dataclass(frozen=True, slots=True)
class McNemar:
    """Texts that exactly one of two models gets all right, and what is to be made of their numbers.

    Attributes:
        fixed: Texts that only the new model gets right.
        broken: Texts that only the old model gets right.
        p_value: Chance of numbers at least as uneven if either were equally likely.
    """

    fixed: int
    broken: int
    p_value: float


def resample(scored: ScoredPredictions, *, draws: int, confidence: float, seed: int) -> Resampled:
    """Draw groups of texts and compute every figure each time.

    Models whose `ScoredPredictions` hold the same texts in the same groups get the same samples from the same
    seed, so their figures may be subtracted sample by sample (see `difference`).

    Args:
        scored: The texts with one model's answers.
        draws: Bootstrap samples.
        confidence: Share of them inside an interval.
        seed: Same seed, same samples.
    """
    names, group_of_row = np.unique(np.asarray(scored.groups, dtype=object), return_inverse=True)
    truth, given = scored.truth, scored.decisions
    right = (truth == given).all(axis=1)
    per_row = np.column_stack([np.ones(len(scored)), right, truth & given, ~truth & given, truth & ~given])
    sums = np.zeros((len(names), per_row.shape[1]))
    np.add.at(sums, group_of_row, per_row)
    point = _figures(sums.sum(axis=0, keepdims=True))
    chunks = [_figures(sample @ sums) for sample in draw_groups(len(names), draws=draws, seed=seed)]
    samples = {name: np.concatenate([chunk[name] for chunk in chunks]) for name in point}
    if len(names) == 1:  # every sample is the same: nothing is known, which is not the same as certainty
        samples = {name: np.full_like(values, np.nan) for name, values in samples.items()}
    return Resampled(point, samples, confidence)


def _figures(sums: Floats) -> dict[str, Floats]:
    """As `Tally.figures`, without those of ranked texts, which take a hundred times as long."""
    hits, false_alarms, misses = np.split(sums[:, 2:], 3, axis=1)
    support = hits + misses
    by_category = f1(hits, false_alarms, misses)
    return {
        "f1": by_category,
        "macro_f1": mean_defined(by_category),
        "weighted_f1": ratio((np.nan_to_num(by_category) * support).sum(axis=1), support.sum(axis=1)),
        "micro_f1": f1(*(counts.sum(axis=1) for counts in (hits, false_alarms, misses))),
        "subset_accuracy": ratio(sums[:, 1], sums[:, 0]),
    }


def difference(old: Resampled, new: Resampled, name: str, column: int | None = None) -> Difference:
    """The paired bootstrap: both models are measured on the same samples of groups of texts.

    The interval is the percentile interval of the differences (Efron & Tibshirani, "An Introduction to
    the Bootstrap", 1993, ch. 13). The p-value counts the samples whose difference lies at least as far
    from the observed one as that lies from zero (Berg-Kirkpatrick, Burkett & Klein, "An empirical
    investigation of statistical significance in NLP", 2012; here to both sides), the observed texts
    among them, so that it is never zero.

    Args:
        old: The model compared with.
        new: The model compared, resampled from the same groups by the same seed.
        name: The figure.
        column: The category, for figures that there is one of per category.
    """
    at = () if column is None else (column,)
    change = new.point[name][(0, *at)] - old.point[name][(0, *at)]
    samples = (new.samples[name] - old.samples[name])[(slice(None), *at)]
    estimate = _estimate(change, samples, new.confidence)
    if estimate.value is None or estimate.low is None:
        return Difference(estimate, None)
    defined = samples[~np.isnan(samples)]
    # Differences of equal counts may differ in the last bit: those are as far, too.
    as_far = np.abs(defined - change) >= abs(change) - 1e-12
    return Difference(estimate, float((1 + as_far.sum()) / (1 + len(defined))))


def mcnemar(old_right: Bools, new_right: Bools) -> McNemar:
    """The exact test over the texts that only one model gets right: binomial, to both sides.

    McNemar, "Note on the sampling error of the difference between correlated proportions or
    percentages", 1947. It takes texts for independent: near-duplicates make it surer than it should
    be, unlike `difference`.

    Args:
        old_right: Which texts the old model gets all right, shape [n].
        new_right: The same of the new model.
    """
    from scipy.stats import binomtest  # half a second to import

    fixed, broken = int((new_right & ~old_right).sum()), int((old_right & ~new_right).sum())
    if not fixed + broken:
        return McNemar(0, 0, 1.0)
    return McNemar(fixed, broken, float(binomtest(fixed, fixed + broken).pvalue))


def _estimate(value: float, samples: Floats, confidence: float) -> Estimate:
    if np.isnan(value):
        return Estimate(None)
    low, high = percentile_interval(samples, confidence=confidence)
    return Estimate(float(value), low, high)
