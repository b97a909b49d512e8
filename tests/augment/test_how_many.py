"""How many texts a category wants, and the sentence where it gets none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from small_augmentation import settings

from rubricator.augment.how_many import wanted_texts


def wanted(real, **changes):
    return {one.key: one.texts for one in wanted_texts(real, settings(**changes))}


def reason(real, key, **changes):
    return next(one.reason for one in wanted_texts(real, settings(**changes)) if one.key == key)


def test_a_count_is_of_real_and_synthetic_texts_together():
    assert wanted({"a": 12, "b": 30, "c": 200}, count=40) == {"a": 28, "b": 10, "c": 0}


def test_a_ratio_is_to_the_most_frequent_category():
    assert wanted({"a": 10, "b": 101}, how_many="ratio", ratio=0.25) == {"a": 16, "b": 0}


def test_ranks_grow_the_rarest_ten_times_and_the_next_nine():
    real = {"common": 400, "rare": 4, "rarer": 3}
    assert wanted(real, how_many="rank", max_ratio=100) == {"rarer": 27, "rare": 32, "common": 0}


def test_no_more_synthetic_than_the_ratio_allows():
    assert wanted({"a": 3, "b": 300}, count=50, max_ratio=4) == {"a": 12, "b": 0}
    assert "at most 4 to a real one" in reason({"a": 3}, "a", count=50, max_ratio=4)


def test_above_fifty_a_category_must_be_named_and_above_seventy_five_forced():
    real = {"a": 60, "b": 90}
    assert wanted(real, count=100) == {"a": 0, "b": 0}
    assert "rarely pay" in reason(real, "a", count=100)
    assert wanted(real, count=100, categories=["a", "b"]) == {"a": 40, "b": 0}
    assert "Cegin" in reason(real, "b", count=100, categories=["b"])
    assert wanted(real, count=100, force=True) == {"a": 40, "b": 10}
    assert "forced" in reason(real, "b", count=100, force=True)


def test_a_limit_above_seventy_five_is_refused_unless_forced():
    with pytest.raises(ValidationError, match="force: true"):
        settings(below=200)
    assert settings(below=200, force=True).below == 200


def test_a_category_without_a_seed_gets_none_and_is_told_so():
    assert "no real training text" in reason({"a": 0, "b": 9}, "a")


def test_a_category_that_people_disagree_about_gets_none():
    one = wanted_texts({"a": 8}, settings(count=20), disputed={"a": 0.5})[0]
    assert one.texts == 0
    assert "disagree about 50%" in one.reason
    assert wanted_texts({"a": 8}, settings(count=20, force=True), disputed={"a": 0.5})[0].texts == 12


@given(
    st.dictionaries(st.sampled_from("abcdefgh"), st.integers(0, 400), min_size=1),
    st.sampled_from(["count", "ratio", "rank"]),
    st.floats(0.5, 20),
)
def test_never_beyond_the_ratio_and_never_for_the_frequent(real, how_many, max_ratio):
    for one in wanted_texts(real, settings(how_many=how_many, max_ratio=max_ratio, count=60)):
        assert 0 <= one.texts <= max_ratio * one.real
        assert one.texts == 0 or one.real < 50
        assert one.reason
