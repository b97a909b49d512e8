"""What stands in the place of a category that was missed."""

import numpy as np

from rubricator.evaluate.metrics.mistaken import mistaken_for


def test_what_stands_where_a_category_is_missed():
    truth = np.array([[1, 0, 0], [1, 1, 0], [1, 0, 0], [0, 0, 1]], dtype=bool)
    decisions = np.array([[0, 1, 0], [0, 1, 0], [0, 1, 1], [0, 0, 1]], dtype=bool)
    assert mistaken_for(truth, decisions).tolist() == [[0, 2, 1, 1], [0, 0, 0, 0], [0, 0, 0, 0]]
