"""Where each goal stands in every run that is compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rubricator.dataset.goals import OFFLINE_NAMES, GoalStanding
from rubricator.evaluate.metrics.goals import FIGURES, offline_figure, resample_goal
from rubricator.evaluate.metrics.scored_predictions import ScoredPredictions
from rubricator.label_space import LabelSpace
from rubricator.stats.bootstrap import Estimate
from rubricator.stats.significance import change


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedGoal:
    """A goal's figure in the old run and in each new one, with what it changed by.

    Attributes:
        offline: What the figure is called for people.
        categories: Keys it is of, among those that all runs know; empty for all.
    """

    name: str
    offline: str
    categories: tuple[str, ...]
    target: float | None
    old: Estimate
    new: tuple[Estimate, ...]
    changes: tuple[Estimate, ...]


def compare_goals(
    goals: Sequence[GoalStanding],
    parts: Sequence[ScoredPredictions],
    space: LabelSpace,
    *,
    draws: int,
    confidence: float,
    seed: int,
) -> tuple[ComparedGoal, ...]:
    """The goals of which every run knows all categories, on the texts of `parts`, the old run's first."""
    compared = []
    for goal in goals:
        if any(key not in space.keys for key in goal.categories):
            continue
        samples = [
            resample_goal(part, goal.categories, space, draws=draws, confidence=confidence, seed=seed)
            for part in parts
        ]
        figures = [offline_figure(one, goal.offline) for one in samples]
        changes = [change(samples[0], one, FIGURES[goal.offline]) for one in samples[1:]]
        compared.append(
            ComparedGoal(
                name=goal.name,
                offline=OFFLINE_NAMES[goal.offline],
                categories=goal.categories,
                target=goal.target,
                old=figures[0],
                new=tuple(figures[1:]),
                changes=tuple(_reversed(one) if goal.offline == "override_rate" else one for one in changes),
            )
        )
    return tuple(compared)


def _reversed(one: Estimate) -> Estimate:
    """The change of a complement."""
    negative = [None if value is None else -value for value in (one.value, one.high, one.low)]
    return Estimate(*negative)
