"""Thresholds from costs are those of the least expected cost."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rubricator.config import Cost
from rubricator.errors import ConfigError
from rubricator.label_space import LabelSpace
from rubricator.train.calibration.costs import cost_thresholds
from rubricator.train.calibration.rule import cross_decide, fit_rule

prices = st.floats(0.1, 100)
KEYS = ("a", "b", "c")


def cost_of(wrong: float, missed: list[float]) -> Cost:
    categories = {key: {"missed": price} for key, price in zip(KEYS, missed, strict=True)}
    return Cost.model_validate({"wrong": wrong, "missed": 1, "categories": categories})


@given(prices, st.lists(prices, min_size=3, max_size=3), st.integers(0, 2**32 - 1), st.booleans())
def test_no_other_decision_is_expected_to_cost_less(
    wrong: float, missed: list[float], seed: int, single: bool
) -> None:
    space, cost = LabelSpace(KEYS, single), cost_of(wrong, missed)
    random = np.random.default_rng(seed)
    probabilities = random.dirichlet(np.ones(3), 20) if single else random.random((20, 3))
    decisions = space.decide(probabilities, cost_thresholds(cost, space))
    given_, not_given = (1 - probabilities) * wrong, probabilities * np.array(missed)
    expected = np.where(decisions, given_, not_given).sum(axis=1)
    answers = np.eye(3, dtype=bool) if single else np.array(list(np.ndindex(2, 2, 2)), dtype=bool)
    best = np.min([np.where(answer, given_, not_given).sum(axis=1) for answer in answers], axis=0)
    assert expected == pytest.approx(best, rel=1e-9)


def test_equal_costs_leave_the_likeliest_category() -> None:
    space = LabelSpace(KEYS, single=True)
    probabilities = np.random.default_rng(1).dirichlet(np.ones(3), 500)
    thresholds = cost_thresholds(Cost(wrong=3, missed=8), space)
    assert (space.decide(probabilities, thresholds) == space.decide(probabilities)).all()


def test_rules_take_the_thresholds_as_they_are() -> None:
    space = LabelSpace(KEYS, single=False)
    random = np.random.default_rng(2)
    targets = (random.random((60, 3)) < 0.4).astype(float)
    logits = 4 * targets - 2 + random.normal(size=targets.shape)
    thresholds = cost_thresholds(cost_of(1, [1, 3, 9]), space)
    rule = fit_rule(logits, targets, np.ones(60), space=space, thresholds=thresholds)
    assert rule.threshold == pytest.approx([0.5, 0.25, 0.1])
    free = fit_rule(logits, targets, np.ones(60), space=space)
    assert (rule.slope == free.slope).all()
    folds = np.arange(60) % 3
    probabilities, decisions = cross_decide(
        logits, targets, np.ones(60), folds, space=space, thresholds=thresholds
    )
    assert (decisions == (probabilities >= thresholds)).all()


def test_costs_that_no_threshold_expresses_are_refused() -> None:
    cost = Cost.model_validate({"wrong": 1, "missed": 1, "categories": {"b": {"wrong": 2}}})
    cost.check(LabelSpace(KEYS, single=False))
    with pytest.raises(ConfigError, match="exactly one"):
        cost.check(LabelSpace(KEYS, single=True))
