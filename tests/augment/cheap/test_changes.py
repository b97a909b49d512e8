"""Changes by rule: always a change, never nothing left, the same from the same seed."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rubricator.augment.cheap.changes import CHANGES, RealText, changed, cheap_texts
from rubricator.augment.cheap.register import hasty
from rubricator.augment.cheap.transliteration import to_cyrillic, to_latin
from rubricator.augment.cheap.typos import NEIGHBOURS, typos
from rubricator.augment.cheap.words import word_dropout

KINDS = tuple(CHANGES)
TEXT = "Ёлку привезли поздно, зато пушистую: дети не спали до утра!"


@given(st.text(min_size=1, max_size=60), st.sampled_from(KINDS), st.integers(0, 99))
def test_whatever_the_text_the_change_is_one_and_the_same_again(text, change, seed):
    result = changed(text, change, seed=str(seed))
    assert result == changed(text, change, seed=str(seed))
    if result is not None:
        assert result.strip()
        assert result != text


@pytest.mark.parametrize("change", KINDS)
def test_different_seeds_change_differently(change):
    assert len({changed(TEXT, change, seed=str(seed)) for seed in range(20)}) > 1


@pytest.mark.parametrize(
    ("text", "change"), [("42", "typos"), ("Слово", "dropout"), ("2 + 2", "transliteration")]
)
def test_what_a_change_cannot_touch_is_told(text, change):
    assert changed(text, change, seed="0") is None


def test_fingers_hit_keys_that_touch_the_one_that_was_meant():
    assert set(NEIGHBOURS["п"]) == {"а", "р", "е", "н", "м", "и"}
    assert set(NEIGHBOURS["s"]) == {"a", "d", "w", "e", "x", "z"}
    assert all(key in NEIGHBOURS[near] for key, nears in NEIGHBOURS.items() for near in nears if key != "ё")
    cyrillic, latin = "йцукенгшщзхъфывапролджэячсмитьбю", "qwertyuiopasdfghjklzxcvbnm"
    for own in (cyrillic, latin):
        assert all(near in own for key in own for near in NEIGHBOURS[key])


@given(st.text(alphabet="абвгдежз fgh", min_size=5, max_size=200), st.integers(0, 99))
def test_typos_are_few_and_leave_spaces_where_they_are(text, seed):
    result = typos(text, Random(seed))
    assert result.split(" ") != [""] or not text.strip()
    assert result.count(" ") == text.count(" ")
    assert abs(len(result) - len(text)) <= max(2, len(text) // 5)


def test_a_word_in_ten_is_left_out_and_never_all():
    words = " ".join(f"слово{number}" for number in range(400))
    left = word_dropout(words, Random(0)).split()
    assert 330 < len(left) < 390
    assert word_dropout("Кот спит", Random(1)) in ("Кот", "спит")


def test_letters_go_there_and_come_back_worn():
    assert to_latin("Щука съела ёжика") == "Shchuka sieela ezhika"
    assert to_cyrillic("Shchuka") == "Шчука"
    assert to_cyrillic(to_latin("соль")) == "сол"
    assert to_cyrillic("xylophone") == "ксылопхоне"


def test_haste_changes_signs_and_capitals_but_no_letter_of_the_alphabet():
    letters = "".join(letter for letter in TEXT.lower() if letter.isalpha()).replace("ё", "е")
    for seed in range(30):
        result = hasty(TEXT, Random(seed)).lower()
        assert "".join(letter for letter in result if letter.isalpha()).replace("ё", "е") == letters


REAL = [
    RealText("1", "Чайник свистит на всю кухню", ("kitchen",), "g1"),
    RealText("2", "Сковорода пригорела у соседки", ("kitchen", "neighbours"), "g2"),
    RealText("3", "Сосед сверлит по воскресеньям", ("neighbours",), "g3"),
]


def test_so_many_of_each_category_with_their_parents_and_groups():
    made = cheap_texts(REAL, {"kitchen": 7, "neighbours": 5}, changes=KINDS, seed=1)
    assert len({text.id for text in made}) == len({text.content for text in made}) == len(made)
    for key, number in {"kitchen": 7, "neighbours": 5}.items():
        assert sum(key in text.categories for text in made) >= number
    real = {text.id: text for text in REAL}
    for text in made:
        (parent,) = text.parents
        assert text.groups == (real[parent].group,)
        assert text.categories == real[parent].categories
        assert text.making == "cheap"
        assert text.stage in KINDS
        assert text.content not in {one.content for one in REAL}
    assert made == cheap_texts(REAL, {"kitchen": 7, "neighbours": 5}, changes=KINDS, seed=1)
    assert made != cheap_texts(REAL, {"kitchen": 7, "neighbours": 5}, changes=KINDS, seed=2)


def test_a_category_without_a_real_text_gets_none_and_the_search_for_more_ends():
    assert cheap_texts(REAL, {"garden": 5}, changes=KINDS, seed=1) == []
    unchangeable = [RealText("4", "42", ("numbers",), "g4")]
    assert cheap_texts(unchangeable, {"numbers": 5}, changes=("typos", "dropout"), seed=1) == []
    short = [RealText("5", "Ау эй", ("calls",), "g5")]
    assert len(cheap_texts(short, {"calls": 500}, changes=("dropout",), seed=1)) == 2
