"""Lists as tables in IAB's form and as SKOS: what goes out comes back."""

import pytest

from rubricator.errors import TaxonomyError
from rubricator.taxonomy import Category, Taxonomy
from rubricator.taxonomy.skos import read_skos, write_skos
from rubricator.taxonomy.tiers import categories_of_tiers, tier_rows

LIST = Taxonomy.model_validate(
    {
        "name": "хобби",
        "categories": [
            {
                "key": "10",
                "name": "Рукоделие",
                "description": "вязание, шитьё",
                "keywords": ["спиц*", "нитк*"],
            },
            {"key": "11", "name": "Вязание", "parent": "10", "exclude": ["вязка снопов"]},
            {"key": "12 б".replace(" ", "-"), "name": "Кружево", "parent": "11"},
            {"key": "20", "name": "Рыбалка"},
        ],
    }
)


def by_key(categories):
    return {one.key: one for one in categories}


def test_a_table_of_tiers_comes_back_as_it_went():
    columns, rows = tier_rows(LIST.categories)
    assert columns[:6] == ["Unique ID", "Parent", "Name", "Tier 1", "Tier 2", "Tier 3"]
    assert [rows[2][f"Tier {n}"] for n in (1, 2, 3)] == ["Рукоделие", "Вязание", "Кружево"]
    assert tuple(categories_of_tiers(columns, rows, where="x")) == LIST.categories


def test_a_table_of_iab_is_read_with_its_spellings_and_by_tiers_alone():
    columns = ["Unique ID ", "Parent", "Name", "Tier 1"]
    rows = [{"Unique ID ": 150, "Parent": None, "Name": "Attractions", "Tier 1": "Attractions"}, {}]
    assert categories_of_tiers(columns, rows, where="x") == [Category(key="150", name="Attractions")]
    tiers = [
        {"Unique ID": "1", "Tier 1": "Авто"},
        {"Unique ID": "2", "Tier 1": "Авто", "Tier 2": "Кузов"},
    ]
    found = categories_of_tiers(["Unique ID", "Tier 1", "Tier 2"], tiers, where="x")
    assert [(one.name, one.parent) for one in found] == [("Авто", None), ("Кузов", "1")]


def test_a_table_without_ids_is_refused():
    with pytest.raises(TaxonomyError, match="no column 'Unique ID'"):
        categories_of_tiers(["Tier 1"], [], where="x.csv")


@pytest.mark.parametrize("suffix", [".ttl", ".rdf", ".jsonld", ".nt"])
def test_skos_comes_back_as_it_went(tmp_path, suffix):
    pytest.importorskip("rdflib")
    path = tmp_path / f"list{suffix}"
    write_skos(path, LIST, language="ru")
    back = by_key(read_skos(path))
    assert back.keys() == set(LIST.keys)
    for one in LIST.categories:
        same = back[one.key]
        assert (same.name, same.description, same.parent, same.exclude) == (
            one.title, one.description, one.parent, one.exclude,
        )  # fmt: skip
        assert set(same.keywords) == set(one.keywords)


def test_skos_of_others_is_read_by_language_and_address(tmp_path):
    pytest.importorskip("rdflib")
    path = tmp_path / "theirs.ttl"
    path.write_text(
        "@prefix skos: <http://www.w3.org/2004/02/skos/core#> .\n"
        '<http://a.example/t#oven> a skos:Concept ; skos:prefLabel "Oven"@en, "Печь"@ru ;'
        ' skos:altLabel "stove"@en ; skos:broader <http://a.example/t#kitchen> .\n'
        '<http://a.example/t#kitchen> a skos:Concept ; skos:prefLabel "Kitchen"@en .\n',
        encoding="utf-8",
    )
    assert by_key(read_skos(path))["oven"] == Category(
        key="oven", name="Печь", keywords=("stove",), parent="kitchen"
    )
    assert by_key(read_skos(path, language="en"))["oven"].name == "Oven"


@pytest.mark.parametrize(("content", "said"), [("<<", "cannot be read as turtle"), ("", "no concept")])
def test_what_is_no_skos_is_told(tmp_path, content, said):
    pytest.importorskip("rdflib")
    path = tmp_path / "x.ttl"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(TaxonomyError, match=said):
        read_skos(path)


@pytest.mark.parametrize(
    ("parents", "said"), [({"a": "z"}, "'z' of 'a' is not the key"), ({"a": "b", "b": "a"}, "below itself")]
)
def test_parents_are_categories_above(parents, said):
    with pytest.raises(ValueError, match=said):
        Taxonomy.model_validate({"categories": [{"key": k, "parent": parents.get(k)} for k in "ab"]})


def test_a_parent_is_part_of_the_version_and_none_is_not():
    plain = Taxonomy.model_validate({"categories": [{"key": "a"}, {"key": "b"}]})
    below = Taxonomy.model_validate({"categories": [{"key": "a"}, {"key": "b", "parent": "a"}]})
    assert plain.version == "18b34424870e"
    assert below.version != plain.version
