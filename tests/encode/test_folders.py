from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from rubricator.encode.folders import built, cache_folder
from rubricator.errors import EncoderError


def writer(text: str) -> Callable[[Path], None]:
    def build(folder: Path) -> None:
        (folder / "a.txt").write_text(text)

    return build


def test_the_choice_outranks_the_environment_which_outranks_the_system(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("RUBRICATOR_CACHE", str(tmp_path / "environment"))
    assert cache_folder(tmp_path / "chosen") == tmp_path / "chosen"
    assert cache_folder() == tmp_path / "environment"
    monkeypatch.delenv("RUBRICATOR_CACHE")
    assert cache_folder().name == "rubricator"


def test_a_whole_folder_is_not_built_again(tmp_path: Path) -> None:
    first = built(tmp_path / "deep" / "x", writer("one"))
    assert (built(first, writer("two")) / "a.txt").read_text() == "one"


@pytest.mark.parametrize("harm", ["alter", "remove", "checksums"])
def test_a_damaged_folder_is_built_again(tmp_path: Path, harm: str) -> None:
    target = built(tmp_path / "x", writer("one"))
    if harm == "alter":
        (target / "a.txt").write_text("onE")
    elif harm == "remove":
        (target / "a.txt").unlink()
    else:
        (target / "checksums.json").write_text("[]")
    assert (built(target, writer("two")) / "a.txt").read_text() == "two"


def test_a_failed_build_leaves_nothing_behind(tmp_path: Path) -> None:
    def build(folder: Path) -> None:
        (folder / "half").write_text("")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        built(tmp_path / "x", build)
    assert list(tmp_path.iterdir()) == []


def test_builders_at_the_same_time_all_succeed(tmp_path: Path) -> None:
    together = threading.Barrier(4)
    results: list[str] = []

    def build(folder: Path) -> None:
        (folder / "a.txt").write_text("one")
        together.wait(timeout=10)

    def work() -> None:
        results.append((built(tmp_path / "x", build) / "a.txt").read_text())

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == ["one"] * 4
    assert [path.name for path in tmp_path.iterdir()] == ["x"]


def test_leftovers_of_killed_builders_go_after_a_day(tmp_path: Path) -> None:
    for name, age in ((".x-old", 200_000), (".x-new", 10), (".y-old", 200_000)):
        (tmp_path / name).mkdir()
        os.utime(tmp_path / name, (time.time() - age, time.time() - age))
    built(tmp_path / "x", writer("one"))
    assert {path.name for path in tmp_path.iterdir()} == {"x", ".x-new", ".y-old"}


def test_an_unwritable_cache_says_which_setting_moves_it(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(EncoderError, match="RUBRICATOR_CACHE"):
        built(tmp_path / "file" / "x", writer("one"))
