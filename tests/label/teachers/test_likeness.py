"""Likeness of texts to descriptions, on vectors that can be reckoned by hand."""

import numpy as np

from rubricator.label.teachers.likeness import piece_likeness, standardised


def rows(*values):
    return np.array(values, dtype=np.float32)


TEXTS = rows([1, 0, 0], [0, 1, 0])
NEAR, FAR = [1, 0, 0], [-1, 0, 0]


def test_a_text_is_as_like_as_the_two_nearest_pieces():
    other = rows([0, 1, 0], [0, -1, 0])
    few = piece_likeness(TEXTS, [rows(NEAR, NEAR, FAR, FAR), other])
    # The middle is 0, so each piece stays where it is; those far away do not count.
    np.testing.assert_allclose(few, [[1, 0], [0, 0]], atol=1e-6)


def test_one_piece_is_enough():
    np.testing.assert_allclose(piece_likeness(TEXTS, [rows(NEAR), rows(FAR)])[0], [1, -1], atol=1e-6)


def test_a_category_of_many_pieces_does_not_move_the_middle_to_itself():
    once = piece_likeness(TEXTS, [rows(NEAR), rows([0, 1, 0])])
    often = piece_likeness(TEXTS, [rows(*[NEAR] * 9), rows([0, 1, 0])])
    np.testing.assert_allclose(often, once, atol=1e-6)


def test_one_scale_keeps_the_order_of_categories():
    scores = rows([0.2, 0.3, 0.1], [0.9, 0.0, 0.8])
    found = standardised(scores)
    assert (found.argsort(axis=1) == scores.argsort(axis=1)).all()
    np.testing.assert_allclose(standardised(scores * 7 + 3), found, atol=1e-5)


def test_scores_that_are_all_equal_say_nothing():
    assert standardised(np.full((2, 3), 0.4, dtype=np.float32)).tolist() == [[0] * 3] * 2
