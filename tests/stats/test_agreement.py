"""Cohen's kappa, alone and under weights."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score

from rubricator.stats.agreement import cohen_kappa, numbered, weighted_kappas

ANSWERS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=2, max_size=40)


@given(ANSWERS)
def test_kappa_is_that_of_scikit_learn(pairs):
    one, other = np.array(pairs).T
    kappa = cohen_kappa(one, other)
    if len({*one.tolist(), *other.tolist()}) < 2:
        assert kappa is None
    else:
        assert kappa == pytest.approx(cohen_kappa_score(one, other))


@given(ANSWERS, st.data())
def test_a_weight_counts_a_text_so_often(pairs, data):
    one, other = np.array(pairs).T
    times = np.array(data.draw(st.lists(st.integers(0, 3), min_size=len(one), max_size=len(one))))
    times[0] += 1
    (weighted,) = weighted_kappas(one, other, times[None].astype(float))
    repeated = cohen_kappa(np.repeat(one, times), np.repeat(other, times))
    assert np.isnan(weighted) if repeated is None else weighted == pytest.approx(repeated)


def test_nothing_has_no_kappa_and_any_answers_can_be_numbered():
    assert cohen_kappa([], []) is None
    assert numbered([("a",), (), ("a",)]).tolist() == [0, 1, 0]
