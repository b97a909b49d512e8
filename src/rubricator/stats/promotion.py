"""Whether a challenger may replace the champion, by what both say of the same texts.

Near-duplicates tell one thing together: a group of texts counts once, for the model that gets more of it right.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from rubricator.stats.arrays import Bools
from rubricator.stats.significance import holm

POWER = 0.8
"""Chance to decide that the numbers of reviews wanted are for."""


class Verdict(StrEnum):
    """What is to become of a challenger."""

    PROMOTE = "PROMOTE"
    HOLD = "HOLD"
    REJECT = "REJECT"


@dataclass(frozen=True, slots=True)
class Paired:
    """Of so many `groups` the challenger gets more right than the champion in `ahead`, less in `behind`."""

    groups: int
    ahead: int
    behind: int

    @classmethod
    def of(cls, old_right: Bools, new_right: Bools, groups: Sequence[str]) -> Paired:
        """Count groups; the first two say which texts a model gets right, shape [n], as does `groups`."""
        _, of_group = np.unique(np.asarray(groups, dtype=np.str_), return_inverse=True)
        gained = np.bincount(of_group, weights=new_right.astype(int) - old_right)
        return cls(len(gained), int((gained > 0).sum()), int((gained < 0).sum()))

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

    def margin_score(self, margin: float) -> float:
        """Score of the challenger against one that is worse by the margin, standard normal if it is that.

        Tango, "Equivalence test and confidence interval for the difference in proportions for the
        paired-sample design", 1998: the variance is that of the most likely model on the boundary, so it
        holds where no text tells the two apart. NaN without groups.
        """
        variance = self._boundary_variance(margin)
        if not variance > 0:
            return math.nan
        return (self.ahead - self.behind + self.groups * margin) / math.sqrt(self.groups * variance)

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

    def to_clear(self, margin: float, level: float) -> int | None:
        """Groups that would prove it not worse by the margin; None if they look as if it were, or are none."""
        if not self.groups:
            return None
        gain = (self.ahead - self.behind) / self.groups
        if gain + margin <= 0:
            return None
        observed = (self.ahead + self.behind) / self.groups - gain**2
        boundary = math.sqrt(self._boundary_variance(margin))
        spread = _quantile(1 - level) * boundary + _quantile(POWER) * math.sqrt(max(observed, 0.0))
        return math.ceil((spread / (gain + margin)) ** 2)

    def _boundary_variance(self, margin: float) -> float:
        if not self.groups:
            return math.nan
        double = 2 * self.groups
        middle = -self.ahead - self.behind - (double - self.ahead + self.behind) * margin
        constant = self.behind * margin * (margin + 1)
        lost = (math.sqrt(middle**2 - 4 * double * constant) - middle) / (2 * double)
        return 2 * lost - margin * (margin + 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class CategoryEvidence:
    """One category, in the texts that have it or get it from either model.

    Attributes:
        clear_p: How probable so good a result is if it is worse by the margin; 1 without texts.
        harmed_p: How probable so bad a result is if it is not worse by more than the margin.
        more: About how many more groups of it would clear it; None where none would as it looks, or all is
            clear. Both p-values are corrected over categories (Holm).
    """

    key: str
    paired: Paired
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

    PROMOTE if the challenger gets more texts all right beyond chance, and is in no category worse by more than
    the margin: all of these are tests that chance passes with `level_of_look` at most. REJECT if it is worse
    beyond chance, overall or by more than the margin in a category. Else HOLD.

    What counts for a category are the texts that have it, by the truth or by either model: a rare one is
    not lost among the many texts that it has nothing to do with.

    Args:
        truth: Categories of each text, shape [n, k].
        old: The champion's decisions, same shape.
        new: The challenger's.
        groups: Group of near-duplicates of each text.
        keys: Of the categories.
        margin: Share of the texts of a category that it may lose.
        confidence: Of all looks together.
        look: Which look at this champion it is, from 1.
    """
    level, next_level = (level_of_look(one, confidence=confidence) for one in (look, look + 1))
    overall = Paired.of((old == truth).all(axis=1), (new == truth).all(axis=1), groups)
    levels = level, next_level
    categories = _categories(truth, old, new, np.asarray(groups, dtype=np.str_), keys, margin, levels)
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
    groups: NDArray[np.str_],
    keys: Sequence[str],
    margin: float,
    levels: tuple[float, float],
) -> tuple[CategoryEvidence, ...]:
    from scipy.stats import norm  # half a second to import

    paired = []
    for column in range(len(keys)):
        said = [decisions[:, column] for decisions in (truth, old, new)]
        rows = np.any(said, axis=0)
        right = [(one == said[0])[rows] for one in said[1:]]
        paired.append(Paired.of(right[0], right[1], groups[rows].tolist()))
    scores = np.array([one.margin_score(margin) for one in paired])
    corrected = [
        [1.0 if p_value is None else p_value for p_value in holm(np.nan_to_num(p_values, nan=1.0).tolist())]
        for p_values in (norm.sf(scores), norm.cdf(scores))
    ]
    return tuple(
        CategoryEvidence(
            key=key,
            paired=one,
            clear_p=clear_p,
            harmed_p=harmed_p,
            more=None if clear_p <= levels[0] else _left(one.to_clear(margin, levels[1]), one.groups),
        )
        for key, one, clear_p, harmed_p in zip(keys, paired, *corrected, strict=True)
    )


def _more(evidence: Evidence) -> int | None:
    """The most that any open question wants, of reviews of all categories together."""
    wanted: list[int | None] = []
    overall = evidence.overall
    if not evidence.better:
        wanted.append(_left(overall.to_win(evidence.next_level), overall.groups))
    for one in evidence.unclear:
        share = one.paired.groups / overall.groups if overall.groups else 0.0
        wanted.append(None if one.more is None or not share else math.ceil(one.more / share))
    return None if None in wanted else max(one for one in wanted if one is not None)


def _left(wanted: int | None, there: int) -> int | None:
    return None if wanted is None else max(1, wanted - there)


def _quantile(share: float) -> float:
    from scipy.stats import norm

    return float(norm.ppf(share))
