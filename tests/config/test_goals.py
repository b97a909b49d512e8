"""Goals as people write them, and what is wrong with them."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from rubricator.config.goals import TEMPLATES, Goal


def goal(**settings: Any) -> Goal:
    return Goal.model_validate({"name": "one", **settings})


@pytest.mark.parametrize("template", TEMPLATES)
def test_a_template_fills_in_what_is_not_written(template: str) -> None:
    bare = goal(template=template)
    assert bare.metric == TEMPLATES[template]["metric"]
    assert "smallest_change" in bare.assumed
    own = goal(template=template, smallest_change=0.3, metric="mine")
    assert (own.smallest_change, own.metric) == (0.3, "mine")
    assert not {"smallest_change", "metric"} & set(own.assumed)
    assert goal(**own.model_dump(mode="json", exclude={"name"})) == own.model_copy(update={"assumed": ()})


def test_the_least_difference_has_the_direction_of_the_goal() -> None:
    assert goal(metric="m", baseline=0.2).smallest_difference == pytest.approx(0.02)
    seconds = goal(metric="s", kind="mean", baseline=20.0, direction="down", smallest_change=0.25)
    assert seconds.smallest_difference == pytest.approx(-5)
    assert goal(metric="m").smallest_difference is None


@pytest.mark.parametrize(
    ("settings", "fault"),
    [
        ({"template": "editor"}, "did you mean 'editors'"),
        ({"metric": "m", "baseline": 12}, "between 0 and 1"),
        ({"metric": "m", "baseline": 0.12, "target": 0.1}, "no better"),
        ({"metric": "m", "kind": "mean", "baseline": 5, "target": 9, "direction": "down"}, "no better"),
        ({"metric": "m", "baseline": 0.9, "smallest_change": 0.2}, "outside 0 to 1"),
        ({"baseline": 0.1}, "metric"),
        ({"metric": "m", "baseline": 0.1, "guardrails": [{"metric": "x", "worst": 0}]}, "worst"),
    ],
)
def test_what_makes_no_sense_is_refused(settings: dict[str, Any], fault: str) -> None:
    with pytest.raises(ValidationError, match=fault):
        goal(**settings)
