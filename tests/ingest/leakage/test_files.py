"""Splits in files: which part a text is of, which column holds what, and what cannot be."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from rubricator.errors import DataError
from rubricator.ingest.leakage.files import CheckColumns, FileSource, open_split

ROWS = ("щенок грызёт тапок", "кот спит на батарее", "попугай выучил гимн")


def table(path: Path, **columns: list[object]) -> Path:
    """Write a table of three texts and whatever other columns, by the suffix."""
    frame = pl.DataFrame({"text": ROWS} | columns)
    match path.suffix:
        case ".parquet":
            frame.write_parquet(path)
        case ".jsonl":
            frame.write_ndjson(path)
        case ".xlsx":
            frame.write_excel(path)
        case _:
            frame.write_csv(path, separator="\t" if path.suffix == ".tsv" else ",")
    return path


def parts(source: FileSource) -> list[str]:
    return [text.part for batch in source.texts() for text in batch]


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".jsonl", ".parquet", ".xlsx"])
def test_names_of_files_tell_the_parts(tmp_path: Path, suffix: str) -> None:
    names = (f"my-Dev_1{suffix}", f"training{suffix}", f"news.test{suffix}")
    source = open_split([table(tmp_path / name) for name in names], CheckColumns())
    assert parts(source) == ["validation"] * 3 + ["train"] * 3 + ["test"] * 3
    assert source.rows == 9


def test_the_part_may_stand_before_the_file_or_in_a_column(tmp_path: Path) -> None:
    one, other = table(tmp_path / "a.csv"), table(tmp_path / "b.csv")
    assert (
        parts(open_split([f"val={one}", f"ночной={other}"], CheckColumns()))
        == ["validation"] * 3 + ["ночной"] * 3
    )
    whole = table(tmp_path / "all.csv", Split=["train", "dev", ""], fold=[0, 1, 1])
    source = open_split([whole], CheckColumns())
    assert parts(source) == ["train", "validation"]
    assert source.known.notes[-1] == "Rows that cannot be used are left out: 1 without a value in 'Split'."
    assert parts(open_split([whole], CheckColumns(part="fold"))) == ["0", "1", "1"]


def test_columns_are_found_by_their_usual_names_and_ids_are_rows_without_one(tmp_path: Path) -> None:
    files = [table(tmp_path / f"{name}.csv", Label=["а", "б", ""]) for name in ("train", "test")]
    source = open_split(files, CheckColumns())
    (first, *_), _ = source.texts()
    assert (first.id, first.label, first.group, first.time, first.parents) == (
        "train.csv:1",
        "а",
        "",
        None,
        (),
    )
    assert (source.known.labels, source.known.own_ids) == (True, False)
    assert source.picked([4])[4].content == ROWS[1]


def test_groups_times_and_parents_are_read_where_they_are_named(tmp_path: Path) -> None:
    files = [
        table(
            tmp_path / f"{name}.csv",
            id=["x", "y", "z"],
            by=["Ян", "null", ""],
            at=["2025-01-02", "вчера", ""],
            of=["", "x, y", "q;x"],
        )
        for name in ("train", "test")
    ]
    source = open_split(files, CheckColumns(group_by="by", time="at", parent="of"))
    (one, two, three), _ = source.texts()
    assert (one.group, two.group, three.group) == ("Ян", "", "")
    assert (two.parents, three.parents) == (("x", "y"), ("q", "x"))
    assert one.time is not None
    assert two.time is None
    assert any("2 times cannot be read, such as 'вчера'" in note for note in source.known.notes)


def test_a_column_that_one_file_lacks_is_no_common_one(tmp_path: Path) -> None:
    train = table(tmp_path / "train.csv", label=["а", "б", "в"])
    test = table(tmp_path / "test.csv")
    source = open_split([train, test], CheckColumns())
    assert not source.known.labels
    assert "points are not measured" in source.known.notes[0]


def broken(folder: Path, case: str) -> tuple[list[str | Path], CheckColumns]:
    train, test = table(folder / "train.csv"), table(folder / "test.csv")
    other = folder / "test-other.csv"
    other.write_text("comment\nочень вкусно\n", encoding="utf-8")
    empty = folder / "test-empty.csv"
    empty.write_text('text\n" "\n', encoding="utf-8")
    plain, alone = CheckColumns(), table(folder / "alone.csv", n=list("123"))
    many = folder / "many.csv"
    pl.DataFrame({"text": ROWS * 30, "part": range(90)}).write_csv(many)
    return {
        "no common text": ([train, other], plain),
        "one part": ([train, f"train={test}"], plain),
        "the same file": ([train, f"test={train}"], plain),
        "empty part": ([train, empty], plain),
        "no part in the name": ([train, alone], plain),
        "one file, no part": ([alone], plain),
        "no such file": ([train, folder / "tests.csv"], plain),
        "no such column": ([train, test], CheckColumns(labels="topc")),
        "parents without ids": (
            [table(folder / "train.tsv", of=list("123")), table(folder / "test.tsv", of=list("123"))],
            CheckColumns(parent="of"),
        ),
        "too many parts": ([many], plain),
        "not PART=FILE": (["=nowhere.csv", test], plain),
    }[case]


@pytest.mark.parametrize(
    ("case", "said"),
    [
        ("no common text", r"(?s)No column that all files have.*comment.*--body"),
        ("one part", "All texts are of the part 'train'"),
        ("the same file", "comes twice"),
        ("empty part", "test-empty.csv has no text that can be used"),
        ("no part in the name", "alone.csv does not tell which part.*train="),
        ("one file, no part", "one file, and no column in it tells the part"),
        ("no such file", "There is no file"),
        ("no such column", r"no column 'topc' \(--labels\)"),
        ("parents without ids", "no column of ids"),
        ("too many parts", "no column of parts"),
        ("not PART=FILE", "is not PART=FILE"),
    ],
)
def test_what_cannot_be_is_said(tmp_path: Path, case: str, said: str) -> None:
    files, columns = broken(tmp_path, case)
    with pytest.raises(DataError) as caught:
        open_split(files, columns)
    assert caught.match("(?s)" + said.removeprefix("(?s)"))
