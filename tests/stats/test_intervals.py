from __future__ import annotations

import numpy as np
import pytest

from rubricator.stats.bootstrap import percentile_interval, resample_groups


def test_every_draw_has_as_many_groups_as_there_are():
    drawn = np.concatenate(list(resample_groups(7, draws=250, seed=1)))
    assert drawn.shape == (250, 7)
    assert (drawn.sum(axis=1) == 7).all()
    assert drawn.mean(axis=0) == pytest.approx(np.ones(7), abs=0.25)


def test_the_interval_leaves_equal_tails():
    assert percentile_interval(np.arange(101.0), confidence=0.9) == pytest.approx((5, 95))


def test_samples_where_the_figure_was_undefined_are_left_out():
    samples = np.append(np.arange(101.0), [np.nan] * 50)
    assert percentile_interval(samples, confidence=0.9) == pytest.approx((5, 95))


@pytest.mark.parametrize("samples", [[np.nan] * 3, [0.4, np.nan, np.nan], []])
def test_no_interval_from_the_lucky_few(samples):
    assert percentile_interval(np.array(samples, dtype=float), confidence=0.9) == (None, None)
