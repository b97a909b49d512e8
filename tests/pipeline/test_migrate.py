"""Files of labels and reviews in an older list become those of today; nothing is made up, nothing lost."""

from pathlib import Path

import polars as pl
import pytest
from small_project import project

from rubricator.config import read_config
from rubricator.errors import DataError, TaxonomyError
from rubricator.pipeline.category import apply_change, run_of_list
from rubricator.pipeline.migrate import migrate, read_map
from rubricator.taxonomy import Category, changes

PARTS = [Category(key="soup", description="супы"), Category(key="cake", description="пироги")]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A project whose `food` was split and whose `weather` is called `sky` now."""
    config = read_config(project(tmp_path, single=False), [])
    for change in (
        lambda taxonomy, _: changes.split(taxonomy, "food", PARTS),
        lambda taxonomy, _: changes.rename(taxonomy, "weather", "sky"),
    ):
        apply_change(run_of_list(config), change, by="")
    (tmp_path / "map.tsv").write_text("old\tnew\nfood\tsoup,cake\nweather\tsky\n", encoding="utf-8")
    return tmp_path


def run(folder: Path):
    return run_of_list(read_config(folder / "rubricator.yaml", []), folder / "run")


def carried(folder: Path, content: str, name: str = "golden.csv", **options):
    (folder / name).write_text(content, encoding="utf-8")
    (done,), _ = migrate(run(folder), folder / "map.tsv", [folder / name], **options)
    return done, pl.read_csv(done.target, infer_schema=False).rows()


def test_golden_rows_follow_and_those_that_do_not_tell_are_left_out(folder):
    content = 'id,note,labels\n1,а,weather\n2,б,"sport, Погода"\n3,в,food\n4,г,-\n5,д,sport\n'
    done, rows = carried(folder, content)
    assert rows == [("1", "а", "sky"), ("2", "б", "sky,sport"), ("4", "г", "-"), ("5", "д", "sport")]
    assert done.open == ("3",)
    assert done.target.name == "golden.migrated.csv"
    assert (folder / "golden.csv").read_text(encoding="utf-8").startswith("id,note"), "the old file stays"


def test_each_of_several_and_what_is_dropped(folder):
    (folder / "map.tsv").write_text("old\tnew\thow\nfood\tsoup,cake\teach\nweather\t-\t\n", encoding="utf-8")
    _, rows = carried(folder, "id,labels\n1,weather\n2,food\n")
    assert rows == [("1", "-"), ("2", "soup,cake")]


def test_columns_of_categories_are_renamed_and_split(folder):
    done, rows = carried(folder, "id,weather,sport,food,corrupted\n1,1,0,0,0\n2,0,1,1,0\n3,0,0,0,1\n")
    assert pl.read_csv(done.target).columns == ["id", "sky", "sport", "soup", "cake", "corrupted"]
    assert rows == [("1", "1", "0", "0", "0", "0"), ("3", "0", "0", "0", "0", "1")]
    assert done.open == ("2",)


def test_predictions_keep_their_rows_and_say_nothing_of_the_parts(folder):
    done, rows = carried(
        folder, 'id,labels,p_weather,p_sport,p_food\n1,"weather,food",0.9,0.1,0.8\n2,,0.2,0.1,0.3\n'
    )
    assert pl.read_csv(done.target).columns == ["id", "labels", "p_sky", "p_sport", "p_soup", "p_cake"]
    assert rows == [("1", "sky", "0.9", "0.1", None, None), ("2", None, "0.2", "0.1", None, None)]
    assert done.open == ("1",)


@pytest.mark.parametrize(("single", "expected"), [(False, 0.5), (True, 0.8)], ids=["largest", "sum"])
def test_probabilities_of_categories_that_became_one(tmp_path, single, expected):
    config = read_config(project(tmp_path, single=single), [])
    apply_change(run_of_list(config), lambda taxonomy, _: changes.merge(taxonomy, ["food"], "sport"), by="")
    (tmp_path / "map.tsv").write_text("old\tnew\nfood\tsport\n", encoding="utf-8")
    _, rows = carried(tmp_path, "id,p_sport,p_weather,p_food\n1,0.3,0.2,0.5\n")
    assert float(rows[0][1]) == pytest.approx(expected)
    assert float(rows[0][2]) == pytest.approx(0.2)


def test_a_key_that_nobody_knows_is_refused_with_its_place(folder):
    with pytest.raises(DataError, match="row 1: unknown category 'art'"):
        carried(folder, "id,labels\n1,art\n")


def test_a_map_that_misses_a_key_writes_nothing(folder):
    (folder / "map.tsv").write_text("old\tnew\nweather\tsky\n", encoding="utf-8")
    with pytest.raises(TaxonomyError, match="says nothing of food"):
        carried(folder, "id,labels\n1,food\n2,weather\n")
    with pytest.raises(TaxonomyError, match=r"says nothing of food, which version 1\.0 has"):
        carried(folder, "id,labels\n2,weather\n", since="1.0")
    assert not (folder / "golden.migrated.csv").exists()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("old\tnew\nfood\tsoop\n", "did you mean 'soup'"),
        ("old\tnew\nfood\t\n", "points to nothing"),
        ("from\tto\nfood\tsoup\n", "lacks the column 'old'"),
        ("old\tnew\nfilm\tsport\n", "film, which no version of the list has had"),
    ],
)
def test_a_wrong_map_is_refused(folder, content, said):
    (folder / "map.tsv").write_text(content, encoding="utf-8")
    with pytest.raises((DataError, TaxonomyError)) as caught:
        carried(folder, "id,labels\n1,sport\n")
    assert said in str(caught.value)


def test_nothing_is_overwritten(folder):
    carried(folder, "id,labels\n1,sport\n")
    with pytest.raises(DataError, match="exists already"):
        carried(folder, "id,labels\n1,sport\n")


def test_a_file_without_labels_is_told(folder):
    with pytest.raises(DataError, match="has no labels"):
        carried(folder, "id,text\n1,а\n")


def test_the_map_that_a_change_writes_can_be_read(folder):
    history = folder / "taxonomy.history"
    taxonomy = run(folder).taxonomy
    assert read_map(history / "3.0.map.tsv", taxonomy).keys("weather") == ("sky",)
    assert read_map(history / "2.0.map.tsv", taxonomy).targets["food"].open
