"""Columns that keep texts together, and what is said of rare categories."""

from __future__ import annotations

from pathlib import Path

import pytest

from rubricator.config import read_config
from rubricator.dataset import files
from rubricator.dataset.split import DatasetSplit
from rubricator.errors import DataError
from rubricator.pipeline.stage import Run, run_stages
from rubricator.pipeline.stages import STAGES
from rubricator.taxonomy import Taxonomy

PLACES = ("пристань", "рынок", "мельница", "вокзал", "сквер", "почта", "школа", "баня")
THINGS = ("закрыта на ремонт", "встречает гостей", "потеряла вывеску")


def split(folder: Path, **settings: object) -> tuple[DatasetSplit, dict[str, str]]:
    """A run as far as its split, and the author of each text; only one of the files tells editors."""
    folder.mkdir(exist_ok=True)
    rows = [
        (f"t{number}", f"{place} {thing} {number}", f"автор {number % 6}", "sport" if number == 5 else "news")
        for number, (place, thing) in enumerate((place, thing) for place in PLACES for thing in THINGS)
    ]
    for name, some in (("a", rows[:12]), ("b", rows[12:])):
        extra = ",editor" if name == "a" else ""
        lines = [f"{id_},{text},{by},{label}" + (",Пётр" if extra else "") for id_, text, by, label in some]
        content = f"id,text,author,label{extra}\n" + "\n".join(lines)
        (folder / f"{name}.csv").write_text(content, encoding="utf-8")
    (folder / "taxonomy.yaml").write_text("categories: [{key: news}, {key: sport}]", encoding="utf-8")
    (folder / "rubricator.yaml").write_text(
        "data: {files: [a.csv, b.csv], columns: {id: id, body: text, labels: label}}\ngolden: {use: train}",
        encoding="utf-8",
    )
    overrides = [f"split.{name}={value}" for name, value in settings.items()]
    config = read_config(folder / "rubricator.yaml", overrides)
    run = Run(config, Taxonomy.read(folder / "taxonomy.yaml"), folder / "run")
    run_stages(run, STAGES, until="split")
    return files.read_split(run.folder), {row[0]: row[2] for row in rows}


def test_any_column_keeps_its_texts_together_though_nothing_else_reads_it(tmp_path: Path) -> None:
    divided, author_of = split(tmp_path, group_by="author")
    parts: dict[str, set[str]] = {}
    for id_, author in author_of.items():
        parts.setdefault(author, set()).add(divided.part[id_])
    assert {len(some) for some in parts.values()} == {1}
    assert set(divided.part.values()) == {"train", "test"}
    alone, _ = split(tmp_path / "alone")
    assert any(alone.part[id_] != divided.part[id_] for id_ in author_of)


def test_several_columns_may_be_named_and_a_file_without_one_is_told_of(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    divided, _ = split(tmp_path, group_by="[id, editor]")
    assert "b.csv lacks the column 'editor'" in caplog.text
    assert len({divided.part[f"t{number}"] for number in range(12)}) == 1, "all of them have one editor"


def test_a_column_that_is_not_there_is_told_with_those_that_are(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"'autor', which no text has \(did you mean 'author'\?\)") as caught:
        split(tmp_path, group_by="autor")
    assert "id, text, author, label, editor" in caught.value.fix


def test_a_category_too_rare_for_every_part_is_named(tmp_path: Path) -> None:
    notes = split(tmp_path)[0].notes
    (note,) = (note for note in notes if "'sport'" in note)
    assert note.startswith("The category 'sport' has fewer than 1 labelled texts in a part: ")
    assert note.partition(": ")[2] in ("1 in train, 0 in test.", "0 in train, 1 in test.")
    assert any(note.startswith("Fewer labelled texts than the 5 folds") and "sport" in note for note in notes)
    assert not any("'sport'" in note for note in split(tmp_path / "none", min_per_category=0)[0].notes)
