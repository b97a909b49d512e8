import pytest

from rubricator.errors import DataError
from rubricator.ingest.golden import parse_golden, parse_labels, read_golden
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


@pytest.mark.parametrize("column", ["label", "labels"])
def test_the_golden_file_is_read(tmp_path, column):
    path = tmp_path / "golden.tsv"
    path.write_text(f"id\t{column}\na\tsport,economy\nb\t\n", encoding="utf-8")
    assert read_golden(path, ids=["a", "b", "c"], taxonomy=MULTI) == {"a": ("economy", "sport"), "b": ()}


def test_lists_and_numbers_of_jsonl_are_understood(tmp_path):
    path = tmp_path / "golden.jsonl"
    path.write_text(
        '{"id": 1, "labels": ["sport", "economy"]}\n{"id": 2, "labels": null}\n', encoding="utf-8"
    )
    assert read_golden(path, ids={"1", "2"}, taxonomy=MULTI) == {"1": ("economy", "sport"), "2": ()}


def test_all_faults_are_told_together(tmp_path):
    path = tmp_path / "golden.csv"
    path.write_text("id,labels\na,sprot\nz,sport\nb,sport\nb,economy\n", encoding="utf-8")
    with pytest.raises(DataError) as caught:
        read_golden(path, ids={"a", "b"}, taxonomy=MULTI)
    message = str(caught.value)
    assert "3 fault(s)" in message
    assert "row 1: unknown category 'sprot' (did you mean 'sport'?)" in message
    assert "row 2: no text has the id 'z'" in message
    assert "row 4: the id 'b' comes twice" in message
    assert "economy, science, sport, other" in message


def test_at_most_ten_faults_are_listed(tmp_path):
    path = tmp_path / "golden.csv"
    path.write_text("id,labels\n" + "".join(f"x{n},sport\n" for n in range(25)), encoding="utf-8")
    with pytest.raises(DataError) as caught:
        read_golden(path, ids={"a"}, taxonomy=MULTI)
    assert str(caught.value).count("no text has the id") == 10
    assert "… and 15 more" in str(caught.value)


def test_wrong_columns_and_broken_rows_are_told(tmp_path):
    path = tmp_path / "golden.csv"
    for content, told in [
        ("id,topic\na,b\n", "lacks the column 'labels'"),
        ("name,labels\na,b\n", "lacks the column 'id'"),
        ("id,labels\na\n", "row 1: 1 cells"),
    ]:
        path.write_text(content, encoding="utf-8")
        with pytest.raises(DataError, match=told):
            read_golden(path, ids={"a"}, taxonomy=MULTI)


def test_cells_of_the_input_are_parsed_with_the_same_rules():
    parsed = parse_golden([("a", "sport"), ("b", "Экономика")], taxonomy=SINGLE, where="train.csv")
    assert parsed == {"a": ("sport",), "b": ("economy",)}
    with pytest.raises(DataError, match=r"train\.csv has 1 fault\(s\)"):
        parse_golden([("a", "sprot")], taxonomy=SINGLE, where="train.csv")
