"""One cell of labels, in every shape that people have it in."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rubricator.errors import DataError
from rubricator.ingest.label_cells import parse_labels
from rubricator.taxonomy import Category, Task, Taxonomy

CATEGORIES = (
    Category(key="economy", name="Экономика"),
    Category(key="science", name="Наука, техника"),
    Category(key="sport", name="Чёрный спорт"),
    Category(key="other"),
)
MULTI = Taxonomy(categories=CATEGORIES)
SINGLE = Taxonomy(categories=CATEGORIES, task=Task.SINGLE_LABEL)
SINGLE_NONE = Taxonomy(categories=CATEGORIES, task=Task.SINGLE_LABEL, none="other")


@pytest.mark.parametrize(
    ("cell", "keys"),
    [
        ("", ()),
        (" ", ()),
        ("sport", ("sport",)),
        ("sport,economy", ("economy", "sport")),
        ("sport; economy ;", ("economy", "sport")),
        ("sport|economy", ("economy", "sport")),
        ("Экономика", ("economy",)),
        ("ЭКОНОМИКА, черный  спорт", ("economy", "sport")),
        ("Наука, техника", ("science",)),
        ("Наука, техника; sport", ("science", "sport")),
        ("sport, sport", ("sport",)),
    ],
)
def test_cells_become_keys_in_taxonomy_order(cell, keys):
    assert parse_labels(cell, MULTI) == keys


def test_single_label_cells_hold_exactly_one_category():
    assert parse_labels("sport", SINGLE) == ("sport",)
    assert parse_labels("", SINGLE_NONE) == ("other",)
    with pytest.raises(DataError, match="no category"):
        parse_labels("", SINGLE)
    with pytest.raises(DataError, match="2 categories in 'sport, economy'"):
        parse_labels("sport, economy", SINGLE)


def test_an_unknown_category_is_told_with_the_nearest():
    with pytest.raises(DataError, match=r"unknown category 'sprot' .did you mean 'sport'"):
        parse_labels("economy, sprot", MULTI)


def one_hot(names):
    return {category.key: float(category.title in names or category.key in names) for category in CATEGORIES}


SHAPES = {
    "joined by commas": ",".join,
    "joined by semicolons": "; ".join,
    "joined by pipes": "|".join,
    "joined by #": "#".join,
    "a line each": "\n".join,
    "a list": list,
    "a list of JSON": lambda names: json.dumps(names, ensure_ascii=False),
    "a list of Python": str,
    "in brackets": lambda names: f"[{', '.join(names)}]",
    "choices of Label Studio": lambda names: json.dumps({"choices": names}),
    "labels of Label Studio": lambda names: json.dumps(
        [{"start": 0, "end": 4, "text": "слов", "labels": [name]} for name in names]
    ),
    "objects of Argilla": lambda names: [{"label": name, "score": 1.0} for name in names],
    "cats of spaCy": one_hot,
    "cats as JSON": lambda names: json.dumps(one_hot(names)),
    "zero-width spaces": lambda names: ",".join(f"{name}\u200b" for name in names),
}
NO_COMMAS = {"joined by commas", "joined by #", "in brackets", "zero-width spaces"}
NAMES = st.lists(
    st.sampled_from([(c.key, name) for c in CATEGORIES for name in (c.key, c.title)]), max_size=5
)


@given(NAMES, st.sampled_from(sorted(SHAPES)))
def test_every_shape_says_the_same(chosen, shape):
    keys = {key for key, _ in chosen}
    cell = SHAPES[shape]([key if "," in name and shape in NO_COMMAS else name for key, name in chosen])
    assert parse_labels(cell, MULTI) == tuple(key for key in MULTI.keys if key in keys)


@pytest.mark.parametrize(
    "cell", ["-", " - ", "[]", [], ["-"], '["-"]', None, float("nan"), '{"choices": []}']
)
def test_none_of_the_categories_has_several_spellings(cell):
    assert parse_labels(cell, MULTI) == ()
    assert parse_labels(cell, SINGLE_NONE) == ("other",)
    with pytest.raises(DataError, match="no category, where a text has exactly one"):
        parse_labels(cell, SINGLE)


@pytest.mark.parametrize(
    ("cell", "fault"),
    [
        ("[1, 0, 0, 1]", "a list of numbers does not tell which categories they stand for"),
        ([True, False], "a list of numbers"),
        ('[["sport"]]', "a list in a list"),
        ('[[0, 5, "sport"]]', "a list in a list"),
        ("-, sport", "stands beside sport"),
        ('{"sport": 0.7}', "'sport' has 0.7, which is neither 0 nor 1"),
        ('[{"label": "sport", "score": 0.7}]', "a score of 0.7 is a guess, no label"),
        ('{"text": "sport"}', "an object of text is no label"),
        ('{"choices": [7]}', "7 is no category"),
        ("['economy' 'sport']", "unknown category 'economysport'"),
        ("[sprot, economy", "unknown category 'sprot'"),
        ("[" * 5000, "unknown category"),
    ],
)
def test_what_is_not_read_is_refused_with_its_reason(cell, fault):
    with pytest.raises(DataError) as caught:
        parse_labels(cell, MULTI)
    assert fault in caught.value.problem


def test_numbers_that_are_keys_are_keys():
    taxonomy = Taxonomy(categories=(Category(key="7"), Category(key="8"), Category(key="9")))
    assert parse_labels([7, 9], taxonomy) == ("7", "9")
    assert parse_labels(7.0, taxonomy) == ("7",)
