"""A goal becomes a plan."""

from __future__ import annotations

from typing import Any

import pytest

from rubricator.config import Goal
from rubricator.errors import DataError
from rubricator.experiment.goals import plan_content
from rubricator.experiment.plan import make_plan


def goal(**settings: Any) -> Goal:
    return Goal.model_validate(
        {"name": "faster", "template": "editors", "deviation": 12.0, "per_day": 300, **settings}
    )


def test_a_goal_fills_in_a_plan():
    plan = make_plan({"name": "faster", **plan_content(goal())}, where="the goal")
    assert (plan.goal.event, plan.goal.target, plan.unit, plan.traffic) == ("seconds", 14.25, "article", 300)
    assert [(one.event, one.worst) for one in plan.guardrails] == [("wrong", 0.05)]


def test_a_ratio_says_what_stands_below_its_line():
    clicks = {"metric": "clicks", "kind": "ratio", "baseline": 0.1, "target": None, "direction": "up"}
    with pytest.raises(DataError, match="nothing of over"):
        plan_content(goal(**clicks))
    plan = make_plan({"name": "g", **plan_content(goal(**clicks, over="views"))}, where="the goal")
    assert plan.events == {"clicks", "views", "wrong"}


@pytest.mark.parametrize("missing", ["baseline", "per_day"])
def test_a_goal_that_cannot_be_sized_says_why(missing):
    with pytest.raises(DataError, match=missing):
        plan_content(goal(**{missing: None, "target": None}))
