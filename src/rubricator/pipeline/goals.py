"""Goals: where each stands on the texts that a run was measured on, and what an experiment would take."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from rubricator.config import Config, Goal
from rubricator.dataset.goals import GoalStanding
from rubricator.errors import ConfigError, DataError
from rubricator.evaluate.metrics.goals import goal_standings
from rubricator.evaluate.metrics.prediction_table import SCORED, read_scored
from rubricator.experiment.goals import goal_size
from rubricator.experiment.size import PlannedSize

_LONG = 28  # days beyond which seasons, other releases and lost cookies blur what an experiment shows
_RARE = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class GoalPlan:
    """One goal, where it stands, and what it would take to show the smallest change worth having.

    Attributes:
        standing: Its offline figure; None where no run was measured.
        size: What `ab plan` says that an experiment takes; None where the settings do not suffice.
        notes: What is missing, what was assumed, and what would be cheaper, a sentence each.
    """

    goal: Goal
    standing: GoalStanding | None
    size: PlannedSize | None
    notes: tuple[str, ...] = ()

    @property
    def units(self) -> int | None:
        """Units in each of two arms of an experiment that is looked at once, at its end."""
        return None if self.size is None else self.size.fixed

    @property
    def sequential_units(self) -> int | None:
        """The same of one that is looked at daily; without `per_day`, for four weeks."""
        return None if self.size is None else self.size.control

    @property
    def days(self) -> int | None:
        """Days of that one; None where `per_day` is not known."""
        return None if self.size is None or self.goal.per_day is None else self.size.days


def plan_goals(config: Config, folder: Path) -> list[GoalPlan]:
    """Every goal of the settings, measured on the predictions in the folder of a run where there are some.

    Raises:
        ConfigError: The settings name no goal, or one of them a category that the run does not know.
        DataError: The run's predictions cannot be read.
    """
    if not config.goals:
        raise ConfigError(
            "The settings name no goals.",
            fix="Write a section `goals`; `rubricator goals --templates` shows three to start from.",
        )
    standings = _standings(config, folder)
    return [_plan(goal, standings.get(goal.name)) for goal in config.goals]


def _standings(config: Config, folder: Path) -> dict[str, GoalStanding]:
    if not (folder / SCORED).exists():
        return {}
    predictions = read_scored(folder / SCORED)
    config.check_categories(predictions.space)
    measured = goal_standings(
        predictions.parts[0],
        config.goals,
        predictions.space,
        bootstrap=config.evaluate.bootstrap,
        confidence=config.evaluate.confidence,
        seed=config.seed,
    )
    return {standing.name: standing for standing in measured}


def _plan(goal: Goal, standing: GoalStanding | None) -> GoalPlan:
    size: PlannedSize | None = None
    endless: list[str] = []
    try:
        size = goal_size(goal)
    except DataError as error:
        endless.append(f"{error.problem} {error.fix}")
    plan = GoalPlan(goal=goal, standing=standing, size=size)
    return replace(plan, notes=(*_missing(goal), *_assumed(goal), *endless, *_cheaper(goal, plan.days)))


def _missing(goal: Goal) -> list[str]:
    notes = []
    if goal.baseline is None:
        notes.append(
            f"`baseline` is missing: measure {goal.metric} as it is today, before anything changes; without "
            "it nobody can say later what was gained."
        )
    if goal.kind != "proportion" and goal.deviation is None:
        notes.append(
            f"`deviation` is missing: the standard deviation of {goal.metric} over today's {goal.unit}s "
            "tells how many an experiment needs."
        )
    if goal.kind == "ratio" and goal.over is None:
        notes.append(f"`over` is missing: which outcomes stand below the line of {goal.metric}?")
    if goal.offline_target is None:
        notes.append(f"`offline_target` is missing: which {goal.offline} is worth an experiment?")
    if goal.per_day is None:
        notes.append(f"`per_day` is missing: how many {goal.unit}s a day tells how long it takes.")
    return notes


def _assumed(goal: Goal) -> list[str]:
    figures = [
        f"{name} {getattr(goal, name):g}"
        for name in ("baseline", "target", "smallest_change")
        if name in goal.assumed and getattr(goal, name) is not None
    ]
    if not figures:
        return []
    return [f"Of the template, not yours: {', '.join(figures)}. Replace them by what you measured."]


def _cheaper(goal: Goal, days: int | None) -> list[str]:
    rare = goal.kind == "proportion" and goal.baseline is not None and goal.baseline < _RARE
    if not rare and (days is None or days <= _LONG):
        return []
    why = f"{goal.metric} is rare" if rare else f"{days:,} days are long"
    other = "clicks on a block of related texts, or the minutes of editors"
    return [f"{why}: a metric that moves more often, such as {other}, shows a change sooner."]
