from __future__ import annotations

import errno
import os
import resource
import shutil
import signal
import subprocess
import sys
import threading
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rubricator.artifact import ModelRegistry
from rubricator.artifact.registry import RECORD, lineage
from rubricator.errors import ArtifactError


@pytest.fixture(scope="module")
def artifacts(make_artifact, tmp_path_factory):
    """Three versions of one model."""
    home = tmp_path_factory.mktemp("artifacts")
    return [make_artifact(home / str(n), data_fingerprint=str(n) * 32) for n in range(3)]


@pytest.fixture
def registry(tmp_path):
    return ModelRegistry(tmp_path / "models")


@pytest.fixture
def filled(registry, artifacts):
    return registry, [registry.add(folder).identifier for folder in artifacts]


def bytes_of(folder):
    return {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_versions_are_copies_that_can_be_found_by_their_first_digits(registry, artifacts):
    name = registry.add(artifacts[0]).identifier
    assert bytes_of(registry.artifact(name)) == bytes_of(artifacts[0])
    assert registry.find(name.partition("@")[2][:5]) == name
    assert [version.name for version in registry.versions()] == [name]
    assert registry.champion() is None
    assert registry.add(artifacts[0]).identifier == name
    assert len(registry.versions()) == 1


def test_a_run_adds_its_artifact(registry, artifacts, tmp_path):
    shutil.copytree(artifacts[0], tmp_path / "run/artifact")
    assert registry.add(tmp_path / "run").identifier == registry.versions()[0].name


def test_a_name_that_fits_none_or_several_is_refused(filled):
    registry, names = filled
    slipped = names[0].replace("tiny", "tinny")
    with pytest.raises(ArtifactError, match=rf"has no version '{slipped}' \(did you mean '{names[0]}'"):
        registry.find(slipped)
    with pytest.raises(ArtifactError, match="has no version ''"):
        registry.find("")
    for name in names:
        assert registry.find(name) == name


def test_the_record_leads_there_and_back(filled):
    registry, (a, b, c) = filled
    for name in (a, b, c):
        registry.promote(name, note="проба")
    assert registry.champion() == c
    assert registry.rollback().version == b
    assert registry.rollback().version == a
    with pytest.raises(ArtifactError, match=f"no champion before {a}"):
        registry.rollback()
    registry.promote(c)
    assert registry.rollback().version == a
    record = registry.record()
    assert [(p.action, p.version, p.before) for p in record] == [
        ("promote", a, None),
        ("promote", b, a),
        ("promote", c, b),
        ("rollback", b, c),
        ("rollback", a, b),
        ("promote", c, a),
        ("rollback", a, c),
    ]
    assert record[0].note == "проба"


def test_the_champion_is_not_promoted_again_and_nothing_is_rolled_back_to_from_nothing(filled):
    registry, (a, *_) = filled
    with pytest.raises(ArtifactError, match="no champion before the first"):
        registry.rollback()
    registry.promote(a)
    with pytest.raises(ArtifactError, match="is the champion already"):
        registry.promote(a)
    assert len(registry.record()) == 1


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(steps=st.lists(st.sampled_from([0, 1, 2, "back"]), max_size=12))
def test_rollbacks_undo_promotions_one_by_one(filled, steps):
    registry, names = filled
    (registry.folder / RECORD).unlink(missing_ok=True)
    served = []
    for step in steps:
        if step == "back":
            if len(served) > 1:
                served.pop()
                registry.rollback(check=lambda folder: None)
        elif served[-1:] != [names[step]]:
            served.append(names[step])
            registry.promote(names[step], check=lambda folder: None)
        assert registry.champion() == (served[-1] if served else None)
        assert lineage(registry.record()) == served


@pytest.mark.parametrize("damage", ["half", "changed", "lacking", "gone"])
def test_a_broken_version_is_told_of_and_never_promoted(filled, artifacts, damage):
    registry, (a, b, _) = filled
    registry.promote(a)
    folder = registry.artifact(b)
    weights = next(folder.rglob("*.safetensors"))
    if damage == "half":
        weights.write_bytes(weights.read_bytes()[:100])
    elif damage == "changed":
        content = bytearray(weights.read_bytes())
        content[-1] ^= 1
        weights.write_bytes(content)
    elif damage == "lacking":
        (folder / "manifest.json").unlink()
    else:
        shutil.rmtree(folder)
    with pytest.raises(ArtifactError):
        registry.promote(b)
    assert registry.champion() == a
    states = {version.name: version.problem for version in registry.versions()}
    assert bool(states.get(b)) == (damage != "gone")
    registry.add(artifacts[1])
    assert registry.promote(b).version == b


def test_a_champion_whose_files_are_gone_is_told_of(filled):
    registry, (a, b, _) = filled
    registry.promote(a)
    registry.promote(b)
    shutil.rmtree(registry.artifact(a))
    assert {v.name: v.problem for v in registry.versions()}[a] == "Its files are gone."
    with pytest.raises(ArtifactError, match=f"The files of {a} are gone"):
        registry.rollback()
    assert registry.champion() == b


def test_a_half_copied_artifact_is_not_added(registry, artifacts, tmp_path):
    half = tmp_path / "half"
    shutil.copytree(artifacts[0], half)
    weights = next(half.rglob("*.safetensors"))
    weights.write_bytes(weights.read_bytes()[:50])
    with pytest.raises(ArtifactError, match="50 bytes instead of"):
        registry.add(half)
    assert not registry.folder.exists()


def test_a_version_under_another_name_is_refused(filled):
    registry, (a, b, _) = filled
    shutil.rmtree(registry.artifact(a))
    shutil.copytree(registry.artifact(b), registry.folder / "versions" / a)
    with pytest.raises(ArtifactError, match=f"The folder holds {b}"):
        registry.promote(a)


def test_of_two_promotions_at_once_one_is_refused(filled):
    registry, (a, b, _) = filled
    held, go = threading.Event(), threading.Event()

    def slow(folder):
        held.set()
        assert go.wait(10)

    first = threading.Thread(target=registry.promote, args=(a,), kwargs={"check": slow})
    first.start()
    assert held.wait(10)
    with pytest.raises(ArtifactError, match="Another promotion is under way"):
        ModelRegistry(registry.folder).promote(b)
    with pytest.raises(ArtifactError, match="Another promotion is under way"):
        registry.rollback()
    go.set()
    first.join(10)
    assert [p.version for p in registry.record()] == [a]


def test_a_check_that_fails_leaves_the_champion(filled):
    registry, (a, b, _) = filled
    registry.promote(a)

    def unfit(folder):
        raise ArtifactError("It gives no answers.")

    with pytest.raises(ArtifactError, match="no answers"):
        registry.promote(b, check=unfit)
    assert registry.champion() == a
    assert registry.promote(b).version == b


def test_half_a_line_of_a_killed_process_never_counted(filled):
    registry, (a, b, c) = filled
    registry.promote(a)
    whole = (registry.folder / RECORD).read_bytes()
    registry.promote(b)
    line = (registry.folder / RECORD).read_bytes()[len(whole) :]
    for length in range(len(line)):
        (registry.folder / RECORD).write_bytes(whole + line[:length])
        assert registry.champion() == a
    registry.promote(c)
    assert [p.version for p in registry.record()] == [a, c]


def test_a_damaged_line_is_named(filled):
    registry, (a, *_) = filled
    registry.promote(a)
    with (registry.folder / RECORD).open("a") as file:
        file.write("{}\n")
    with pytest.raises(ArtifactError, match=r"promotions.jsonl, line 2, is no promotion"):
        registry.champion()


def test_a_full_disk_leaves_the_champion_and_no_half_line(filled, monkeypatch):
    registry, (a, b, _) = filled
    registry.promote(a)
    path = registry.folder / RECORD
    before, limits = path.read_bytes(), resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + 20, limits[1]))
    try:
        with pytest.raises(ArtifactError, match="cannot be written"):
            registry.promote(b)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert path.read_bytes() == before
    assert registry.promote(b).version == b


