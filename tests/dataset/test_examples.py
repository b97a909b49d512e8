from dataclasses import replace

import numpy as np
import pytest
from small_examples import make_examples

from rubricator.dataset.examples import Examples, joined


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


def with_second(examples: Examples, *, start: float = 0.0) -> Examples:
    second = np.arange(3 * len(examples), dtype=np.float32).reshape(-1, 3) + start
    return replace(examples, more_vectors={"second": second})


def test_vectors_of_a_further_encoder_go_where_those_of_the_first_go():
    examples = with_second(make_examples(6))
    part = replace(examples.subset(np.array([5, 1])), weights=np.zeros(2))
    np.testing.assert_array_equal(part.more_vectors["second"], [[15, 16, 17], [3, 4, 5]])
    inputs = part.inputs()
    np.testing.assert_array_equal(inputs.vectors("second"), part.more_vectors["second"])
    np.testing.assert_array_equal(inputs.vectors("base"), examples.vectors[[5, 1]])
    assert (
        examples.inputs({"third": lambda contents: np.ones((len(contents), 1))}).vectors("third").sum() == 6
    )


def test_joined_examples_keep_the_vectors_that_both_have():
    one, other = with_second(make_examples(2)), with_second(make_examples(3), start=100)
    both = joined(one, other)
    np.testing.assert_array_equal(
        both.more_vectors["second"], np.vstack([one.more_vectors["second"], other.more_vectors["second"]])
    )
    assert not joined(one, make_examples(3)).more_vectors


def test_vectors_of_a_further_encoder_must_match_the_texts_and_bear_another_name():
    examples = make_examples(4)
    with pytest.raises(ValueError, match="'vectors of second': 3"):
        replace(examples, more_vectors={"second": np.ones((3, 2))})
    with pytest.raises(ValueError, match="the vectors of 'base' are `vectors`"):
        replace(examples, more_vectors={"base": np.ones((4, 2))})
