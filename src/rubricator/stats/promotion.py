"""Whether a challenger may replace the champion, by what both say of the same texts.

Near-duplicates tell one thing together: a group of texts counts once, for the model that gets more of it
right.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np

from rubricator.stats.arrays import Bools, Floats, Indices
from rubricator.stats.significance import holm

POWER = 0.8
"""Chance to decide that the numbers of reviews wanted are for."""
_MOST_TIMES = 100  # as many reviews as there are: nobody will give more, and the estimate is worth nothing


class Verdict(StrEnum):
    """What is to become of a challenger."""

    PROMOTE = "PROMOTE"
    HOLD = "HOLD"
    REJECT = "REJECT"


@dataclass(frozen=True, slots=True)
class Paired:
    """Of so many `groups` the challenger gets `ahead` more right than the champion, and `behind` less."""

    groups: int
    ahead: int
    behind: int

    @classmethod
    def of(cls, old_right: Bools, new_right: Bools, of_group: Indices) -> Paired:
        """Count groups: which texts either model gets right, and the group of each by number, shape [n]."""
        gained = np.bincount(of_group, weights=new_right.astype(int) - old_right)
        groups = int((np.bincount(of_group) > 0).sum())
        return cls(groups, int((gained > 0).sum()), int((gained < 0).sum()))

    @property
    def gain(self) -> float | None:
        """Share of the groups that the challenger gets more of right, less that of the others."""
        return (self.ahead - self.behind) / self.groups if self.groups else None

    @property
    def better_p(self) -> float:
        """How often chance alone puts a challenger so far ahead: the exact McNemar test, to one side."""
        from scipy.stats import binom  # half a second to import

        return float(binom.sf(self.ahead - 1, self.ahead + self.behind, 0.5))

    @property
    def worse_p(self) -> float:
        """The same for so far behind."""
        return Paired(self.groups, self.behind, self.ahead).better_p

    def to_win(self, level: float) -> int | None:
        """Groups that would prove it better with `POWER` if they go on like these; None if it is not ahead.

        Connor, "Sample size for testing differences in proportions for the paired-sample design", 1987.
        """
        if self.ahead <= self.behind:
            return None
        gain = (self.ahead - self.behind) / self.groups
        differing = (self.ahead + self.behind) / self.groups
        at_level, at_power = _quantile(1 - level), _quantile(POWER)
        spread = at_level * math.sqrt(differing) + at_power * math.sqrt(differing - gain**2)
        # Where all differ one way the exact test still wants so many.
        fewest = math.ceil(math.log(level, 0.5)) / differing
        return math.ceil(max((spread / gain) ** 2, fewest))


@dataclass(frozen=True, slots=True)
class F1Change:
    """F1 of a category, the challenger's less the champion's.

    Attributes:
        support: Groups of texts that have the category.
        gain: The difference; NaN where no text has it.
        spread: Its standard error by the delta method, over groups.
    """

    support: int
    gain: float
    spread: float

    @classmethod
    def of(cls, truth: Bools, old: Bools, new: Bools, of_group: Indices) -> F1Change:
        """Measure one category; each argument has shape [n], the last one numbers the groups."""
        support = int((np.bincount(of_group[truth]) > 0).sum()) if truth.any() else 0
        if not support:
            return cls(0, math.nan, math.nan)
        (f1_old, part_old), (f1_new, part_new) = (_f1(truth, said) for said in (old, new))
        by_group = np.bincount(of_group, weights=part_new - part_old)
        return cls(support, f1_new - f1_old, float(np.sqrt((by_group**2).sum())))

    def score(self, margin: float) -> float:
        """Distance from a challenger that is worse by the margin, in standard errors; NaN where unmeasured.

        Where few answers differ the observed error would be too small, 0 at worst: it is at least that of a
        challenger that loses the margin in texts of the category and wins none.
        """
        return (self.gain + margin) / max(self.spread, self._least(margin)) if self.support else math.nan

    def to_clear(self, margin: float, level: float) -> float | None:
        """How many times as many reviews would prove it not worse by the margin, with `POWER`.

        None where none are there, or where it looks as if it were worse.
        """
        if not self.support or self.gain + margin <= 0:
            return None
        bound = max(self.spread, self._least(margin))
        needed = _quantile(1 - level) * bound + _quantile(POWER) * self.spread
        return (needed / (self.gain + margin)) ** 2

    def _least(self, margin: float) -> float:
        return math.sqrt(margin * (1 - margin) / self.support)


def _f1(truth: Bools, said: Bools) -> tuple[float, Floats]:
    """F1, and what each text adds to its deviation: its influence, shape [n]."""
    hits, all_ = 2.0 * (truth & said), truth.astype(float) + said
    f1 = float(hits.sum() / all_.sum())
    return f1, (hits - f1 * all_) / all_.sum()


@dataclass(frozen=True, slots=True, kw_only=True)
class CategoryEvidence:
    """One category.

    Attributes:
        clear_p: How probable so good a result is if F1 is worse by the margin; 1 where nobody has measured.
        harmed_p: How probable so bad a result is if F1 is not worse by more than the margin.
        more: About how many more reviews in all would clear it; None where none would as it looks, or where
            it is clear. Both p-values are corrected over categories (Holm).
    """

    key: str
    change: F1Change
    clear_p: float
    harmed_p: float
    more: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What was measured, and what follows.

    Attributes:
        level: Of each test: what is left of 1 - confidence for this look.
        next_level: The same for the next look, which the numbers wanted are for.
        more: About how many more blind reviews would decide; None where none would as it looks.
    """

    verdict: Verdict
    overall: Paired
    categories: tuple[CategoryEvidence, ...]
    level: float
    next_level: float
    margin: float
    more: int | None

    @property
    def better(self) -> bool:
        """Whether it is better overall."""
        return self.overall.better_p <= self.level

    @property
    def worse(self) -> bool:
        """Whether it is worse overall."""
        return self.overall.worse_p <= self.level

    @property
    def harmed(self) -> tuple[CategoryEvidence, ...]:
        """Categories that are worse by more than the margin."""
        return tuple(one for one in self.categories if one.harmed_p <= self.level)

    @property
    def unclear(self) -> tuple[CategoryEvidence, ...]:
        """Categories of which nobody knows that they are not worse by more than the margin."""
        return tuple(one for one in self.categories if one.clear_p > self.level)


