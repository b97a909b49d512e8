"""Which texts a student may answer: as many as the metric allows, and no more than is surely so.

Few texts have labels of people, and half a point of a metric cannot be told on a hundred of them. So the fall
is estimated on all texts that the student did not learn from, labelled or not: the calibrated probabilities
of the model that taught it stand for the truth, and every decision that the student would take otherwise
costs what they say. The bar is lowered step by step, and stays where the next step would have a one-sided
95 % bound (bootstrap over groups) beyond what is allowed. Tested in this fixed order, the chance of a bar
that allows too much does not grow with the number of steps (Angelopoulos et al., "Learn then test", 2021:
fixed sequence testing). Labels of people have a veto: where their interval lies wholly beyond what is
allowed, the bar is not taken.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from rubricator.config import Metric
from rubricator.label_space import LabelSpace
from rubricator.models.training_result import FIGURES
from rubricator.stats.arrays import Bools, Floats, Indices
from rubricator.stats.bootstrap import Estimate, percentile_interval, resample_groups
from rubricator.stats.counts import GroupedCounts

SHARES = (*(step / 20 for step in range(1, 12)), *(step / 100 for step in range(60, 101)))
"""How many texts the student answers at each step, as a share of all."""
_DRAWS = 400
_CONFIDENCE = 0.9  # of an interval to both sides, whose upper end is a bound of 95 %


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """Texts that the student did not learn from, and what both models say of them.

    Attributes:
        probabilities: Calibrated, of the slower model, shape [texts, categories].
        decided: What it decides, same shape.
        own: What the student decides, same shape.
        alike: How probable it is that both decide alike, told by the student alone, shape [texts].
        groups: Of near-duplicates.
        labelled: Rows that people labelled in a way that may measure.
        truth: What they said, shape [labelled, categories].
        unseen: What the slower model decides of these where it did not learn from them, same shape.
    """

    probabilities: Floats
    decided: Bools
    own: Bools
    alike: Floats
    groups: Sequence[str]
    labelled: Indices
    truth: Bools
    unseen: Bools


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeedPoint:
    """What one bar does.

    Attributes:
        bar: Least probability of deciding alike with which the student answers.
        share: Of the texts, those it answers.
        flips: Share of all texts that are decided otherwise than by the slower model.
        fall: Of the metric, in expectation; `high` is a one-sided bound of 95 %.
        measured: Of the metric, on texts that people labelled; undefined where there are none.
        texts_per_second: From the measured rates of both.
    """

    bar: float
    share: float
    flips: float
    fall: Estimate
    measured: Estimate
    texts_per_second: float

    def kept(self, max_drop: float) -> bool:
        """Whether the metric surely falls by no more, and labels of people do not say otherwise."""
        bound, least = self.fall.high, self.measured.low
        return bound is not None and bound <= max_drop and (least is None or least <= max_drop)


@dataclass(frozen=True, slots=True)
class Rates:
    """Texts a second of either model alone."""

    student: float
    rest: float

    def together(self, share: float) -> float:
        """Texts a second if the student answers this share and the other model, after it, the rest."""
        return 1 / (1 / self.student + (1 - share) / self.rest)


class _Falls:
    """How far a figure falls when decisions change, on the same samples of groups for all of them."""

    def __init__(
        self,
        truth: Bools | Floats,
        before: Bools,
        groups: Sequence[str],
        *,
        figure: str,
        space: LabelSpace | None,
        draws: int,
        seed: int,
    ) -> None:
        self._truth, self._groups, self._figure, self._space = truth, groups, figure, space
        self._draws = list(resample_groups(len(set(groups)), draws=draws, seed=seed))
        self._point, self._samples = self._figures(before)

    def to(self, after: Bools) -> Estimate:
        """The fall, with the interval of the paired samples."""
        point, samples = self._figures(after)
        fall = float(self._point - point)
        if np.isnan(fall):
            return Estimate(None)
        return Estimate(fall, *percentile_interval(self._samples - samples, confidence=_CONFIDENCE))

    def _figures(self, decided: Bools) -> tuple[float, Floats]:
        # Where the truth is only probable, so is what is right.
        right = None if self._space is None else self._space.confidence(np.asarray(self._truth), decided)
        counts = GroupedCounts(self._truth, decided, self._groups, right=right)
        samples = [counts.figures(draw)[self._figure] for draw in self._draws]
        return float(counts.figures()[self._figure][0]), np.concatenate(samples)


def speed_curve(
    judged: Judged, rates: Rates, *, metric: Metric, space: LabelSpace, seed: int, draws: int = _DRAWS
) -> tuple[SpeedPoint, ...]:
    """What each bar does, from the highest to the lowest; `draws` bootstrap samples are behind a bound."""
    sampling: dict[str, Any] = {"figure": FIGURES[metric], "draws": draws, "seed": seed}
    expected = _Falls(judged.probabilities, judged.decided, judged.groups, space=space, **sampling)
    observed = None
    if len(judged.labelled):
        groups = [judged.groups[row] for row in judged.labelled.tolist()]
        observed = _Falls(judged.truth, judged.unseen, groups, space=None, **sampling)
    points = []
    for bar in _bars(judged.alike):
        settled = (judged.alike >= bar)[:, None]
        decided = np.where(settled, judged.own, judged.decided)
        of_labelled = np.where(settled[judged.labelled], judged.own[judged.labelled], judged.unseen)
        share = float(settled.mean())
        points.append(
            SpeedPoint(
                bar=bar,
                share=share,
                flips=float((decided != judged.decided).any(axis=1).mean()),
                fall=expected.to(decided),
                measured=observed.to(of_labelled) if observed else Estimate(None),
                texts_per_second=rates.together(share),
            )
        )
    return tuple(points)


def _bars(alike: Floats) -> list[float]:
    """One for each share of texts, descending; equal ones are one."""
    return sorted(set(np.quantile(alike, [1 - share for share in SHARES]).tolist()), reverse=True)


def lowest_bar(points: Sequence[SpeedPoint], max_drop: float) -> SpeedPoint | None:
    """The last bar, from the highest on, before one that might cost more than allowed; None if none may."""
    lowest = None
    for point in points:
        if not point.kept(max_drop):
            break
        lowest = point
    return lowest
