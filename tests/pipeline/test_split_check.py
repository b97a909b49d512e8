"""What leaks is told with what it is worth, of files and of runs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from small_project import labelled

from rubricator.dataset import files
from rubricator.dataset.synthetic import SYNTHETIC, SyntheticText, write_synthetic
from rubricator.errors import DataError
from rubricator.ingest.leakage.files import CheckColumns
from rubricator.ingest.leakage.pairs import write_pairs
from rubricator.pipeline.split_check import SplitCheck, check_files, check_run
from rubricator.pipeline.stage import Run

LETTERS = np.array(list("абвгдежзиклмно"))


def written(folder: Path, *, several: bool = False, copies: int = 30) -> list[Path]:
    """Words at random with labels at random: only who knows the texts can be right."""
    random = np.random.default_rng(2)

    def made(number: int) -> pl.DataFrame:
        texts = [" ".join("".join(random.choice(LETTERS, 5)) for _ in range(12)) for _ in range(number)]
        labels = [random.choice(["да", "нет"]) for _ in texts]
        if several:
            labels = [f"{label},может" if random.random() < 0.3 else str(label) for label in labels]
            labels[0] = "может"
        return pl.DataFrame({"text": texts, "label": labels, "author": [f"а{n % 9}" for n in range(number)]})

    train, test = made(120), made(60)
    test = pl.concat([test[copies:], train[:copies]])
    train.write_csv(folder / "train.csv")
    test.write_csv(folder / "test.csv")
    return [folder / "train.csv", folder / "test.csv"]


@pytest.mark.parametrize("several", [False, True])
def test_copies_flatter_and_a_model_that_does_not_know_them_shows_it(tmp_path: Path, several: bool) -> None:
    check = check_files(written(tmp_path, several=several))
    (count,) = check.counts
    assert (count.kind, count.texts, count.others, count.alike, count.compared) == ("exact", 30, 30, 30, 30)
    assert count.share == 0.5
    measured = check.measured
    assert measured is not None
    assert (measured.train, measured.test, measured.single) == (120, 60, not several)
    (points,) = measured.points
    assert (points.kept, points.removed) == (30, 30)
    assert points.easier is not None
    assert points.flatters is not None
    assert points.fewer is not None
    for gains in (points.easier, points.flatters):
        gain = gains["micro_f1"]
        assert gain.value is not None
        assert gain.low is not None
        assert gain.value > 0.1
        assert gain.low > 0
    assert points.untold is not None
    assert (points.untold["micro_f1"].value or 0) < (measured.as_it_is["micro_f1"].value or 0)
    assert abs(points.fewer["micro_f1"].value or 0) < (points.flatters["micro_f1"].value or 0)


def test_what_does_not_leak_flatters_nothing(tmp_path: Path) -> None:
    check = check_files(written(tmp_path, copies=0))
    assert (check.counts, check.measured) == ((), None)
    assert check.as_dict()["points"] is None


def test_every_author_in_both_parts_leaves_nothing_to_train_on(tmp_path: Path) -> None:
    check = check_files(written(tmp_path, copies=0), CheckColumns(group_by="author"))
    (count,) = check.counts
    assert (count.kind, count.texts, count.others) == ("group", 60, 120)
    assert check.measured is not None
    (points,) = check.measured.points
    assert (points.easier, points.flatters, points.fewer) == (None, None, None)


@pytest.mark.parametrize(
    ("label", "said"),
    [
        ("pl.lit('да')", "labelled texts are of one category"),
        ("pl.lit(None, dtype=pl.String)", "no text has a label"),
        ("pl.col('label').head(3)", "are too few"),
    ],
)
def test_why_points_are_not_measured_is_said(tmp_path: Path, label: str, said: str) -> None:
    for path in written(tmp_path):
        frame = pl.read_csv(path)
        if "head" in label:
            frame = frame.with_columns(pl.when(pl.int_range(pl.len()) < 3).then("label").alias("label"))
        else:
            frame = frame.with_columns(
                (pl.lit("да") if "да" in label else pl.lit(None, dtype=pl.String)).alias("label")
            )
        frame.write_csv(path)
    check = check_files([tmp_path / "train.csv", tmp_path / "test.csv"])
    assert check.measured is None
    assert len(check.counts) == 1
    assert any(said in note for note in check.notes)


def test_three_texts_are_compared(tmp_path: Path) -> None:
    (tmp_path / "train.csv").write_text("text\nпочта закрыта\nлифт стоит\n", encoding="utf-8")
    (tmp_path / "test.csv").write_text("text\nЛифт стоит.\n", encoding="utf-8")
    check = check_files([tmp_path / "train.csv", tmp_path / "test.csv"])
    assert [(count.texts, count.others) for count in check.counts] == [(1, 1)]
    assert write_pairs(tmp_path / "pairs.jsonl", check.leaks, check.source) == 1
    (row,) = pl.read_ndjson(tmp_path / "pairs.jsonl").to_dicts()
    assert (row["id"], row["twin_id"], row["twins"]) == ("test.csv:1", "train.csv:2", 1)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return labelled(tmp_path_factory.mktemp("check"), single=True)


def told(check: SplitCheck) -> list[tuple[str, str, str, int]]:
    return [(count.kind, count.held, count.other, count.texts) for count in check.counts]


def test_a_run_leaks_nothing_until_a_synthetic_text_comes_from_its_test(run: Run) -> None:
    assert told(check_run(run)) == []
    part = files.read_split(run.folder).part
    child = SyntheticText(
        id="made-1",
        content="Снег на перевале сошёл раньше",
        categories=("weather",),
        parents=tuple(id_ for id_, name in part.items() if name == "train")[:1],
        groups=(),
        making="cheap",
        stage="graft",
    )
    write_synthetic(run.folder / SYNTHETIC, [child])
    good = check_run(run)
    assert (told(good), good.parts[0].labelled) == ([], 1)
    tested = tuple(id_ for id_, name in part.items() if name == "test")[:1]
    write_synthetic(run.folder / SYNTHETIC, [replace(child, parents=tested)])
    try:
        assert told(check_run(run)) == [("relative", "test", "train", 1)]
    finally:
        (run.folder / SYNTHETIC).unlink()


def test_a_run_has_the_columns_it_has(run: Run) -> None:
    with pytest.raises(DataError, match=r"no column 'sourse'.*source"):
        check_run(run, group_by="sourse")
    assert any("No text has a value in 'source'" in note for note in check_run(run, group_by="source").notes)