def level_of_look(look: int, *, confidence: float = 0.95) -> float:
    """What the look with this number, from 1, may spend of 1 - confidence: 1/2, 1/6, 1/12, … of it.

    The shares of all looks add up to one, so that however often challengers are tried on one champion, the
    chance of ever promoting one that is no better stays below 1 - confidence (union bound).
    """
    return (1 - confidence) / (look * (look + 1))


def weigh(
    truth: Bools,
    old: Bools,
    new: Bools,
    groups: Sequence[str],
    *,
    keys: Sequence[str],
    margin: float,
    confidence: float = 0.95,
    look: int = 1,
) -> Evidence:
    """Decide between two models by their decisions on texts that neither has seen.

    PROMOTE if the challenger gets more texts all right beyond chance, and is in no category worse by more
    than the margin: all of these are tests that chance passes with `level_of_look` at most. REJECT if it is
    worse beyond chance, overall or by more than the margin in a category. Else HOLD.

    A category is judged by its F1, so that a rare one is not lost among the many texts that it has nothing to
    do with.

    Args:
        truth: Categories of each text, shape [n, k].
        old: The champion's decisions, same shape.
        new: The challenger's.
        groups: Group of near-duplicates of each text.
        keys: Of the categories.
        margin: How much F1 a category may lose.
        confidence: Of all looks together.
        look: Which look at this champion it is, from 1.
    """
    level, next_level = (level_of_look(one, confidence=confidence) for one in (look, look + 1))
    _, of_group = np.unique(np.asarray(groups, dtype=np.str_), return_inverse=True)
    overall = Paired.of((old == truth).all(axis=1), (new == truth).all(axis=1), of_group)
    categories = _categories(truth, old, new, of_group, keys, margin, (level, next_level))
    evidence = Evidence(
        verdict=Verdict.HOLD,
        overall=overall,
        categories=categories,
        level=level,
        next_level=next_level,
        margin=margin,
        more=None,
    )
    if evidence.worse or evidence.harmed:
        return replace(evidence, verdict=Verdict.REJECT)
    if evidence.better and not evidence.unclear:
        return replace(evidence, verdict=Verdict.PROMOTE)
    return replace(evidence, more=_more(evidence))


def _categories(
    truth: Bools,
    old: Bools,
    new: Bools,
    of_group: Indices,
    keys: Sequence[str],
    margin: float,
    levels: tuple[float, float],
) -> tuple[CategoryEvidence, ...]:
    from scipy.stats import t  # half a second to import

    changes = [
        F1Change.of(truth[:, column], old[:, column], new[:, column], of_group) for column in range(len(keys))
    ]
    scores = np.array([one.score(margin) for one in changes])
    freedom = np.array([one.support - 1 for one in changes])  # an error known from few texts is hardly known
    corrected = [
        [1.0 if p_value is None else p_value for p_value in holm(np.nan_to_num(p_values, nan=1.0).tolist())]
        for p_values in (t.sf(scores, freedom), t.cdf(scores, freedom))
    ]
    reviews = int((np.bincount(of_group) > 0).sum())
    return tuple(
        CategoryEvidence(
            key=key,
            change=one,
            clear_p=clear_p,
            harmed_p=harmed_p,
            more=None if clear_p <= levels[0] else _more_reviews(one.to_clear(margin, levels[1]), reviews),
        )
        for key, one, clear_p, harmed_p in zip(keys, changes, *corrected, strict=True)
    )


def _more_reviews(times: float | None, reviews: int) -> int | None:
    return None if times is None or times > _MOST_TIMES else max(1, math.ceil((times - 1) * reviews))


def _most(numbers: Sequence[int | None]) -> int | None:
    return None if None in numbers else max(number for number in numbers if number is not None)


def _more(evidence: Evidence) -> int | None:
    """The most that any open question wants."""
    overall = evidence.overall
    wanted = [one.more for one in evidence.unclear]
    if not evidence.better:
        wanted.append(_left(overall.to_win(evidence.next_level), overall.groups))
    return _most(wanted)


def _left(wanted: int | None, there: int) -> int | None:
    return None if wanted is None or wanted > _MOST_TIMES * there else max(1, wanted - there)


def _quantile(share: float) -> float:
    from scipy.stats import norm

    return float(norm.ppf(share))
