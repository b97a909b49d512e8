"""The grid of attributes holds what real texts are like."""

import random

from small_augmentation import DISHES, SHOES

from rubricator.augment.attributes import AttributeGrid, LengthRange, telling_words, tone_of
from rubricator.records import Text


def test_tones_are_told_by_what_can_be_counted():
    assert tone_of("Разбилась в первый день!") == "exclaiming"
    assert tone_of("А где крышка?") == "asking"
    assert tone_of("кружка как кружка") == "careless"
    assert tone_of("Кружка как кружка.") == "plain"
    assert tone_of("👍👍") == "careless"


def test_telling_words_are_those_that_the_others_lack():
    own = ["крышка тёплая, держит тепло", "крышка треснула"]
    assert telling_words(own, ["подошва тёплая", "тёплая стелька"])[0] == "крышка"
    assert "тёплая" not in telling_words(own, ["подошва тёплая", "тёплая стелька"])
    assert "крышка" in telling_words(own, [])


def test_a_grid_draws_values_that_real_texts_have_in_new_combinations():
    own = [Text(id=str(n), body=one, content=one, source=f"s{n}") for n, one in enumerate(DISHES)]
    others = [Text(id=f"o{n}", body=one, content=one) for n, one in enumerate(SHOES)]
    grid = AttributeGrid(own, others, language="ru")
    drawn = [grid.draw(random.Random(seed)) for seed in range(60)]
    assert {one.source for one in drawn} == {text.source for text in own}
    assert {one.words for one in drawn} <= {10, 9, 11, 8, 12}
    assert len({(one.words, one.tone, one.source, one.subtopic) for one in drawn}) > len(own)
    assert grid.draw(random.Random(5)) == grid.draw(random.Random(5))


def test_a_range_of_lengths_goes_a_little_beyond_real_ones():
    lengths = LengthRange.of(["раз два три четыре", "раз два три четыре пять шесть"], beyond=2)
    assert (lengths.least, lengths.most, lengths.most_lines) == (2, 12, 2)
    assert lengths.fits("раз два\nтри")
    assert not lengths.fits("раз\nдва\nтри")
    assert not lengths.fits("раз")
    assert LengthRange.of(["👍"], beyond=2).least == 1
