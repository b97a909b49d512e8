"""A plan from a goal of `rubricator.yaml`: what the business wants becomes what the experiment measures."""

from __future__ import annotations

from typing import Any

from rubricator.config import Goal
from rubricator.errors import DataError
from rubricator.experiment.plan import make_plan
from rubricator.experiment.size import PlannedSize, planned_size

_DAYS = 28


def plan_content(goal: Goal) -> dict[str, Any]:
    """What a goal of the section `goals` fills in of a plan, as plain data for `make_plan`.

    A metric and its outcome have one name.

    Raises:
        DataError: The goal has no baseline, or does not say how many units come a day.
    """
    missing = [name for name in ("baseline", "per_day") if getattr(goal, name) is None]
    missing += ["over"] if goal.kind == "ratio" and goal.over is None else []
    if missing:
        raise DataError(
            f"The goal '{goal.name}' says nothing of {' and '.join(missing)}, so no experiment can be sized.",
            fix="Measure it and write it into `goals:`.",
        )
    metric = {
        "kind": goal.kind,
        "over": goal.over,
        "direction": goal.direction,
        "baseline": goal.baseline,
        "deviation": goal.deviation,
    }
    return {
        "hypothesis": goal.about,
        "goal": {
            "name": goal.metric,
            "event": goal.metric,
            "smallest_change": goal.smallest_change,
            **metric,
        },
        "guardrails": [
            {
                "name": one.metric,
                "event": one.metric,
                "kind": one.kind,
                "over": one.over,
                "direction": one.direction,
                "worst": one.worst,
            }
            for one in goal.guardrails
        ],
        "unit": goal.unit,
        "traffic": goal.per_day,
    }


def goal_size(goal: Goal) -> PlannedSize | None:
    """What `ab plan --goal` says that an experiment takes; None where the goal lacks what tells it.

    Without `per_day` it runs for four weeks.

    Raises:
        DataError: It would take longer than ten years.
    """
    if goal.baseline is None or (goal.kind != "proportion" and goal.deviation is None):
        return None
    known = {"per_day": goal.per_day or 1.0, "over": goal.over or "over"}
    content = plan_content(goal.model_copy(update=known if goal.kind == "ratio" else known | {"over": None}))
    # Names and the unit say nothing of the size, and may not be those of a plan yet.
    plan = make_plan(content | {"name": "goal", "unit": "user"}, where=f"The goal '{goal.name}'")
    return planned_size(plan, days=None if goal.per_day else _DAYS)
