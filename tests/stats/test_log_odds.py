"""Which words one group uses more than the others."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from rubricator.stats.log_odds import log_odds

COUNTS = arrays(np.float64, (2, 5), elements=st.integers(0, 400).map(float))


def test_the_figures_are_those_of_the_paper():
    """Equations 16, 20 and 22, written out for one word with a prior of as many words as the group has."""
    inside, outside = np.array([[6.0, 14.0]]), np.array([[4.0, 76.0]])
    odds = log_odds(inside, outside)
    alpha, weight = 20 * 10 / 100, 20
    one = np.log((6 + alpha) / (20 + weight - 6 - alpha))
    other = np.log((4 + alpha) / (80 + weight - 4 - alpha))
    assert odds.ratio[0, 0] == pytest.approx(one - other)
    assert odds.z[0, 0] == pytest.approx((one - other) / np.sqrt(1 / (6 + alpha) + 1 / (4 + alpha)))


def test_neither_a_rare_nor_a_common_word_wins():
    # a word of one text, one that the group says five times as often, one that all say alike
    inside, outside = np.array([[1.0, 30.0, 169.0]]), np.array([[0.0, 54.0, 1746.0]])
    assert np.argmax(log_odds(inside, outside).z) == 1


@given(COUNTS, COUNTS)
def test_what_marks_one_side_is_what_the_other_lacks(inside, outside):
    one, other = log_odds(inside, outside), log_odds(outside, inside)
    assert np.isfinite(one.z).all()
    np.testing.assert_allclose(one.z, -other.z, atol=1e-9)
    assert (one.z[(inside + outside) == 0] == 0).all()


def test_a_group_with_nothing_to_compare_it_with_has_no_marks():
    counts = np.array([[3.0, 5.0]])
    assert not log_odds(counts, np.zeros((1, 2))).z.any()
    assert not log_odds(np.zeros((1, 2)), counts).z.any()
