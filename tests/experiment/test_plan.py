"""Plans: what they refuse, what they take, and that they do not change."""

from __future__ import annotations

import pytest
from tests.experiment.conftest import START, plan_of

from rubricator.errors import DataError
from rubricator.experiment.plan import read_plan, write_plan
from rubricator.experiment.size import planned_size, sized
from rubricator.experiment.started import start_experiment, started_experiment, still_runs, stop_experiment
from rubricator.stats.sequential import sequential_power

GOAL = {"name": "ctr", "event": "click", "baseline": 0.1, "smallest_change": 0.2}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"arms": {"control": {}}}, "two arms"),
        ({"arms": {}}, "not none"),
        ({"traffic": 0}, "traffic: Input should be greater than 0"),
        ({"goal": GOAL | {"smallest_change": 0}}, "smallest_change: Input should be greater than 0"),
        ({"goal": GOAL | {"baseline": 0}}, "between 0 and 1"),
        ({"goal": GOAL | {"baseline": 1.2}}, "between 0 and 1"),
        ({"goal": GOAL | {"baseline": 0.9}}, "which none can be"),
        ({"goal": {key: value for key, value in GOAL.items() if key != "baseline"}}, "baseline: is required"),
        ({"goal": GOAL | {"kind": "mean", "baseline": 3}}, "needs `deviation`"),
        ({"goal": GOAL | {"kind": "mean", "baseline": 0, "deviation": 1}}, "baseline of 0"),
        ({"goal": GOAL | {"kind": "ratio", "deviation": 1}}, "`over`"),
        ({"metrics": [{"name": "ctr", "event": "view"}]}, "several metrics are named ctr"),
        (
            {"arms": {"control": {"artifact": "runs/Treatment"}, "treatment": {}}},
            "the artifact of control is called",
        ),
        ({"arms": {"control": {"artifact": "a"}, "treatment": {"artifact": "a"}}}, "compares nothing"),
        ({"trafic": 3}, "did you mean 'traffic'?"),
        ({"guardrails": [{"name": "speed", "event": "second", "kind": "mean"}]}, "worst: is required"),
    ],
)
def test_what_cannot_be_planned_is_refused_with_the_reason(changes, said):
    with pytest.raises(DataError) as refused:
        plan_of(**changes)
    assert said in str(refused.value)


def test_a_click_rate_of_three_per_mille_takes_what_the_textbook_says():
    goal = {"name": "ctr", "event": "click", "baseline": 0.003, "smallest_change": 0.1}
    size = planned_size(plan_of(goal=goal, traffic=2_000_000, power=0.8))
    assert size.fixed == pytest.approx(548_000, rel=0.001)
    assert size.control == size.treatment > size.fixed


def test_the_size_has_the_power_that_was_asked_for():
    plan = plan_of(traffic=900)
    size = planned_size(plan)
    at_plan = next(point for point in size.curve if point.change == plan.goal.smallest_change)
    assert at_plan.sequential == pytest.approx(0.9, abs=0.01)
    assert at_plan.stops < 0.8
    assert at_plan.fixed > at_plan.sequential > sequential_power(0.0, looks=size.looks)[0]
    assert size.days == pytest.approx(size.total / plan.traffic + 1, abs=1)


def test_uneven_arms_take_more_units_and_have_their_share():
    even, uneven = planned_size(plan_of()), planned_size(plan_of(share=0.1))
    assert uneven.total > 2 * even.total
    assert uneven.treatment / uneven.total == pytest.approx(0.1, abs=0.001)


def test_what_would_take_for_ever_is_said():
    with pytest.raises(DataError, match=r"14 years|1\d years"):
        planned_size(plan_of(traffic=2))


def test_a_plan_is_read_as_it_was_written(tmp_path):
    plan = sized(plan_of(segments=["device"], guardrails=[{**GUARD, "worst": 0.05}]))
    write_plan(tmp_path / "plan.yaml", plan)
    assert read_plan(tmp_path / "plan.yaml") == plan
    assert read_plan(tmp_path / "plan.yaml").digest == plan.digest


GUARD = {"name": "reading", "event": "second", "kind": "mean"}


@pytest.mark.parametrize(("content", "said"), [("[1]", "no plan"), ("a: [", "YAML"), ("name: x", "faults")])
def test_a_file_that_is_no_plan(tmp_path, content, said):
    (tmp_path / "plan.yaml").write_text(content, encoding="utf-8")
    with pytest.raises(DataError, match=said):
        read_plan(tmp_path / "plan.yaml")
    with pytest.raises(DataError, match=r"no plan .*missing"):
        read_plan(tmp_path / "missing.yaml")


def test_a_started_plan_cannot_be_changed(store):
    start_experiment(store, plan_of(), now=START)
    changed = plan_of(goal=GOAL | {"smallest_change": 0.3})
    for use in (started_experiment, start_experiment, stop_experiment):
        with pytest.raises(DataError, match=r"goal.smallest_change: 0.2 → 0.3"):
            use(store, changed)
    assert started_experiment(store, plan_of()).plan == sized(plan_of())


def test_a_written_size_that_does_not_follow_is_refused(store):
    plan = sized(plan_of())
    wrong = plan.model_copy(update={"power": 0.7})
    with pytest.raises(DataError, match="what it assumes takes"):
        start_experiment(store, wrong)


def test_started_twice_stays_and_stopped_ends(store):
    first = start_experiment(store, plan_of(), now=START)
    assert start_experiment(store, plan_of(), now=START + 50) == first
    assert still_runs(store, "blocks")
    # A clock that was set back does not end it before it began.
    stopped = stop_experiment(store, plan_of(), note="enough", now=START - 500)
    assert (stopped.stopped, stopped.note) == (START, "enough")
    assert stop_experiment(store, plan_of(), note="again", now=START + 9) == stopped
    assert not still_runs(store, "blocks")
    with pytest.raises(DataError, match="was stopped"):
        start_experiment(store, plan_of())


def test_a_report_before_the_start_is_refused(store):
    with pytest.raises(DataError, match="was not started"):
        started_experiment(store, plan_of())
    with pytest.raises(DataError, match="does not know"):
        still_runs(store, "blocks")
