from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from rubricator.encode.folders import built, cache_folder
from rubricator.errors import EncoderError


def writer(text: str) -> Callable[[Path], None]:
    def build(folder: Path) -> None:
        (folder / "a.txt").write_text(text)

    return build


def left_in(folder: Path) -> list[str]:
    """What lies in a cache, but for the lock that all share."""
    return sorted(path.name for path in folder.iterdir() if path.name != ".order.lock")


@contextmanager
def building(target: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process that builds until its input is closed."""
    code = """
import sys
from pathlib import Path
from rubricator.encode.folders import built

def build(folder):
    print("begun", flush=True)
    sys.stdin.read()
    (folder / "a.txt").write_text("other")

built(Path(sys.argv[1]), build)
"""
    command = [sys.executable, "-c", code, str(target)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"begun\n"
        yield process


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
    assert left_in(tmp_path) == []


def test_of_builders_at_the_same_time_one_works_and_all_have_it(tmp_path: Path) -> None:
    together = threading.Barrier(4)
    begun: list[Path] = []
    results: list[str] = []

    def build(folder: Path) -> None:
        begun.append(folder)
        time.sleep(0.2)
        (folder / "a.txt").write_text("one")

    def work() -> None:
        together.wait(timeout=10)
        results.append((built(tmp_path / "x", build) / "a.txt").read_text())

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == ["one"] * 4
    assert len(begun) == 1
    assert left_in(tmp_path) == ["x"]


def test_leftovers_of_killed_builders_go_after_a_day(tmp_path: Path) -> None:
    for name, age in ((".x-old", 200_000), (".x-new", 10), (".y-old", 200_000)):
        (tmp_path / name).mkdir()
        os.utime(tmp_path / name, (time.time() - age, time.time() - age))
    built(tmp_path / "x", writer("one"))
    assert left_in(tmp_path) == [".x-new", ".y-old", "x"]


@pytest.mark.parametrize("next_one", ["x", "y"])
def test_leftovers_of_a_killed_process_go_at_once(tmp_path: Path, next_one: str) -> None:
    with building(tmp_path / "x") as killed:
        (left,) = left_in(tmp_path)
        assert left.startswith(".x-")
        killed.kill()
        killed.wait()
    assert left_in(tmp_path) == [left]
    built(tmp_path / next_one, writer("one"))
    assert left_in(tmp_path) == [next_one]


def test_what_another_process_builds_stays(tmp_path: Path) -> None:
    with building(tmp_path / "x") as other:
        (held,) = left_in(tmp_path)
        old = time.time() - 200_000
        os.utime(tmp_path / held, (old, old))
        built(tmp_path / "x-y", writer("one"))
        assert left_in(tmp_path) == [held, "x-y"]
        other.stdin.close()
        assert other.wait() == 0
    assert left_in(tmp_path) == ["x", "x-y"]
    assert sorted(path.name for path in (tmp_path / "x").iterdir()) == ["a.txt", "checksums.json"]


@pytest.mark.parametrize(("killed", "text"), [(False, "other"), (True, "one")])
def test_what_another_process_builds_is_waited_for(tmp_path: Path, killed: bool, text: str) -> None:
    with building(tmp_path / "x") as other:

        @contextmanager
        def progress(description: str, *, total: int | None):
            assert "another process" in description
            if killed:
                other.kill()
            else:
                other.stdin.close()
            yield lambda *_: None

        target = built(tmp_path / "x", writer("one"), progress=progress)
        assert (target / "a.txt").read_text() == text
    assert left_in(tmp_path) == ["x"]


def test_an_unwritable_cache_says_which_setting_moves_it(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(EncoderError, match="RUBRICATOR_CACHE"):
        built(tmp_path / "file" / "x", writer("one"))
