"""How many units an experiment takes that is looked at every day, and what it could find.

A fixed test of that size answers once, at its end; the always-valid intervals of `stats.sequential` may be
looked at every day, for which they need more units and mostly stop long before they have them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

from scipy.stats import norm

from rubricator.errors import DataError
from rubricator.experiment.plan import Goal, Plan, Size
from rubricator.stats.sample_size import units_for_means, units_for_proportions
from rubricator.stats.sequential import inflation, sequential_power

_MOST_LOOKS = 60  # beyond, further looks change the power by less than it is simulated to
_MOST_DAYS = 3650
_CURVE = (0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0)


@dataclass(frozen=True, slots=True)
class PowerPoint:
    """What an experiment of the planned size does if the truth is this.

    Attributes:
        change: True relative change.
        fixed: Power of one test at the end.
        sequential: Power of the intervals that are looked at every day.
        stops: Where they stop on average, as a share of the planned length; what finds nothing counts whole.
    """

    change: float
    fixed: float
    sequential: float
    stops: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedSize:
    """What a plan takes.

    Attributes:
        fixed: Units per arm of a fixed test of two equal arms, for comparison.
        factor: How many times more units the looks take.
        control: Units that arm needs; so is `treatment`.
        days: Until all of them came and their outcomes are in.
        looks: One a day, at most 60 in the simulation.
        curve: Power by true change.
    """

    fixed: int
    factor: float
    control: int
    treatment: int
    days: int
    looks: int
    curve: tuple[PowerPoint, ...]

    @property
    def total(self) -> int:
        """Units of both arms."""
        return self.control + self.treatment

    @property
    def size(self) -> Size:
        """What the plan writes down."""
        return Size(control=self.control, treatment=self.treatment, days=self.days)


def planned_size(plan: Plan, *, days: int | None = None) -> PlannedSize:
    """Units, days and power of a plan; `days` is how long it runs where its traffic is not known.

    Raises:
        DataError: The traffic would take longer than ten years.
    """
    goal, alpha = plan.goal, 1 - plan.confidence
    fixed = _fixed(goal, alpha, plan.power)
    # Two arms of unequal size need more units together.
    before, after = _variance(goal, goal.baseline), _variance(goal, goal.target)
    total = fixed * (before / (1 - plan.share) + after / plan.share) / (before + after)
    daily = total / days if days else plan.traffic * plan.layer_share
    if total / daily > _MOST_DAYS:
        raise DataError(
            f"{total:,.0f} units at {daily:,.10g} a day take {total / daily / 365:,.0f} years.",
            fix="Choose a metric that happens more often, a larger change, or a unit there are more of.",
        )
    looks = _looks(total / daily)
    for _ in range(3):  # the factor depends on the number of looks, and hardly
        factor = _inflation(plan.power, looks, plan.confidence)
        looks = _looks(days or total * factor / daily)
    total *= factor
    z = norm.isf(alpha / 2)
    planned_drift = (z + norm.isf(1 - plan.power)) * math.sqrt(factor)
    return PlannedSize(
        fixed=fixed,
        factor=factor,
        control=math.ceil(total * (1 - plan.share)),
        treatment=math.ceil(total * plan.share),
        days=days or math.ceil(total / daily + plan.window_hours / 24),
        looks=looks,
        curve=tuple(
            PowerPoint(
                times * goal.smallest_change,
                float(norm.sf(z - times * planned_drift) + norm.cdf(-z - times * planned_drift)),
                *sequential_power(times * planned_drift, looks=looks, confidence=plan.confidence),
            )
            for times in _CURVE
        ),
    )


def sized(plan: Plan) -> Plan:
    """The plan with its size written down.

    Raises:
        DataError: Another size stands there already, or it takes longer than ten years.
    """
    size = planned_size(plan).size
    if plan.size is not None and plan.size != size:
        written = plan.size
        raise DataError(
            f"The plan says {written.control:,} + {written.treatment:,} units in {written.days} days, but "
            f"what it assumes takes {size.control:,} + {size.treatment:,} in {size.days}.",
            fix="Take `size` out of the file and run `rubricator ab plan FILE` again.",
        )
    return plan.model_copy(update={"size": size})


def _fixed(goal: Goal, alpha: float, power: float) -> int:
    if goal.kind == "proportion":
        return units_for_proportions(goal.baseline, goal.difference, alpha=alpha, power=power)
    assert goal.deviation is not None
    return units_for_means(goal.deviation, goal.difference, alpha=alpha, power=power)


def _variance(goal: Goal, level: float) -> float:
    if goal.kind == "proportion":
        return level * (1 - level)
    assert goal.deviation is not None
    return goal.deviation**2


def _looks(days: float) -> int:
    return max(1, min(_MOST_LOOKS, math.ceil(days)))


@lru_cache(maxsize=16)  # half a second each
def _inflation(power: float, looks: int, confidence: float) -> float:
    return inflation(power, looks=looks, confidence=confidence)
