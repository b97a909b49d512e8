"""Changes of a list, and what must not happen to one."""

import pytest

from rubricator.errors import TaxonomyError
from rubricator.taxonomy import Category, Taxonomy, changes
from rubricator.taxonomy.differences import compare

LIST = Taxonomy.model_validate(
    {
        "task": "single-label",
        "none": "other",
        "categories": [
            {
                "key": "Ёлки",
                "name": "Лес",
                "description": "деревья",
                "keywords": ["ель"],
                "exclude": ["мель"],
            },
            {"key": "sea", "name": "Море", "description": "волны", "keywords": ["мель"]},
            {"key": "bay", "parent": "sea"},
            {"key": "other"},
        ],
    }
)
TWO = Taxonomy.model_validate({"categories": [{"key": "a"}, {"key": "b"}]})


def test_what_is_added_stands_before_the_category_for_the_rest():
    change = changes.add(LIST, Category(key="sky", description="облака"))
    assert change.after.keys == ("Ёлки", "sea", "bay", "sky", "other")
    assert not compare(LIST, change.after).major


@pytest.mark.parametrize(
    ("key", "name", "said"),
    [
        ("sea", "", "'sea' is taken"),
        ("SEA", "", "differs only by case"),
        ("елки", "", "differs only by case"),
        ("new", "ле\u200bс", "taken by the category 'Ёлки'"),
        ("gone", "", "'gone' was the key of a category that is gone"),
        ("Gone", "", "'gone' was the key"),
        ("a,b", "", "without spaces and commas"),
        ("-", "", "means none of the categories"),
    ],
)
def test_keys_that_mean_something_already_are_refused(key, name, said):
    with pytest.raises(TaxonomyError, match=said):
        changes.add(LIST, changes.made({"key": key, "name": name}), retired={"gone"})
    if not name:
        with pytest.raises(TaxonomyError):
            changes.rename(LIST, "bay", key, retired={"gone"})


@pytest.mark.parametrize(
    ("taxonomy", "key", "said"),
    [(LIST, "other", "none of the others"), (LIST, "sea", "parent of bay"), (TWO, "a", "at least 2"),
     (LIST, "see", "did you mean 'sea'")],
)  # fmt: skip
def test_what_must_stay_is_not_removed(taxonomy, key, said):
    with pytest.raises(TaxonomyError, match=said):
        changes.remove(taxonomy, key)


def test_a_new_key_is_followed_by_whatever_names_it():
    change = changes.rename(LIST, "sea", "ocean")
    assert change.after["bay"].parent == "ocean"
    assert (change.moved, change.renamed) == ({"sea": ("ocean",)}, {"ocean": "sea"})
    assert changes.rename(LIST, "other", "rest").after.none == "rest"
    assert changes.rename(LIST, "bay", "cove").after["cove"].title == "bay"


def test_merged_categories_join_their_words_and_silence_none_of_them():
    change = changes.merge(LIST, ["sea"], "Ёлки")
    joined = change.after["Ёлки"]
    assert (joined.keywords, joined.exclude, joined.description) == (("ель", "мель"), (), "деревья; волны")
    assert change.after["bay"].parent == "Ёлки"
    assert change.moved == {"sea": ("Ёлки",)}
    new = changes.merge(LIST, ["sea", "Ёлки"], "nature", update={"name": "Природа"})
    assert new.after.keys == ("nature", "bay", "other")
    assert new.moved == {"sea": ("nature",), "Ёлки": ("nature",)}


@pytest.mark.parametrize(
    ("keys", "into", "said"),
    [
        (["sea"], "sea", "merged into itself"),
        (["sea", "sea"], "bay", "merged into itself"),
        (["sea"], "new", "one alone cannot be merged"),
        (["other", "sea"], "bay", "none of the others"),
        (["sea", "bay"], "gone", "was the key of a category that is gone"),
    ],
)
def test_what_cannot_be_merged(keys, into, said):
    with pytest.raises(TaxonomyError, match=said):
        changes.merge(LIST, keys, into, retired={"gone"})


def test_parts_stand_where_the_whole_stood():
    parts = [Category(key="bay", description="бухты"), Category(key="strait", keywords=("пролив",))]
    change = changes.split(LIST, "bay", parts, retired={"bay"})
    assert change.after.keys == ("Ёлки", "sea", "bay", "strait", "other")
    assert {part.parent for part in change.after.categories[2:4]} == {"sea"}
    assert change.moved == {"bay": ("bay", "strait")}


@pytest.mark.parametrize(
    ("key", "parts", "said"),
    [
        ("sea", [], "0 part"),
        ("sea", [Category(key="x", description="а")], "1 part"),
        ("bay", [Category(key="x", description="а"), Category(key="y")], "Nothing says what belongs in y"),
        ("bay", [Category(key="x", description="а"), Category(key="SEA", description="б")], "taken"),
        ("other", [], "none of the others"),
        ("sea", [Category(key=k, description=k) for k in "xy"], "parent of bay"),
    ],
)
def test_what_cannot_be_split(key, parts, said):
    with pytest.raises(TaxonomyError, match=said):
        changes.split(LIST, key, parts)


def test_saying_the_same_again_is_no_change():
    with pytest.raises(TaxonomyError, match="exactly this already"):
        changes.describe(LIST, "sea", {"name": "Море"})


def test_differences_are_told_in_words():
    after = changes.describe(
        changes.remove(LIST, "bay").after, "sea", {"description": "волны и соль", "keywords": ("мель", "риф")}
    ).after
    difference = compare(LIST, after)
    assert difference.sentences == (
        "- bay",
        "sea: description “волны” → “волны и соль”",
        "sea: keywords +риф",
    )
    assert difference.major
    assert not compare(LIST, LIST)
