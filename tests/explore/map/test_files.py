"""The map of what is known of a run, and its files."""

import json
from datetime import UTC, datetime

import numpy as np
import pytest

from rubricator.dataset.synthetic import SyntheticText
from rubricator.errors import DataError
from rubricator.explore.known import Known
from rubricator.explore.map.files import write_map
from rubricator.explore.map.known_map import known_map
from rubricator.explore.map.points import OTHERS, MapColumn, labels_at
from rubricator.explore.themes import Theme, Themes
from rubricator.records import Text
from rubricator.taxonomy import Taxonomy

TAXONOMY = Taxonomy.model_validate({"categories": [{"key": "sea", "name": "Море"}, {"key": "land"}]})
TEXTS = [
    Text(id="1", content="Паром ушёл по расписанию", source="порт", time=datetime(2026, 3, 1, tzinfo=UTC)),
    Text(id="2", content="В поле взошла рожь", source="ферма", time=datetime(2026, 4, 1)),
    Text(id="3", content="Маяк покрасили заново"),
]
VECTORS = np.eye(3, 4, dtype=np.float32)
MADE = SyntheticText(
    id="s1",
    content="Катер вышел в море",
    categories=("sea",),
    parents=("1",),
    groups=("1",),
    making="llm",
    stage="generate",
)
THEME = {"words": [], "examples": [], "share": 0.5}
THEMES = Themes(
    [Theme(title="Вода, берег", texts=2, **THEME), Theme(title="Земля", texts=1, **THEME)],
    np.array([0, 1, 0]),
)


def known(**more):
    given = {
        "taxonomy": TAXONOMY,
        "vectors": VECTORS,
        "categories": np.array([[1, 0], [0, 1], [0, 0]], dtype=bool),
        "origin": np.array(["golden", "agreement", ""]),
        "agreement": np.array([np.nan, 0.75, np.nan]),
    }
    return Known.bare("run", TEXTS, {text.id: text.id for text in TEXTS}, **(given | more))


def named(points):
    return {column.name: column for column in points.columns}


def test_each_thing_that_is_known_is_a_column():
    points = known_map(known(), THEMES, method="pca")
    columns = named(points)
    assert set(columns) == {"Category", "Theme", "Status", "Source", "Confidence of the teachers", "Time"}
    assert columns["Category"].levels == ("Море", "land")
    assert [columns["Status"].levels[own[0]] for own in columns["Status"].groups] == [
        "golden",
        "agreed",
        "unlabelled",
    ]
    assert columns["Time"].values[1] - columns["Time"].values[0] == 31 * 86_400
    assert [label.title for label in points.labels] == ["Вода, берег", "Земля"]
    assert points.selectable is None


def test_what_is_not_known_is_no_column():
    bare = Known.bare("run", TEXTS[2:] * 3, {"3": "3"}, vectors=VECTORS)
    assert known_map(bare, method="pca").columns == []
    assert known_map(known(vectors=None)) is None


def test_synthetic_texts_come_after_the_real_ones_and_cannot_be_selected():
    points = known_map(known(synthetic=[MADE], synthetic_vectors=VECTORS[:1] * 0.9), THEMES, method="pca")
    assert points.ids == ["1", "2", "3", "s1"]
    assert points.selectable.tolist() == [True, True, True, False]
    columns = named(points)
    assert columns["Real or synthetic"].groups == [(0,), (0,), (0,), (1,)]
    assert columns["Category"].groups[3] == (0,)
    assert columns["Theme"].groups[3] == ()


def test_rare_names_share_a_colour():
    names = [f"source {number}" for number in range(40)] + ["source 0"]
    column = MapColumn.of_names("Source", names)
    assert len(column.levels) == 24
    assert column.levels[0] == "source 0"
    assert column.levels[-1] == OTHERS
    assert column.groups[39] == (23,)


def test_labels_stand_at_the_middle_of_their_points():
    positions = np.array([[0, 0], [2, 2], [100, 4], [7, 7]], dtype=np.float64)
    (label,) = labels_at(positions, ["here", "nowhere"], [0, 0, 0, -1])
    assert (label.title, label.x, label.y, label.texts) == ("here", 2.0, 2.0, 3)


@pytest.mark.slow  # Matplotlib draws four pictures
def test_files_hold_pictures_of_every_column_and_all_points(tmp_path):
    points = known_map(known(taxonomy=None), THEMES, method="pca")
    written = write_map(points, tmp_path / "map")
    assert [path.name for path in written][:3] == ["map.json", "map.pdf", "map-1.png"]
    assert len(written) == 2 + len(points.offered)
    assert written[1].read_bytes().startswith(b"%PDF")
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in written[2:])
    facts = json.loads(written[0].read_text(encoding="utf-8"))
    assert [one["id"] for one in facts["points"]] == ["1", "2", "3"]
    assert facts["labels"][0]["title"] == "Вода, берег"


def test_a_place_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "map").write_text("a file")
    with pytest.raises(DataError, match="cannot be written"):
        write_map(known_map(known(), method="pca"), tmp_path / "map")
