"""How many texts need no person."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rubricator.stats.coverage import FEWEST, coverage_points, precision_by_coverage


def test_the_surest_texts_go_without_a_person_as_long_as_enough_are_right():
    confidence = np.linspace(1, 0, 100)
    right = np.arange(100) < 70
    point = {one.precision: one for one in coverage_points(confidence, right, (0.5, 0.9, 1.0))}
    assert point[1.0].coverage == 0.7
    assert point[0.9].coverage == pytest.approx(0.77)
    assert point[0.9].confidence == pytest.approx(confidence[76])
    assert point[0.9].reached.value == pytest.approx(70 / 77)
    assert point[0.5].coverage == 1.0


def test_what_no_texts_reach_or_only_a_few_is_not_promised():
    confidence, right = np.linspace(1, 0, 60), np.zeros(60, dtype=bool)
    right[: FEWEST - 1] = True
    (point,) = coverage_points(confidence, right, (1.0,))
    assert (point.coverage, point.confidence, point.reached.value) == (0.0, None, None)


@given(st.lists(st.tuples(st.sampled_from([0.1, 0.4, 0.5, 0.9]), st.booleans()), min_size=1, max_size=200))
def test_a_threshold_takes_all_texts_as_sure_or_none(rows):
    confidence, right = np.array([one for one, _ in rows]), np.array([two for _, two in rows])
    coverage, precision, least = precision_by_coverage(confidence, right)
    for share, correct, limit in zip(coverage, precision, least, strict=True):
        taken = confidence >= limit
        assert share == pytest.approx(taken.mean())
        assert correct == pytest.approx(right[taken].mean())
    assert coverage[-1] == 1
