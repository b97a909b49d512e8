"""What passes between stages comes back as it was, and the same content is the same file."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from rubricator.dataset.files import read_json, read_split, save_json, write_split
from rubricator.dataset.split import DatasetSplit
from rubricator.errors import DataError

_WRITE = """
import sys
from pathlib import Path
from rubricator.dataset.files import write_split
from rubricator.dataset.split import DatasetSplit
from rubricator.errors import DataError
ids = [f"t{number}" for number in range(40)]
split = DatasetSplit(dict.fromkeys(ids, "train"), {}, frozenset(ids), "time", "folds", ("A note.",))
write_split(Path(sys.argv[1]), split)
"""


def test_a_split_comes_back(tmp_path: Path) -> None:
    split = DatasetSplit(
        part={"a": "train", "b": "test", "c": "left_out"},
        fold={"a": 3},
        teaching=frozenset({"a"}),
        by="time",
        validation="folds",
        notes=("Texts test.", "Others train."),
    )
    (tmp_path / "stages").mkdir()
    write_split(tmp_path / "stages/split.json", split)
    assert read_split(tmp_path) == split


@pytest.mark.slow
def test_the_same_split_is_the_same_file_in_every_process(tmp_path: Path) -> None:
    for seed in ("1", "2"):
        subprocess.run(
            [sys.executable, "-c", _WRITE, str(tmp_path / seed)],
            check=True,
            env={**os.environ, "PYTHONHASHSEED": seed},
        )
    assert (tmp_path / "1").read_bytes() == (tmp_path / "2").read_bytes()


def test_json_is_saved_whole_or_not_at_all(tmp_path):
    path = tmp_path / "new/figures.json"
    save_json(path, {"доля": 0.5})
    assert read_json(path) == {"доля": 0.5}
    with pytest.raises(TypeError):
        save_json(path, {"a": object()})
    assert read_json(path) == {"доля": 0.5}
    with pytest.raises(DataError, match="cannot be written"):
        save_json(path / "below.json", {})
    assert [file.name for file in path.parent.iterdir()] == ["figures.json"]
