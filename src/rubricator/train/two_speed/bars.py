"""Which texts a student may answer: as many as the metric allows, and no more than is surely so.

Few texts have labels of people, and half a point of a metric cannot be told on a hundred of them. So the fall
is estimated on all texts that the student did not learn from, labelled or not: the calibrated probabilities
of the model that taught it stand for the truth, and every decision that the student would take otherwise
costs what they say. The bar is lowered step by step, and stays where the next step would have a one-sided
95 % bound (bootstrap over groups) beyond what is allowed. Tested in this fixed order, the chance of a bar
that allows too much does not grow with the number of steps (Angelopoulos et al., "Learn then test", 2021:
fixed sequence testing). Labels of people have a veto: where their interval lies wholly beyond what is allowed, the
bar is not taken.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rubricator.config import Metric
from rubricator.label_space import LabelSpace
from rubricator.stats.arrays import Bools, Floats, Indices
from rubricator.stats.bootstrap import Estimate
from rubricator.stats.significance import Resampled, change, resample
from rubricator.train.selection import FIGURES

SHARES = (*(step / 20 for step in range(1, 20)), 0.97, 0.99, 1.0)
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


def speed_curve(
    judged: Judged, rates: Rates, *, metric: Metric, space: LabelSpace, seed: int
) -> tuple[SpeedPoint, ...]:
    """What each bar does, from the highest to the lowest."""
    figure = FIGURES[metric]

    def expected(decided: Bools) -> Resampled:
        right = space.confidence(judged.probabilities, decided)
        return resample(
            judged.probabilities,
            decided,
            judged.groups,
            right=right,
            draws=_DRAWS,
            confidence=_CONFIDENCE,
            seed=seed,
        )

    def observed(decided: Bools) -> Resampled:
        groups = [judged.groups[row] for row in judged.labelled.tolist()]
        return resample(judged.truth, decided, groups, draws=_DRAWS, confidence=_CONFIDENCE, seed=seed)

    alone = expected(judged.decided)
    before = observed(judged.unseen) if len(judged.labelled) else None
    points = []
    for bar in _bars(judged.alike):
        settled = (judged.alike >= bar)[:, None]
        decided = np.where(settled, judged.own, judged.decided)
        share = float(settled.mean())
        measured = Estimate(None)
        if before is not None:
            own, left = judged.own[judged.labelled], judged.unseen
            measured = change(observed(np.where(settled[judged.labelled], own, left)), before, figure)
        points.append(
            SpeedPoint(
                bar=bar,
                share=share,
                flips=float((decided != judged.decided).any(axis=1).mean()),
                fall=change(expected(decided), alone, figure),
                measured=measured,
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
