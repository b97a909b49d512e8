"""A goal becomes a plan."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from rubricator.errors import DataError
from rubricator.experiment.goals import plan_content
from rubricator.experiment.plan import make_plan

GUARD = SimpleNamespace(metric="wrong", kind="proportion", direction="down", worst=0.05)
GOAL = {
    "name": "editors",
    "about": "editors spend less time",
    "metric": "seconds",
    "kind": "mean",
    "direction": "down",
    "baseline": 19.0,
    "deviation": 12.0,
    "smallest_change": 0.25,
    "unit": "article",
    "per_day": 300.0,
    "guardrails": (GUARD,),
}


def test_a_goal_fills_in_a_plan():
    plan = make_plan({"name": "faster", **plan_content(SimpleNamespace(**GOAL))}, where="the goal")
    assert (plan.goal.event, plan.goal.target, plan.unit, plan.traffic) == ("seconds", 14.25, "article", 300)
    assert [(one.event, one.worst) for one in plan.guardrails] == [("wrong", 0.05)]


@pytest.mark.parametrize("missing", ["baseline", "per_day"])
def test_a_goal_that_cannot_be_sized_says_why(missing):
    with pytest.raises(DataError, match=missing):
        plan_content(SimpleNamespace(**GOAL | {missing: None}))
