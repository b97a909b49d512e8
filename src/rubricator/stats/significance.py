"""Whether one model is better than another on the same texts, or only luckier."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from rubricator.stats.arrays import Bools, Floats
from rubricator.stats.bootstrap import CHUNK, Estimate, percentile_interval, resample_groups
from rubricator.stats.counts import GroupedCounts

LEVEL = 0.05


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """How well chance alone would explain what was observed.

    Attributes:
        p_value: How often something at least as extreme, to either side, comes about if neither model is
            better; None where that cannot be told.
        corrected_p: The same, corrected for all that is tested beside it (see `holm`); None if nothing is.
    """

    p_value: float | None
    corrected_p: float | None = None

    @property
    def beyond_chance(self) -> bool:
        """True if the p-value, corrected where others stand beside it, is below `LEVEL`."""
        p_value = self.p_value if self.corrected_p is None else self.corrected_p
        return p_value is not None and p_value < LEVEL


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference(Evidence):
    """How much more of a figure the new model has than the old one.

    `change` is new minus old with its interval, undefined where either figure is; without an interval there
    is no p-value.
    """

    change: Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class McNemar(Evidence):
    """Numbers of texts that only the new model gets all right, and only the old one.

    `ahead` and `behind` are the numbers of groups of near-duplicates that the new model gets more and less
    right of: what the test is over.
    """

    fixed: int
    broken: int
    ahead: int
    behind: int


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
    may be subtracted sample by sample (see `change`). The first four arguments are those of
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


def change(old: Resampled, new: Resampled, name: str, column: int | None = None) -> Estimate:
    """New minus old with the percentile interval of the differences; undefined where either figure is.

    Both models are measured on the same samples of groups (paired bootstrap: Efron & Tibshirani, "An
    Introduction to the Bootstrap", 1993, ch. 13). `column` is the category, for figures that there is one of
    per category.
    """
    at = () if column is None else (column,)
    value = new.point[name][(0, *at)] - old.point[name][(0, *at)]
    return _estimate(value, (new.samples[name] - old.samples[name])[(slice(None), *at)], new.confidence)


def exchange(
    truth: Bools, old: Bools, new: Bools, groups: Sequence[str] | None = None, *, draws: int, seed: int
) -> dict[str, Floats]:
    """New minus old of every figure after the models exchanged their answers to a random half of the groups.

    If neither model is better, only chance says whose answer is whose (approximate randomization: Noreen,
    "Computer-Intensive Methods for Testing Hypotheses", 1989; Yeh, "More accurate tests for the statistical
    significance of result differences", 2000). Near-duplicates are exchanged together.

    Args:
        truth: Categories of each text, shape [n, k].
        old: The old model's decisions, same shape.
        new: The new model's.
        groups: Group of near-duplicates of each text; without it every text is its own.
        draws: How often to exchange.
        seed: The same seed exchanges the same groups.

    Returns:
        By the names of `GroupedCounts.figures`, shape [draws] or [draws, k].
    """
    of_text = np.arange(len(truth)) if groups is None else np.unique(groups, return_inverse=True)[1]
    number = int(of_text.max(initial=-1)) + 1
    both = GroupedCounts(
        np.concatenate([truth, truth]), np.concatenate([old, new]), [*of_text, *(of_text + number)]
    )
    random = np.random.default_rng(seed)
    chunks = []
    for start in range(0, draws, CHUNK):
        kept = random.integers(2, size=(min(CHUNK, draws - start), number)).astype(np.float64)
        one, other = (both.figures(np.hstack(halves)) for halves in ((kept, 1 - kept), (1 - kept, kept)))
        chunks.append({name: other[name] - one[name] for name in one})
    return {name: np.concatenate([chunk[name] for chunk in chunks]) for name in chunks[0]}


def difference(
    old: Resampled, new: Resampled, exchanged: Mapping[str, Floats], name: str, column: int | None = None
) -> Difference:
    """How much one model differs from another, with its interval (see `change`) and p-value (see `exchange`).

    The p-value counts the exchanges that come out at least as far from zero, the answers as they are among
    them, so that it is never zero.
    """
    gain = change(old, new, name, column)
    if gain.value is None or gain.low is None:
        return Difference(change=gain, p_value=None)
    samples = exchanged[name] if column is None else exchanged[name][:, column]
    # Differences of equal counts may differ in the last bit: those are as far, too.
    as_far = np.abs(samples) >= abs(gain.value) - 1e-12
    return Difference(change=gain, p_value=float((1 + as_far.sum()) / (1 + len(samples))))


def chance_of_gain(old: Resampled, new: Resampled, name: str) -> float:
    """Share of the samples in which one model is better than another; both are measured on the same samples.

    Samples in which either figure is undefined say nothing; without any other, the share is 0.
    """
    ahead = new.samples[name] - old.samples[name]
    defined = ahead[~np.isnan(ahead)]
    return float((defined > 0).mean()) if len(defined) else 0.0


def mcnemar(old_right: Bools, new_right: Bools, groups: Sequence[str] | None = None) -> McNemar:
    """The exact test over the texts that only one model gets right: binomial, to both sides.

    McNemar, "Note on the sampling error of the difference between correlated proportions or percentages",
    1947. Near-duplicates tell one thing together: a group of texts counts once, for the model that gets more
    of it right. The first two arguments say which texts either model gets all right, shape [n]; without
    `groups` every text is its own.
    """
    from scipy.stats import binomtest  # half a second to import

    gained = new_right.astype(int) - old_right
    of_group = np.arange(len(gained)) if groups is None else np.unique(groups, return_inverse=True)[1]
    by_group = np.bincount(of_group, weights=gained)
    ahead, behind = int((by_group > 0).sum()), int((by_group < 0).sum())
    p_value = float(binomtest(ahead, ahead + behind).pvalue) if ahead + behind else 1.0
    fixed, broken = int((gained > 0).sum()), int((gained < 0).sum())
    return McNemar(fixed=fixed, broken=broken, ahead=ahead, behind=behind, p_value=p_value)


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """Correct p-values of tests that stand beside one another, so that one in twenty families errs at all.

    Holm, "A simple sequentially rejective multiple test procedure", 1979. It holds however the tests depend
    on one another. What is None was not tested and stays None.
    """
    corrected: list[float | None] = [None] * len(p_values)
    tested = sorted((p_value, place) for place, p_value in enumerate(p_values) if p_value is not None)
    least = 0.0
    for rank, (p_value, place) in enumerate(tested):
        least = max(least, min(1.0, p_value * (len(tested) - rank)))
        corrected[place] = least
    return corrected


def _estimate(value: float, samples: Floats, confidence: float) -> Estimate:
    if np.isnan(value):
        return Estimate(None)
    low, high = percentile_interval(samples, confidence=confidence)
    return Estimate(float(value), low, high)
