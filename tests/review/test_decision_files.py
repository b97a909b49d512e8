"""Decisions in a table: what is taken, and every fault with its row."""

import pytest

from rubricator.errors import DataError
from rubricator.review.decision_files import read_decision_file
from rubricator.tables.reading import open_writer
from rubricator.taxonomy import Taxonomy

TAXONOMY = Taxonomy.model_validate({"name": "n", "categories": [{"key": "sport"}, {"key": "food"}]})
ROW = {"id": "1", "body": "Матч отложили", "editor": "Анна", "categories": "sport"}


def read(tmp_path, *rows, suffix=".csv", **options):
    path = tmp_path / f"decisions{suffix}"
    with open_writer(path, tuple(dict.fromkeys(key for row in rows for key in row))) as writer:
        writer.write(rows)
    return read_decision_file(
        path,
        parse=lambda cell, _: tuple(filter(None, str(cell or "").split(","))),
        clean=lambda text: text.original,
        model="news@1",
        versions={"1.0 (ab)": TAXONOMY.version},
        taxonomy=TAXONOMY,
        **options,
    )


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".jsonl", ".parquet", ".xlsx"])
def test_what_is_missing_claims_least(tmp_path, suffix):
    (one,) = read(tmp_path, ROW, suffix=suffix).values()
    assert (one.categories, one.predicted, one.shown, one.chosen) == (("sport",), None, "suggested", "gain")
    assert (one.model, one.taxonomy, one.text_id) == ("news@1", TAXONOMY.version, "1")


def test_what_is_there_counts(tmp_path):
    more = {"shown": "Blind", "chosen": "random", "seconds": "4,5", "when": "2026-03-01", "key": "k"}
    said = read(tmp_path, ROW | more | {"predicted": "food", "taxonomy_version": "1.0 (ab)"})
    one = said["key:k"]
    assert (one.shown, one.chosen, one.seconds, one.predicted) == ("blind", "random", 4.5, ("food",))
    assert (one.when.isoformat(), one.taxonomy) == ("2026-03-01T00:00:00+00:00", TAXONOMY.version)


def test_the_same_row_is_one_decision_whenever_it_is_read(tmp_path):
    once = read(tmp_path, ROW, ROW, ROW | {"editor": "Борис"})
    assert len(once) == 2
    assert once.keys() == read(tmp_path, ROW, ROW | {"editor": "Борис"}).keys()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"categories": "неведомое"}, "no category 'неведомое'"),
        ({"predicted": "неведомое"}, "no category 'неведомое'"),
        ({"taxonomy_version": "0123456789ab"}, "0123456789ab"),
        ({"editor": " "}, "nobody stands under `editor`"),
        ({"shown": "half"}, "none of blind, suggested"),
        ({"seconds": "quick"}, "'quick' under `seconds`"),
        ({"seconds": "-1"}, "'-1' under `seconds`"),
        ({"when": "soon"}, "'soon' under `when` is no time"),
    ],
)
def test_a_fault_is_told_with_its_row(tmp_path, changes, said):
    with pytest.raises(DataError, match="has 1 fault") as caught:
        read(tmp_path, dict.fromkeys(changes, "") | ROW, ROW | {"id": "2"} | changes)
    assert said in caught.value.problem
    assert "row 2" in caught.value.problem


def test_one_key_for_two_decisions_is_a_fault(tmp_path):
    with pytest.raises(DataError, match="its key stands at another decision"):
        read(tmp_path, ROW | {"key": "k"}, ROW | {"key": "k", "categories": "food"})


def test_without_the_columns_nothing_is_read(tmp_path):
    with pytest.raises(DataError, match="lacks the column 'editor'"):
        read(tmp_path, {"id": "1", "body": "Матч", "categories": "sport"})
    with pytest.raises(DataError, match="lacks the column 'body'"):
        read(tmp_path, {"id": "1", "editor": "Анна", "categories": "sport"})


def test_where_it_matters_what_is_new_every_row_says_when(tmp_path):
    with pytest.raises(DataError, match="does not say `when`"):
        read(tmp_path, ROW, dated=True)
