"""What a goal would take to show, and what its settings lack."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from rubricator.config import Config
from rubricator.errors import ConfigError
from rubricator.experiment.goals import plan_content
from rubricator.experiment.plan import make_plan
from rubricator.experiment.size import planned_size
from rubricator.label_space import LabelSpace
from rubricator.pipeline.goals import GoalPlan, plan_goals


def config(*goals: dict[str, Any], **settings: Any) -> Config:
    data = {"files": ["a.csv"], "columns": {"body": "text"}}
    return Config.model_validate({"data": data, "goals": goals, **settings})


def plan(tmp_path: Path, **goal: Any) -> GoalPlan:
    return plan_goals(config({"name": "one", **goal}), tmp_path)[0]


def test_a_rare_click_takes_half_a_million_impressions_and_says_what_takes_fewer(tmp_path: Path) -> None:
    rare = plan(tmp_path, template="targeting", baseline=0.003, per_day=40_000)
    # 548,000 for a power of 0.8; 1.34 times as many for 0.9, and 1.61 times for the looks.
    assert rare.units == pytest.approx(1.339 * 548_000, rel=1e-3)
    assert rare.sequential_units / rare.units == pytest.approx(1.61, rel=0.02)
    assert rare.days == pytest.approx(2 * rare.sequential_units / 40_000, abs=2)
    assert any("minutes of editors" in note for note in rare.notes)


def test_minutes_of_editors_take_few_articles(tmp_path: Path) -> None:
    editors = plan(tmp_path, template="editors", deviation=14, per_day=300, offline_target=0.3)
    assert editors.units < 200
    assert editors.days <= 4
    assert [note for note in editors.notes if "template" in note] == list(editors.notes)


@pytest.mark.parametrize(
    "goal",
    [
        {"template": "targeting", "baseline": 0.03, "per_day": 40_000},
        {"template": "editors", "deviation": 14, "per_day": 300},
        {
            "metric": "clicks",
            "kind": "ratio",
            "over": "views",
            "baseline": 0.1,
            "deviation": 1,
            "per_day": 9e4,
        },
    ],
)
def test_a_goal_takes_what_its_plan_says(tmp_path: Path, goal: dict[str, Any]) -> None:
    shown = plan(tmp_path, **goal)
    size = planned_size(make_plan(plan_content(shown.goal) | {"name": "g"}, where="the goal"))
    assert (shown.units, shown.sequential_units, shown.days) == (size.fixed, size.control, size.days)


def test_without_a_number_a_day_it_is_looked_at_for_four_weeks(tmp_path: Path) -> None:
    goal = {"template": "editors", "deviation": 14}
    known = plan(tmp_path, **goal)
    day = 2 * known.sequential_units / 28
    assert (known.days, known.size.looks) == (None, 28)
    again = plan(tmp_path, **goal, per_day=day)
    assert again.sequential_units == pytest.approx(known.sequential_units, rel=0.01)


def test_what_would_take_decades_is_said_and_not_sized(tmp_path: Path) -> None:
    rare = plan(tmp_path, metric="ctr", baseline=1e-6, per_day=10)
    assert rare.units is None
    assert any("years" in note for note in rare.notes)


def test_a_goal_without_a_baseline_says_what_is_missing(tmp_path: Path) -> None:
    bare = plan(tmp_path, metric="ctr")
    assert (bare.units, bare.sequential_units, bare.days, bare.standing) == (None, None, None, None)
    missing = " ".join(bare.notes)
    assert all(f"`{name}` is missing" in missing for name in ("baseline", "offline_target", "per_day"))
    assert any("`deviation`" in note for note in plan(tmp_path, metric="s", kind="mean", baseline=3).notes)


def test_settings_without_goals_say_where_to_begin(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no goals") as refused:
        plan_goals(config(), tmp_path)
    assert "--templates" in refused.value.fix


def test_categories_that_are_not_there_are_refused_by_name() -> None:
    space = LabelSpace(("sport", "economy"), single=False)
    for settings, where in (
        (config({"name": "g", "metric": "m", "categories": ["sprot"]}), "goals: g"),
        (config(decision={"cost": {"wrong": 1, "missed": 1, "categories": {"sprot": {}}}}), "decision.cost"),
    ):
        with pytest.raises(ConfigError, match=f"{where}.*did you mean 'sport'"):
            settings.check_categories(space)


def test_two_goals_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="two goals"):
        config({"name": "g", "metric": "m"}, {"name": "g", "metric": "n"})
