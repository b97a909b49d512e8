from datetime import datetime
from decimal import Decimal

import polars as pl
import pytest

from rubricator.errors import DataError
from rubricator.tables.reading import open_table, open_writer

KINDS = ["csv", "tsv", "jsonl", "ndjson", "parquet", "xlsx"]


def read(path):
    return [dict(row.cells) for batch in open_table(path).rows() for row in batch]


@pytest.mark.parametrize("kind", KINDS)
def test_rows_come_back(tmp_path, kind):
    path = tmp_path / "deep" / f"a.{kind}"
    with open_writer(path, ("id", "labels", "p")) as writer:
        writer.write([{"id": "1", "labels": 'да,\n"нет"', "p": 0.25}])
        writer.write([{"id": "=1+1", "labels": "культура", "p": 1.5}])
    found = read(path)
    assert [row["id"] for row in found] == ["1", "=1+1"]
    assert found[0]["labels"] == 'да,\n"нет"'
    assert [float(row["p"]) for row in found] == [0.25, 1.5]
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize("kind", KINDS)
def test_a_failure_leaves_the_older_file_and_nothing_else(tmp_path, kind):
    path = tmp_path / f"a.{kind}"
    path.write_bytes(b"older")

    def fail():
        with open_writer(path, ("id",)) as writer:
            writer.write([{"id": "1"}])
            assert path.read_bytes() == b"older"
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert path.read_bytes() == b"older"
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("kind", KINDS)
def test_lists_truths_and_blanks_are_written(tmp_path, kind):
    path = tmp_path / f"a.{kind}"
    with open_writer(path, ("id", "keys", "sure", "none")) as writer:
        writer.write([{"id": "1", "keys": ["a", "b"], "sure": True}])
    (row,) = read(path)
    assert row["keys"] in (["a", "b"], '["a", "b"]')
    assert row["sure"] in (True, "true")
    assert row["none"] in (None, "")


def test_a_parquet_file_without_rows_has_its_columns(tmp_path):
    with open_writer(tmp_path / "a.parquet", ("id", "labels")) as writer:
        writer.write([])
    assert pl.read_parquet(tmp_path / "a.parquet").columns == ["id", "labels"]


def test_parquet_finds_the_type_of_a_column_whose_first_values_are_blank(tmp_path):
    with open_writer(tmp_path / "a.parquet", ("p",)) as writer:
        writer.write([{"p": None}] * 500)
        writer.write([{"p": 0.5}])
    assert pl.read_parquet(tmp_path / "a.parquet")["p"].dtype == pl.Float64


@pytest.mark.parametrize("kind", KINDS)
def test_lone_surrogates_do_not_stop_the_writing(tmp_path, kind):
    with open_writer(tmp_path / f"a.{kind}", ("text",)) as writer:
        writer.write([{"text": "да \ud800"}])
    assert read(tmp_path / f"a.{kind}") == [{"text": "да \\ud800"}]


@pytest.mark.parametrize("kind", KINDS)
def test_whatever_cells_other_files_had_is_written(tmp_path, kind):
    path = tmp_path / f"a.{kind}"
    day = datetime(2026, 3, 1, 14, 5)
    values = [day, float("nan"), b"\xff", [1, {"x": float("inf")}], 2**70, Decimal("1.5"), True]
    with open_writer(path, ("mixed", "whole")) as writer:
        writer.write([{"mixed": value, "whole": number} for number, value in enumerate(values)])
    found = read(path)
    assert [int(row["whole"]) for row in found] == list(range(7))
    assert found[0]["mixed"] == "2026-03-01T14:05:00"
    assert found[1]["mixed"] in (None, "")
    assert found[2]["mixed"] == r"\xff"
    assert str(found[5]["mixed"]) == "1.5"


def test_excel_cuts_long_cells_and_says_so(tmp_path, caplog):
    with open_writer(tmp_path / "a.xlsx", ("text",)) as writer:
        writer.write([{"text": "а" * 40_000}])
    assert len(read(tmp_path / "a.xlsx")[0]["text"]) == 32_767
    assert "1 cells were cut" in caplog.text


def test_excel_ends_at_its_last_row(tmp_path):
    path = tmp_path / "a.xlsx"
    with pytest.raises(DataError, match="1,048,576"), open_writer(path, ("id",)) as writer:
        writer.write([{"id": ""}] * 1_048_576)
    assert not path.exists()


def test_places_that_cannot_be_written_are_told(tmp_path):
    (tmp_path / "file").write_text("x")
    (tmp_path / "folder.csv").mkdir()
    for path in (tmp_path / "file" / "a.csv", tmp_path / "folder.csv"):
        with pytest.raises(DataError, match="cannot be written"):
            open_writer(path, ("id",))
    with pytest.raises(DataError, match=r"did you mean '\.csv'"):
        open_writer(tmp_path / "a.cvs", ("id",))
