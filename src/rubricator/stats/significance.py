"""Whether one model is better than another on the same texts, or only luckier."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from rubricator.stats.arrays import Bools, Floats
from rubricator.stats.bootstrap import Estimate, percentile_interval, resample_groups
from rubricator.stats.counts import GroupedCounts


@dataclass(frozen=True, slots=True)
class Resampled:
    """Every figure of one model, on the texts as they are and on each bootstrap sample of them.

    Attributes:
        point: Figures by name as `GroupedCounts.figures` gives them, of shape [1] and, by category, [1, k].
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
    """Numbers of texts that only the new model gets all right, and only the old one.

    `p_value` is the chance of numbers at least as uneven if either were equally likely.
    """

    fixed: int
    broken: int
    p_value: float


def resample(
    truth: Bools,
    decisions: Bools,
    groups: Sequence[str] | None = None,
    weights: Floats | None = None,
    *,
    draws: int,
    confidence: float = 0.95,
    seed: int,
) -> Resampled:
    """Draw groups of texts and compute every figure each time; without `draws` they have no intervals.

    Models with the same texts in the same groups get the same samples from the same seed, so their figures
    may be subtracted sample by sample (see `difference`). The first four arguments are those of
    `GroupedCounts`.
    """
    counts = GroupedCounts(truth, decisions, groups, weights)
    point = counts.figures()
    nothing = counts.figures(np.zeros((0, counts.groups)))
    chunks = [counts.figures(sample) for sample in resample_groups(counts.groups, draws=draws, seed=seed)]
    samples = {name: np.concatenate([nothing[name], *(chunk[name] for chunk in chunks)]) for name in point}
    if counts.groups == 1:  # every sample is the same: nothing is known, which is not the same as certainty
        samples = {name: np.full_like(values, np.nan) for name, values in samples.items()}
    return Resampled(point, samples, confidence)


def difference(old: Resampled, new: Resampled, name: str, column: int | None = None) -> Difference:
    """The paired bootstrap: both models are measured on the same samples of groups of texts.

    The interval is the percentile interval of the differences (Efron & Tibshirani, "An Introduction to
    the Bootstrap", 1993, ch. 13). The p-value counts the samples whose difference lies at least as far
    from the observed one as that lies from zero (Berg-Kirkpatrick, Burkett & Klein, "An empirical
    investigation of statistical significance in NLP", 2012; here to both sides), the observed texts
    among them, so that it is never zero. Both models are resampled from the same groups by the same seed;
    `column` is the category, for figures that there is one of per category.
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


def chance_of_gain(old: Resampled, new: Resampled, name: str) -> float:
    """Share of the samples in which one model is better than another; both are measured on the same samples.

    Samples in which either figure is undefined say nothing; without any other, the share is 0.
    """
    ahead = new.samples[name] - old.samples[name]
    defined = ahead[~np.isnan(ahead)]
    return float((defined > 0).mean()) if len(defined) else 0.0


def mcnemar(old_right: Bools, new_right: Bools) -> McNemar:
    """The exact test over the texts that only one model gets right: binomial, to both sides.

    McNemar, "Note on the sampling error of the difference between correlated proportions or
    percentages", 1947. It takes texts for independent: near-duplicates make it surer than it should
    be, unlike `difference`. The arguments say which texts either model gets all right, shape [n].
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
