"""A file or a folder is replaced whole, or stays as it was."""

import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from rubricator import whole_files
from rubricator.whole_files import put_folder, recovered, whole_file


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


def folder_of(place: Path, word: str) -> Path:
    place.mkdir()
    for name in ("one", "two"):
        (place / name).write_text(word)
    return place


def word_in(place: Path) -> str:
    words = {path.read_text() for path in sorted(place.iterdir())}
    assert len(words) == 1
    assert len(list(place.iterdir())) == 2
    return words.pop()


@pytest.fixture(params=["one step", "two renames"])
def way(request, monkeypatch):
    if request.param == "two renames":
        monkeypatch.setattr(whole_files, "_exchanged", lambda *_: False)
    return request.param


def test_a_folder_takes_the_place_of_another(tmp_path, way):
    put_folder(folder_of(tmp_path / "part", "first"), tmp_path / "it")
    put_folder(folder_of(tmp_path / "part", "second"), tmp_path / "it")
    assert word_in(tmp_path / "it") == "second"
    assert [path.name for path in tmp_path.iterdir()] == ["it"]


@pytest.mark.parametrize("call", range(1, 6))
def test_stopped_before_any_step_one_of_them_is_whole(tmp_path, way, monkeypatch, call):
    folder_of(tmp_path / "it", "old")
    part, calls = folder_of(tmp_path / "part", "new"), []

    def stopping(step):
        def stopped(*arguments, **options):
            calls.append(step)
            if len(calls) == call:
                raise KeyboardInterrupt
            return step(*arguments, **options)

        return stopped

    monkeypatch.setattr(Path, "rename", stopping(Path.rename))
    monkeypatch.setattr(shutil, "rmtree", stopping(shutil.rmtree))
    try:
        put_folder(part, tmp_path / "it")
    except KeyboardInterrupt:
        assert way == "two renames" or (tmp_path / "it").exists()
    monkeypatch.undo()
    recovered(tmp_path / "it")
    assert word_in(tmp_path / "it") in ("old", "new")


def test_a_folder_is_there_at_any_instant_and_after_a_kill(tmp_path):
    program = (
        "import sys; from pathlib import Path; from rubricator.whole_files import put_folder\n"
        "home, n = Path(sys.argv[1]), 0\n"
        "while True:\n"
        "    n += 1; part = home / f'part{n}'; part.mkdir()\n"
        "    [(part / name).write_text(str(n)) for name in ('one', 'two')]\n"
        "    put_folder(part, home / 'it')\n"
    )
    folder_of(tmp_path / "it", "0")
    if not whole_files._exchanged(tmp_path / "it", folder_of(tmp_path / "probe", "0")):
        pytest.skip("this file system cannot exchange two names")
    for checks in (20, 2000):
        writer = subprocess.Popen([sys.executable, "-c", program, tmp_path])
        seen = set()
        while len(seen) < 3 or checks > 0:
            seen.add((tmp_path / "it").stat().st_mtime_ns)  # raises in an instant without the folder
            checks -= 1
        writer.send_signal(signal.SIGKILL)
        writer.wait()
        assert word_in(tmp_path / "it")
        for part in tmp_path.glob("part*"):
            shutil.rmtree(part)