def test_a_full_disk_adds_nothing(registry, artifacts):
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
    try:
        with pytest.raises(ArtifactError, match=os.strerror(errno.EFBIG)):
            registry.add(artifacts[0])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert registry.versions() == []
    assert list((registry.folder / "versions").iterdir()) == []


KILLED = """
import os, signal, sys
from pathlib import Path
from rubricator.artifact import registry
at = sys.argv[3]
def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)
if at == "copy":
    registry.sync = die
    registry.ModelRegistry(Path(sys.argv[1])).add(Path(sys.argv[2]))
elif at == "check":
    registry.ModelRegistry(Path(sys.argv[1])).promote(sys.argv[2], check=die)
else:
    os.fsync = die
    registry.ModelRegistry(Path(sys.argv[1])).promote(sys.argv[2])
"""


@pytest.mark.slow
def test_killed_at_any_moment_one_champion_is_whole(filled, artifacts, make_artifact, tmp_path):
    registry, (a, b, _) = filled
    registry.promote(a)
    other = make_artifact(tmp_path / "other", data_fingerprint="9" * 32)

    def killed(what, at):
        command = [sys.executable, "-c", KILLED, str(registry.folder), str(what), at]
        assert subprocess.run(command, check=False, timeout=60).returncode == -signal.SIGKILL

    killed(other, "copy")
    assert len(registry.versions()) == 3
    registry.add(other)
    assert len(list((registry.folder / "versions").iterdir())) == 4
    killed(b, "check")
    assert registry.champion() == a
    killed(b, "written")
    assert registry.champion() == b
    assert registry.rollback().version == a


def test_what_watches_the_pointer_sees_each_promotion(filled):
    registry, (a, b, _) = filled
    stamps = {registry.stamp()}
    for name in (a, b, a):
        registry.promote(name, check=lambda folder: None)
        stamps.add(registry.stamp())
        time.sleep(0.002)
    assert len(stamps) == 4


def test_notes_stay_with_their_version(registry, artifacts):
    first, second = (
        registry.add(artifact, note=note).identifier
        for artifact, note in zip(artifacts, ("HOLD: too few", ""), strict=False)
    )
    registry.add(artifacts[0], note="PROMOTE: better")
    assert [one.note for one in registry.notes(first)] == ["HOLD: too few", "PROMOTE: better"]
    assert registry.notes(second) == []
    (registry.folder / "notes.jsonl").write_text("{", encoding="utf-8")
    with pytest.raises(ArtifactError, match=r"notes\.jsonl"):
        registry.notes(first)
