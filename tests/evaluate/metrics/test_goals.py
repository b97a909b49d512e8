"""Goals and the cost of mistakes, held to counting by hand."""

from __future__ import annotations

import numpy as np
import pytest

from rubricator.config import Cost, Goal
from rubricator.dataset.goals import GoalStanding
from rubricator.evaluate.metrics.goals import goal_standings, mistake_costs
from rubricator.evaluate.metrics.scored_predictions import ScoredPredictions
from rubricator.label_space import LabelSpace
from rubricator.stats.bootstrap import Estimate

SAMPLING = {"bootstrap": 200, "confidence": 0.95, "seed": 1}


def scored(truth: np.ndarray, decisions: np.ndarray) -> ScoredPredictions:
    names = [str(row) for row in range(len(truth))]
    return ScoredPredictions(
        part="test",
        about="",
        ids=names,
        contents=names,
        groups=names,
        truth=truth,
        probabilities=np.where(decisions, 0.9, 0.1),
        decisions=decisions,
        origins=["golden"] * len(names),
    )


@pytest.fixture(scope="module")
def part() -> ScoredPredictions:
    random = np.random.default_rng(3)
    truth = random.random((80, 3)) < 0.4
    return scored(truth, truth ^ (random.random((80, 3)) < 0.15))


SPACE = LabelSpace(("a", "b", "c"), single=False)


def standing(part: ScoredPredictions, **settings: object) -> GoalStanding:
    goal = Goal.model_validate({"name": "one", "metric": "ctr", **settings})
    return goal_standings(part, [goal], SPACE, **SAMPLING)[0]


def test_a_goal_is_measured_over_its_categories_alone(part: ScoredPredictions) -> None:
    truth, decisions = part.truth[:, [0, 2]], part.decisions[:, [0, 2]]
    precision = standing(part, offline="precision", categories=["a", "c"]).figure
    assert precision.value == pytest.approx((truth & decisions).sum() / decisions.sum())
    assert precision.low < precision.value < precision.high
    recall = standing(part, offline="recall", categories=["c", "a"]).figure
    assert recall.value == pytest.approx((truth & decisions).sum() / truth.sum())


def test_the_override_rate_is_what_accuracy_leaves(part: ScoredPredictions) -> None:
    accuracy, overrides = (standing(part, offline=name).figure for name in ("accuracy", "override_rate"))
    assert overrides.value == pytest.approx(1 - accuracy.value)
    assert (overrides.low, overrides.high) == pytest.approx((1 - accuracy.high, 1 - accuracy.low))


@pytest.mark.parametrize(
    ("offline", "target", "state"),
    [
        ("precision", 0.6, "reached"),
        ("precision", 0.7, "unsure"),
        ("precision", 0.8, "missed"),
        ("override_rate", 0.8, "reached"),
        ("override_rate", 0.6, "missed"),
        ("precision", None, ""),
    ],
)
def test_a_goal_is_reached_or_missed_where_the_whole_interval_says_so(
    offline: str, target: float | None, state: str
) -> None:
    figure = Estimate(0.7, 0.65, 0.75)
    one = GoalStanding(
        name="", about="", offline=offline, categories=(), figure=figure, target=target, texts=9, unchecked=0
    )
    assert one.state == state


def test_costs_are_those_of_counting(part: ScoredPredictions) -> None:
    cost = Cost.model_validate({"wrong": 2, "missed": 5, "categories": {"b": {"missed": 7}}})
    costs = mistake_costs(part, cost, SPACE, **SAMPLING)
    wrong = (part.decisions & ~part.truth).sum(axis=0)
    missed = (part.truth & ~part.decisions).sum(axis=0)
    by_hand = 1000 / 80 * (2 * wrong.sum() + 5 * (missed[0] + missed[2]) + 7 * missed[1])
    assert costs.per_thousand.value == pytest.approx(by_hand)
    assert costs.per_thousand.low < by_hand < costs.per_thousand.high
    assert sum(category.per_thousand for category in costs.categories) == pytest.approx(by_hand)


@pytest.mark.parametrize("single", [True, False])
def test_no_fixed_answer_is_cheaper_than_the_one_named(part: ScoredPredictions, single: bool) -> None:
    space = LabelSpace(SPACE.keys, single=single)
    truth = np.eye(3, dtype=bool)[np.arange(80) % 4 % 3] if single else part.truth
    cost = Cost.model_validate({"wrong": 2, "missed": 5, "categories": {"b": {"missed": 40}}})
    everything = np.eye(3, dtype=bool) if single else np.array(list(np.ndindex(2, 2, 2)), dtype=bool)
    prices = [
        mistake_costs(scored(truth, np.tile(answer, (80, 1))), cost, space, **SAMPLING).per_thousand.value
        for answer in everything
    ]
    named = mistake_costs(scored(truth, truth), cost, space, **SAMPLING)
    assert named.per_thousand.value == 0
    assert named.without_model == pytest.approx(min(prices))
