"""Two samples told apart: as well as they differ, and by chance alone where they do not."""

import numpy as np
import pytest

from rubricator.stats.two_sample import separability, two_sample_test


def normal(rows: int, shift: float = 0.0, *, width: int = 20, seed: int) -> np.ndarray:
    vectors = np.random.default_rng(seed).normal(size=(rows, width))
    vectors[:, 0] += shift
    return vectors


def test_what_differs_is_told_apart_as_well_as_it_differs():
    real = normal(150, seed=1)
    near, far = (two_sample_test(real, normal(90, shift, seed=2)) for shift in (1.0, 4.0))
    assert 0.65 < near.auc < 0.85, "a discriminant on this one number reaches 0.76"
    assert far.auc > 0.98
    assert near.p_value < 0.01
    assert near.sizes == (150, 90)


def test_p_values_of_equal_samples_are_spread_evenly():
    values = [
        two_sample_test(normal(40, seed=s), normal(20, seed=1000 + s), permutations=99, seed=s).p_value
        for s in range(100)
    ]
    assert 0.02 <= np.mean(np.array(values) <= 0.1) <= 0.2
    assert np.mean(values) == pytest.approx(0.5, abs=0.09)


def test_the_scale_of_the_vectors_and_more_numbers_than_vectors_do_not_matter():
    one, other = normal(30, width=200, seed=3), normal(30, 3.0, width=200, seed=4)
    found = two_sample_test(one, other)
    assert found.auc > 0.75
    assert two_sample_test(one * 1e-3, other * 1e-3).auc == pytest.approx(found.auc)


def test_too_few_vectors_say_nothing_and_too_many_are_drawn_from():
    assert two_sample_test(normal(9, seed=1), normal(90, seed=2)) is None
    assert two_sample_test(normal(1500, seed=1), normal(50, seed=2), permutations=20).sizes == (1000, 50)


def test_vectors_that_are_all_the_same_are_no_error():
    found = two_sample_test(np.ones((20, 3)), np.ones((20, 3)))
    assert found.auc == pytest.approx(0.5)
    assert found.p_value == 1.0


def test_copies_across_the_samples_share_a_group_or_they_mislead():
    real = normal(60, seed=5)
    copies = real + 0.01 * normal(60, seed=6)
    groups = [str(row) for row in range(60)] * 2
    assert two_sample_test(real, copies).auc < 0.3, "held out, each is taken for its copy"
    assert two_sample_test(real, copies, groups).auc == pytest.approx(0.5, abs=0.08)


def test_separability_is_the_figure_of_the_test_alone() -> None:
    rng = np.random.default_rng(2)
    one, other = rng.normal(size=(60, 8)), rng.normal(size=(90, 8)) + 0.4
    test = two_sample_test(one, other, permutations=1, seed=3)
    auc, sizes = separability(one, other, seed=3)
    assert (auc, sizes) == (pytest.approx(test.auc), test.sizes)
    assert separability(one[:3], other) is None
