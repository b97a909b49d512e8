from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from importlib.metadata import version

import numpy as np
import pytest

from rubricator import whole_files
from rubricator.artifact import read_artifact
from rubricator.artifact.read import while_unreplaced
from rubricator.dataset.inputs import BASE, Inputs
from rubricator.errors import ArtifactError
from rubricator.label_space import DecisionRule, LabelSpace
from rubricator.models.heads import HeadsModel
from rubricator.taxonomy import Task
from rubricator.whole_files import put_folder


def below(folder):
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.mark.parametrize("kind", ["linear", "heads"])
def test_what_was_written_is_read_bit_for_bit(tmp_path, make_artifact, kind, linear_model):
    folder = make_artifact(tmp_path / "a", kind)
    artifact = read_artifact(folder)
    manifest = artifact.manifest
    assert manifest.kind == kind
    assert manifest.taxonomy.keys == ("sport", "economy", "culture")
    assert manifest.taxonomy_version == manifest.taxonomy.version
    assert manifest.metrics == {"test": {"macro_f1": 0.75, "roc_auc": None}}
    assert manifest.columns.body == "text"
    assert manifest.identifier == f"tiny@{manifest.id}"
    assert manifest.library_versions["numpy"] == version("numpy")
    assert (artifact.rule.threshold == [0.4, 0.5, 0.45]).all()
    assert not artifact.rule.space.single
    if kind == "linear":
        assert (artifact.model.coef == linear_model.coef).all()
        assert artifact.model.logits(Inputs(["Матч окончен"])) == pytest.approx(
            linear_model.logits(Inputs(["Матч окончен"])), abs=0
        )
        assert manifest.encoders == {}
    else:
        assert manifest.encoders == {BASE: {"name": "hash", "width": 8}}
        assert (artifact.encoder_folder(BASE) / "weights" / "encoder.onnx").exists()


def test_it_is_no_older_than_what_came_in_the_second_before(tmp_path, make_artifact):
    before = datetime.now(UTC)
    created = read_artifact(make_artifact(tmp_path / "a")).manifest.created
    assert before <= created <= datetime.now(UTC)


def test_the_manifest_lists_every_other_file(heads_artifact):
    files = set(below(heads_artifact))
    listed = set(json.loads((heads_artifact / "manifest.json").read_text("utf-8"))["files"])
    assert files - listed == {"manifest.json"}
    assert listed == {
        "README.md",
        "model/model.json",
        "model/arrays.safetensors",
        "encoders/base/encoder.json",
        "encoders/base/weights/encoder.onnx",
    }


def test_nothing_in_an_artifact_is_a_pickle(linear_artifact, heads_artifact):
    names = {
        path.rsplit(".", 1)[-1] for folder in (linear_artifact, heads_artifact) for path in below(folder)
    }
    assert names == {"json", "md", "safetensors", "onnx"}


def test_a_new_artifact_replaces_the_old_one_whole(tmp_path, make_artifact):
    folder = make_artifact(tmp_path / "a", "heads")
    make_artifact(folder, "linear")
    assert read_artifact(folder).manifest.kind == "linear"
    assert not (folder / "encoders").exists()
    assert [p.name for p in tmp_path.iterdir()] == ["a"]


class _Torn:
    width = 8

    def describe(self):
        return {"width": 8}

    def save(self, folder):
        (folder / "half.bin").write_bytes(b"x")
        raise OSError(28, "No space left on device", str(folder))


class _Killed(_Torn):
    def save(self, folder):
        raise KeyboardInterrupt


@pytest.mark.parametrize(("encoder", "expected"), [(_Torn(), ArtifactError), (_Killed(), KeyboardInterrupt)])
def test_a_failed_write_leaves_the_old_artifact(tmp_path, make_artifact, encoder, expected):
    folder = make_artifact(tmp_path / "a")
    before = below(folder)
    with pytest.raises(expected):
        make_artifact(folder, "heads", encoders={BASE: encoder})
    assert below(folder) == before
    assert [p.name for p in tmp_path.iterdir()] == ["a"]


def test_a_failed_rename_puts_the_old_artifact_back(tmp_path, make_artifact, monkeypatch):
    from pathlib import Path

    folder = make_artifact(tmp_path / "a")
    before = below(folder)
    rename = Path.rename

    def refuse(self, target):
        if self.name.endswith(".part"):
            raise OSError(5, "Input/output error", str(self))
        return rename(self, target)

    monkeypatch.setattr(whole_files, "_exchanged", lambda *_: False)
    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.raises(ArtifactError, match="Input/output error"):
        make_artifact(folder, "heads")
    assert below(folder) == before


