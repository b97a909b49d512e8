"""A plan from a goal of `rubricator.yaml`: what the business wants becomes what the experiment measures."""

from __future__ import annotations

from typing import Any

from rubricator.config import Goal
from rubricator.errors import DataError


def plan_content(goal: Goal) -> dict[str, Any]:
    """What a goal of the section `goals` fills in of a plan, as plain data for `make_plan`.

    A metric and its outcome have one name.

    Raises:
        DataError: The goal has no baseline, or does not say how many units come a day.
    """
    missing = [name for name in ("baseline", "per_day") if getattr(goal, name) is None]
    if missing:
        raise DataError(
            f"The goal '{goal.name}' says nothing of {' and '.join(missing)}, so no experiment can be sized.",
            fix="Measure it and write it into `goals:`.",
        )
    metric = {"kind": goal.kind, "direction": goal.direction, "baseline": goal.baseline}
    if goal.deviation is not None:
        metric["deviation"] = goal.deviation
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
                "direction": one.direction,
                "worst": one.worst,
            }
            for one in goal.guardrails
        ],
        "unit": goal.unit,
        "traffic": goal.per_day,
    }
