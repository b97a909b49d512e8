"""Directions of categories by their descriptions."""

import numpy as np
import pytest

from rubricator.encode.descriptions import description_directions
from rubricator.encode.phrasings import pieces
from rubricator.taxonomy import Category

SEA = Category(key="sea", name="Море", description="шторм, маяки; рыбалка", keywords=["якор*"])
RAIL = Category(key="rail", name="Рельсы", description="вокзалы, поезда")
BARE = Category(key="bare", name="Прочее")


class Letters:
    """Encodes a piece as the counts of its letters, and remembers what it was asked."""

    def __init__(self):
        self.asked = []

    def encode(self, contents, *, progress=None):
        del progress
        self.asked += contents
        rows = [[piece.casefold().count(letter) for letter in "оаияшр"] for piece in contents]
        return np.array(rows, dtype=np.float32).reshape(-1, 6)


@pytest.mark.parametrize("categories", [[SEA, RAIL, BARE], [BARE, SEA]])
def test_a_direction_is_the_mean_of_the_pieces_seen_from_the_middle(categories):
    letters = Letters()
    found = description_directions(categories, letters)
    means = np.array([Letters().encode(pieces(one)).mean(axis=0) for one in categories])
    np.testing.assert_allclose(found, means - means.mean(axis=0), atol=1e-6)
    np.testing.assert_allclose(found.sum(axis=0), 0, atol=1e-6)
    assert letters.asked == [piece for one in categories for piece in pieces(one)]


def test_a_category_with_many_pieces_pulls_no_more_than_one_with_few():
    many = Category(key="many", name="Рельсы", description="рельсы 1, рельсы 2, рельсы 3, рельсы 4")
    few, more = (description_directions([SEA, rails], Letters()) for rails in (RAIL, many))
    assert np.abs(few + few[::-1]).max() == pytest.approx(0, abs=1e-6), "two lie opposite to one another"
    assert np.abs(more + more[::-1]).max() == pytest.approx(0, abs=1e-6)


def test_one_category_alone_has_no_direction():
    assert not description_directions([SEA], Letters()).any()
