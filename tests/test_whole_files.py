"""A file is replaced whole, or stays as it was."""

from pathlib import Path

import pytest

from rubricator.whole_files import whole_file


def test_a_file_is_replaced_only_by_a_whole_one(tmp_path: Path) -> None:
    path = tmp_path / "facts.json"
    with whole_file(path) as part:
        part.write_text("old")

    def stop_half_way() -> None:
        with whole_file(path) as part:
            part.write_text("ne")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stop_half_way()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]