def test_remains_of_a_killed_write_do_not_disturb(tmp_path, make_artifact):
    (tmp_path / ".a.part" / "encoders").mkdir(parents=True)
    (tmp_path / ".a.part" / "stray").write_text("x")
    (tmp_path / ".a.old").mkdir()
    make_artifact(tmp_path / "a")
    make_artifact(tmp_path / "a")
    read_artifact(tmp_path / "a")
    assert [p.name for p in tmp_path.iterdir()] == ["a"]


def test_a_folder_with_other_things_is_never_deleted(tmp_path, make_artifact):
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(ArtifactError, match="is no artifact; it is not overwritten"):
        make_artifact(tmp_path)
    assert (tmp_path / "thesis.txt").read_text() == "years of work"
    with pytest.raises(ArtifactError, match="not overwritten"):
        make_artifact(tmp_path / "thesis.txt")
    make_artifact(tmp_path / "deep" / "er")


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes anywhere")
def test_a_read_only_place_is_said(tmp_path, make_artifact):
    tmp_path.chmod(0o500)
    with pytest.raises(ArtifactError, match="cannot be written"):
        make_artifact(tmp_path / "a")


@pytest.mark.parametrize(
    ("others", "said"),
    [
        ({"rule": DecisionRule.identity(LabelSpace.of_size(2, single=False))}, "2 numbers for 3 categories"),
        ({"model": HeadsModel(np.ones((3, 8)), np.zeros(3))}, "base of width 8; the artifact has no encoder"),
        ({"metrics": {"f1": float("nan")}}, "not plain JSON"),
        ({"metrics": {"f1": np.float32(1)}}, "not plain JSON"),
        ({"name": "a/b"}, "name"),
        (
            {
                "rule": DecisionRule(
                    LabelSpace.of_size(3, single=False), np.ones(3), np.zeros(3), np.full(3, 1.5)
                )
            },
            "threshold",
        ),
    ],
)
def test_parts_that_do_not_fit_are_refused(tmp_path, make_artifact, others, said):
    with pytest.raises(ArtifactError, match=said):
        make_artifact(tmp_path / "a", **others)
    assert list(tmp_path.iterdir()) == []


def test_weights_of_a_wrong_shape_or_not_finite_are_refused(tmp_path, make_artifact):
    with pytest.raises(ArtifactError, match="base of width 9; the artifact has base of width 8"):
        make_artifact(tmp_path / "a", "heads", model=HeadsModel(np.ones((3, 9)), np.zeros(3)))
    with pytest.raises(ArtifactError, match="not finite"):
        make_artifact(tmp_path / "a", "heads", model=HeadsModel(np.full((3, 8), np.inf), np.zeros(3)))
    assert list(tmp_path.iterdir()) == []


def test_a_single_label_artifact_says_so(tmp_path, make_artifact):
    assert read_artifact(make_artifact(tmp_path / "a", task=Task.SINGLE_LABEL)).rule.space.single


def test_metrics_with_number_keys_and_tuples_survive(tmp_path, make_artifact):
    folder = make_artifact(tmp_path / "a", metrics={"by_size": {10: 1, 9: 2}, "interval": (0.1, 0.2)})
    assert read_artifact(folder).manifest.metrics == {"by_size": {"10": 1, "9": 2}, "interval": [0.1, 0.2]}


def words_in(folder, word):
    folder.mkdir()
    for name in ("one", "two"):
        (folder / name).write_text(word)
    return folder


def test_what_was_replaced_while_it_was_read_is_read_anew(tmp_path):
    words_in(tmp_path / "it", "old")

    def read():
        first = (tmp_path / "it/one").read_text()
        if first == "old":
            put_folder(words_in(tmp_path / "part", "new"), tmp_path / "it")
        if (second := (tmp_path / "it/two").read_text()) != first:
            raise ArtifactError("two files of two folders")
        return second

    assert while_unreplaced(tmp_path / "it", read) == "new"

    def refuse():
        raise ArtifactError("broken for good")

    with pytest.raises(ArtifactError, match="for good"):
        while_unreplaced(tmp_path / "it", refuse)
