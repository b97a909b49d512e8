"""Old keys become new ones; a map that leaves any out, or leads nowhere, is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rubricator.errors import TaxonomyError
from rubricator.taxonomy import Taxonomy
from rubricator.taxonomy.key_map import KeyMap, Target, key_map, rows_of

MULTI = Taxonomy.model_validate({"categories": [{"key": k} for k in ("music", "books", "sport")]})
SINGLE = Taxonomy.model_validate({**MULTI.model_dump(), "task": "single-label"})


def read(*rows, taxonomy=MULTI):
    places = [
        (f"row {n}", dict(zip(("old", "new", "how"), row, strict=False))) for n, row in enumerate(rows, 1)
    ]
    return key_map(places, taxonomy, where="map.tsv")


def test_labels_go_where_the_map_says():
    found = read(
        ("art", "music,books", "one"), ("media", "music, books", "each"), ("games", "sport"), ("ads", "-")
    )
    assert found.carried(["games", "ads", "books"], MULTI) == ("books", "sport")
    assert found.carried(["media"], MULTI) == ("music", "books")
    assert found.carried(["art", "sport"], MULTI) is None
    assert found.carried([], MULTI) == ()
    assert found.carried(["ads"], SINGLE) is None


def test_a_no_holds_for_all_parts_and_a_yes_for_none_of_them():
    found = KeyMap.of({"art": ("music", "books"), "games": ("sport",)})
    assert found.judged({"art": False, "games": True}, MULTI) == {
        "music": False,
        "books": False,
        "sport": True,
    }
    assert found.judged({"art": True, "games": False}, MULTI) == {"sport": False}


def test_of_several_that_become_one_a_single_yes_is_enough():
    found = KeyMap.of({"a": ("music",), "b": ("music",)})
    assert found.judged({"a": False, "b": True, "sport": False}, MULTI) == {"music": True, "sport": False}
    assert found.judged({"a": False, "b": False}, MULTI) == {"music": False}


@given(
    st.dictionaries(st.sampled_from("abcd"), st.lists(st.sampled_from(MULTI.keys), unique=True).map(tuple))
)
def test_a_map_is_read_as_it_was_written(moved):
    rows = [("row", row) for row in rows_of(moved)]
    if moved:
        assert key_map(rows, MULTI, where="x") == KeyMap.of(moved)


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([("art", "musik")], "points to 'musik', which is not in the list (did you mean 'music'?)"),
        ([("art", "")], "'art' points to nothing; write `-`"),
        ([("art", "music"), ("art", "books")], "'art' comes twice"),
        ([("art", "music,books", "both")], "how is 'both'"),
        ([("", "music")], "no old key"),
        ([], "no row in it"),
    ],
)
def test_a_map_that_leads_nowhere_is_refused(rows, said):
    with pytest.raises(TaxonomyError) as caught:
        read(*rows)
    assert said in str(caught.value)


def test_all_faults_are_listed_at_once():
    with pytest.raises(TaxonomyError, match=r"(?s)2 fault.*to 'x'.*to 'y'"):
        read(("a", "x"), ("b", "y"))


def test_each_of_several_fits_no_single_label():
    with pytest.raises(TaxonomyError, match="exactly one"):
        read(("art", "music,books", "each"), taxonomy=SINGLE)


def test_a_key_that_the_map_leaves_out_is_refused_with_its_name():
    with pytest.raises(TaxonomyError, match="says nothing of art, film, which golden"):
        KeyMap({"x": Target(("music",))}).require(["film", "sport", "art", "x"], MULTI, where="golden.csv")
