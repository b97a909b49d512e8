import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from rubricator.label_space import DecisionRule, LabelSpace

logits = arrays(np.float64, st.tuples(st.integers(0, 6), st.just(3)), elements=st.floats(-50, 50))


@given(logits)
def test_single_label_probabilities_sum_to_one_and_exactly_one_wins(z: np.ndarray) -> None:
    rule = DecisionRule.identity(LabelSpace.of_size(3, single=True))
    p = rule.probabilities(z)
    np.testing.assert_allclose(p.sum(axis=1), 1)
    assert (rule.decide(p).sum(axis=1) == 1).all()


@given(logits)
def test_multi_label_categories_do_not_know_of_each_other(z: np.ndarray) -> None:
    rule = DecisionRule(
        LabelSpace.of_size(3, single=False),
        np.array([1.0, 2, 3]),
        np.array([0.0, 1, -1]),
        np.array([0.5, 0.2, 0.9]),
    )
    first = DecisionRule(
        LabelSpace.of_size(1, single=False), rule.slope[:1], rule.intercept[:1], rule.threshold[:1]
    )
    np.testing.assert_array_equal(rule.probabilities(z)[:, :1], first.probabilities(z[:, :1]))


def test_a_probability_at_the_threshold_is_enough() -> None:
    rule = DecisionRule(LabelSpace.of_size(2, single=False), np.ones(2), np.zeros(2), np.array([0.5, 0.7]))
    assert rule.decide(np.array([[0.5, 0.69]])).tolist() == [[True, False]]
