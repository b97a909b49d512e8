import polars as pl
import pytest

from rubricator.errors import DataError
from rubricator.ingest.golden import parse_golden, read_golden
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
    path.write_text('id,labels\na,sprot\nz,sport\nb,sport\nb,"economy,sport"\n', encoding="utf-8")
    with pytest.raises(DataError) as caught:
        read_golden(path, ids={"a", "b"}, taxonomy=MULTI)
    message = str(caught.value)
    assert "3 faults" in message
    assert "row 1: unknown category 'sprot' (did you mean 'sport'?)" in message
    assert "row 2: no text has the id 'z'" in message
    assert "row 4: the id 'b' comes twice, with other labels in row 3" in message
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
    with pytest.raises(DataError, match=r"train\.csv has 1 fault "):
        parse_golden([("a", "sprot")], taxonomy=SINGLE, where="train.csv")


def read(folder, name, content, *, taxonomy=MULTI, ids="abc"):
    path = folder / name
    path.write_text(content, encoding="utf-8")
    return read_golden(path, ids=set(ids), taxonomy=taxonomy)


KEYS = {"a": ("economy", "sport"), "b": ("science",)}


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("golden.csv", "id,labels\na,economy\na,sport\nb,science\n"),
        ("golden.csv", "id,economy,science,sport,other\na,1,0,1,0\nb,0,1,0,0\n"),
        ("golden.csv", "id,text,Экономика,science,ЧЕРНЫЙ спорт,other\na,x,1.0,,true,\nb,y,,1,False,0\n"),
        ("golden.csv", 'id,label,labels\na,"economy,sport",\nb,,science\n'),
        ("golden.csv", "id,labels,annotator\na,sport,x\na,economy,x\na,economy,y\na,sport,y\nb,science,x\n"),
        ("golden.csv", 'id,labels,worker\na,"sport,economy",x\na,"economy,sport",y\nb,science,x\n'),
        ("golden.jsonl", '{"id": "a", "label": ["sport", "economy"]}\n{"id": "b", "label": ["science"]}\n'),
    ],
)
def test_files_in_the_shapes_people_have_are_read(tmp_path, name, content):
    assert read(tmp_path, name, content) == KEYS


def test_a_label_table_says_nothing_where_nobody_could_tell(tmp_path):
    head = "id,text,economy,science,sport,other,corrupted,generation\n"
    content = head + "a,x,1,0,1,0,0,\nb,y,0,1,0,0,0,\nc,z,0,0,0,0,1,\n"
    assert read(tmp_path, "golden.csv", content) == KEYS


def test_ids_that_went_through_a_spreadsheet_are_those_of_the_texts(tmp_path):
    assert read(tmp_path, "g.csv", "id,labels\n7.0,sport\n8,sport\n", ids={"7", "8.0"}).keys() == {"7", "8.0"}
    assert read(tmp_path, "g.csv", "id,labels\n7.0,sport\n", ids={"7", "7.0"}).keys() == {"7.0"}


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (
            "id,labels,worker\na,sport,anna\na,economy,boris\n",
            "the id 'a' comes twice, and anna and boris label",
        ),
        ("id,labels\na,\na,economy\n", "row 2: the id 'a' comes twice, with other labels in row 1"),
        (
            "id,label,labels\na,sport,economy\n",
            "row 1: the columns 'labels' and 'label' contradict each other",
        ),
        ("id,economy,science,sport\na,1,0,0\n", "has columns for economy, science, sport and none for other"),
        ("id,economy,science,sport,other\na,1,0,0,7\n", "row 1: 'other' has '7', which is neither 0 nor 1"),
        ("id,text,accept\na,x,sport\n", "Prodigy keeps labels in `accept`"),
    ],
)
def test_what_cannot_be_told_is_refused_with_its_row(tmp_path, content, fault):
    with pytest.raises(DataError) as caught:
        read(tmp_path, "golden.csv", content)
    assert fault in str(caught.value)


def test_in_single_label_a_row_per_label_is_a_fault_and_the_same_twice_is_none(tmp_path):
    twice = "id,labels\na,sport\na,sport\n"
    assert read(tmp_path, "golden.csv", twice, taxonomy=SINGLE) == {"a": ("sport",)}
    with pytest.raises(DataError, match="comes twice"):
        read(tmp_path, "golden.csv", "id,labels\na,sport\na,economy\n", taxonomy=SINGLE)


def test_the_none_category_needs_no_column(tmp_path):
    content = "id,economy,science,sport\na,0,0,1\nb,0,0,0\n"
    assert read(tmp_path, "golden.csv", content, taxonomy=SINGLE_NONE) == {"a": ("sport",), "b": ("other",)}


def test_many_blank_labels_are_warned_of_with_their_number(tmp_path, caplog):
    assert read(tmp_path, "golden.csv", "id,labels\na,sport\nb,\nc,\n")["b"] == ()
    assert "2 of 3 golden texts have an empty label, which means none of the categories" in caplog.text


@pytest.mark.parametrize("content", ["id,labels\na,-\nb,-\nc,sport\n", "id,labels\na,sport\nb,\n"])
def test_a_dash_or_a_few_blanks_are_no_reason_to_warn(tmp_path, caplog, content):
    assert read(tmp_path, "golden.csv", content)["b"] == ()
    assert not caplog.text


def test_a_missing_number_is_a_blank_label(tmp_path):
    path = tmp_path / "golden.parquet"
    pl.DataFrame({"id": ["a", "b"], "labels": ["sport", None]}).write_parquet(path)
    assert read_golden(path, ids={"a", "b"}, taxonomy=MULTI) == {"a": ("sport",), "b": ()}
    pl.DataFrame({"id": ["a"], "labels": [float("nan")]}).write_parquet(path)
    assert read_golden(path, ids={"a"}, taxonomy=MULTI) == {"a": ()}
