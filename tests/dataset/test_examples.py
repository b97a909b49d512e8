import numpy as np
import pytest
from small_examples import make_examples

from rubricator.dataset.examples import Examples


def test_subset_takes_the_same_rows_of_everything():
    examples = make_examples(6)
    for rows in (np.array([5, 1]), np.array([False, True, False, False, False, True])):
        part = examples.subset(rows)
        assert set(part.groups) == {"1", "5"}
        for place, group in enumerate(part.groups):
            row = int(group)
            assert part.contents[place] == examples.contents[row]
            assert (part.vectors[place] == examples.vectors[row]).all()
            assert (part.targets[place] == examples.targets[row]).all()


def test_subset_keeps_the_order_of_indices():
    assert make_examples(6).subset(np.array([5, 1])).groups == ["5", "1"]


def test_subset_without_vectors():
    examples = Examples(
        contents=["а", "б"], vectors=None, targets=np.eye(2), weights=np.ones(2), groups=["1", "2"]
    )
    assert examples.subset(np.array([1])).vectors is None


def test_rows_that_do_not_match_are_refused():
    with pytest.raises(ValueError, match="'weights': 3"):
        Examples(contents=["а", "б"], vectors=None, targets=np.eye(2), weights=np.ones(3), groups=["1", "2"])
