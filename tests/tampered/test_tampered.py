"""Every way of damaging an artifact that we could think of ends in an `ArtifactError` that names it."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import socket
import struct

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.numpy import load, save

from rubricator.artifact import read_artifact
from rubricator.artifact.manifest import manifest_id
from rubricator.errors import ArtifactError


@pytest.fixture
def linear(tmp_path, linear_artifact):
    return shutil.copytree(linear_artifact, tmp_path / "linear")


@pytest.fixture
def heads(tmp_path, heads_artifact):
    return shutil.copytree(heads_artifact, tmp_path / "heads")


def refused(folder, said):
    with pytest.raises(ArtifactError, match=said) as caught:
        read_artifact(folder)
    assert caught.value.fix


def rewrite(folder, change, *, honest_id=True):
    """Change the manifest's content; with `honest_id`, as someone would who knows how the id is made."""
    path = folder / "manifest.json"
    content = json.loads(path.read_text("utf-8"))
    change(content)
    if honest_id:
        content["id"] = manifest_id(content)
    path.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")


def replace(folder, name, data):
    """Change a file together with its digest: what is left is the check of the content itself."""
    (folder / name).write_bytes(data)
    entry = {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    rewrite(folder, lambda content: content["files"].update({name: entry}))


def set_in(*path):
    *steps, last, value = path

    def change(content):
        for step in steps:
            content = content[step]
        content[last] = value

    return change


def test_the_copies_are_sound_before_they_are_damaged(linear, heads):
    read_artifact(linear)
    read_artifact(heads)


# The manifest


def test_a_threshold_changed_by_hand(linear):
    rewrite(linear, set_in("rule", "threshold", 0, 0.1), honest_id=False)
    refused(linear, "manifest.json was changed after it was written")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (set_in("format_version", 1), "format_version 1; this version of Rubricator reads 2"),
        (set_in("format_version", "2"), "format_version '2'"),
        (set_in("format_version", True), "format_version True"),
        (lambda content: content.pop("format_version"), "format_version None"),
        (lambda content: content.pop("rule"), "rule: is required"),
        (set_in("kind", "../x"), "kind"),
        (set_in("code", "import os"), "code: unknown key"),
        (set_in("rule", "threshold", [0.5]), "1 numbers for 3 categories"),
        (set_in("rule", "threshold", [0.5, 0.5, 7]), "threshold"),
        (set_in("rule", "slope", [1.0, "a", 1.0]), "slope"),
        (set_in("taxonomy", "categories", []), "taxonomy.categories"),
        (set_in("name", "../../x"), "name"),
        (set_in("created", "yesterday"), "created"),
        (set_in("max_characters", -1), "max_characters"),
        (set_in("encoders", "base", {"width": 8}), "no encoder; the artifact has base of width 8"),
        (set_in("files", {}), "files must list"),
        (set_in("files", "encoders/base/extra.bin", {"bytes": 1, "sha256": "0" * 64}), "encoders/"),
        (set_in("files", "README.md", "sha256", "0" * 63), "sha256"),
        (set_in("files", "README.md", "bytes", -1), "bytes"),
    ],
)
def test_a_manifest_that_breaks_a_rule(linear, change, said):
    rewrite(linear, change)
    refused(linear, said)


@pytest.mark.parametrize(
    "path",
    [
        "/etc/passwd",
        "../stolen",
        "encoders/../../stolen",
        "a\\b",
        "C:/x",
        "./README.md",
        "encoders//x",
        "",
        ".",
        "x\0y",
    ],
)
def test_a_path_that_leads_outside(linear, path):
    rewrite(linear, set_in("files", path, {"bytes": 0, "sha256": hashlib.sha256().hexdigest()}))
    refused(linear, "leads outside the artifact|not written in its plain form")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"null",
        b"[]",
        b"{",
        b'{"format_version": NaN}',
        b"\xff\xfe{}",
        b"[" * 200_000,
        b'{"a":' * 100_000,
        b'{"format_version": 1, "name": "\\ud800"}',
        b"9" * 10_000,
    ],
)
def test_a_manifest_that_is_no_json_object(linear, data):
    (linear / "manifest.json").write_bytes(data)
    refused(linear, "manifest.json")


def test_a_manifest_of_absurd_size(linear):
    with (linear / "manifest.json").open("wb") as file:
        file.truncate(17 * 2**20)
    refused(linear, "too large to be one")


def test_too_many_files(heads):
    entry = {"bytes": 0, "sha256": hashlib.sha256().hexdigest()}
    rewrite(
        heads, lambda content: content["files"].update({f"encoders/base/{n}": entry for n in range(1001)})
    )
    refused(heads, "files")


# The folder


def test_not_an_artifact_at_all(tmp_path):
    refused(tmp_path / "absent", "does not exist")
    refused(tmp_path, "has no manifest.json")
    (tmp_path / "file").write_text("x")
    refused(tmp_path / "file", "not a folder")


@pytest.mark.parametrize("name", ["model/arrays.safetensors", "model/model.json", "README.md"])
def test_a_missing_file(linear, name):
    (linear / name).unlink()
    refused(linear, f"lacks {name}")


def test_a_missing_encoder(heads):
    shutil.rmtree(heads / "encoders/base")
    refused(heads, "lacks encoders/base/encoder.json, encoders/base/weights/encoder.onnx")


@pytest.mark.parametrize("name", ["extra.py", "encoders/base/sitecustomize.py", ".hidden", "model.pkl"])
def test_an_unlisted_file(heads, name):
    (heads / name).write_text("x")
    refused(heads, f"does not list: {name}")


@pytest.mark.parametrize(
    "name", ["model/arrays.safetensors", "README.md", "encoders/base/weights/encoder.onnx"]
)
def test_a_truncated_file(heads, name):
    data = (heads / name).read_bytes()
    (heads / name).write_bytes(data[:-1])
    refused(heads, f"{name} has {len(data) - 1:,} bytes instead of {len(data):,}")


@pytest.mark.parametrize("name", ["model/arrays.safetensors", "model/model.json", "README.md"])
def test_one_flipped_bit(linear, name):
    data = bytearray((linear / name).read_bytes())
    data[len(data) // 2] ^= 1
    (linear / name).write_bytes(data)
    refused(linear, f"{name} was changed after it was written")


@pytest.mark.parametrize("name", ["model/arrays.safetensors", "manifest.json", "encoders/base/encoder.json"])
def test_a_symbolic_link_even_to_the_same_content(tmp_path, heads, name):
    (heads / name).rename(tmp_path / "elsewhere")
    (heads / name).symlink_to(tmp_path / "elsewhere")
    refused(heads, "symbolic link|not a plain file")


def test_a_linked_folder(tmp_path, heads):
    (heads / "encoders/base").rename(tmp_path / "elsewhere")
    (heads / "encoders/base").symlink_to(tmp_path / "elsewhere")
    refused(heads, "encoders/base is a symbolic link")


def test_a_link_to_the_whole_artifact_is_fine(tmp_path, heads):
    (tmp_path / "current").symlink_to(heads)
    read_artifact(tmp_path / "current")


def test_pipes_and_sockets_are_not_waited_for(linear):
    os.mkfifo(linear / "pipe")
    refused(linear, "pipe is not a plain file")
    (linear / "pipe").unlink()
    (linear / "README.md").unlink()
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(os.path.relpath(linear / "README.md"))
        refused(linear, "README.md is not a plain file")


def test_a_folder_in_the_place_of_a_file(linear):
    (linear / "model/arrays.safetensors").unlink()
    (linear / "model/arrays.safetensors").mkdir()
    refused(linear, "lacks model/arrays.safetensors")


# The arrays, with digests made to fit


def changed_tensors(folder, change):
    tensors = load((folder / "model/arrays.safetensors").read_bytes())
    change(tensors)
    replace(folder, "model/arrays.safetensors", save(tensors))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda t: t.pop("intercept"), r"holds \['coef'\] instead of"),
        (lambda t: t.update(more=np.zeros(3)), "instead of"),
        (lambda t: t.update(coef=t["coef"][:2].copy()), "coef has the shape 2 × 8 instead of 3 categories"),
        (
            lambda t: t.update(coef=t["coef"][:, :7].copy()),
            "base of width 7; the artifact has base",
        ),
        (lambda t: t.update(coef=t["coef"].ravel()), "coef has the shape 24 instead of"),
        (lambda t: t.update(intercept=np.array(1.0)), "intercept has the shape one number"),
        (lambda t: t.update(coef=t["coef"].astype(np.float32)), "type F32 instead of F64"),
        (lambda t: t.update(coef=t["coef"].astype(np.int64)), "type I64 instead of F64"),
        (lambda t: t["coef"].__setitem__((0, 0), np.nan), "coef holds numbers that are not finite"),
        (lambda t: t["intercept"].__setitem__(1, np.inf), "intercept holds numbers that are not finite"),
    ],
)
def test_arrays_that_do_not_fit(heads, change, said):
    changed_tensors(heads, change)
    refused(heads, said)


def test_idf_that_does_not_fit_the_vocabulary(linear):
    changed_tensors(linear, lambda t: t.update({"idf.0": t["idf.0"][1:].copy()}))
    refused(linear, "idf.0 has the shape")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x80\x04K\x01.",
        b"\xff" * 64,
        struct.pack("<Q", 2**60) + b"{}",
        struct.pack("<Q", 80) + b'{"coef":{"dtype":"F64","shape":[3,8],"data_offsets":[0,192]}}'.ljust(80),
        struct.pack("<Q", 96)
        + b'{"coef":{"dtype":"F64","shape":[4294967295,4294967295],"data_offsets":[0,8]}}'.ljust(96),
        struct.pack("<Q", 2**21) + b" " * 2**21,
    ],
)
def test_something_else_in_the_place_of_the_arrays(heads, data):
    replace(heads, "model/arrays.safetensors", data)
    refused(heads, "arrays.safetensors is not a safetensors file")


@pytest.mark.parametrize("shape", [[1] * 72, [0] * 70, [0, 2**62], [2**62, 0]])
def test_an_array_that_no_machine_can_have(heads, shape):
    length = 8 * (0 not in shape)
    entry = {"coef": {"dtype": "F64", "shape": shape, "data_offsets": [0, length]}}
    header = json.dumps(entry).encode()
    header += b" " * (-len(header) % 8)
    replace(heads, "model/arrays.safetensors", struct.pack("<Q", len(header)) + header + bytes(length))
    refused(heads, "coef has an absurd shape")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda v: v["blocks"].pop(), "coef has the shape|instead of"),
        (lambda v: v["blocks"][0]["terms"].pop(), "coef has the shape"),
        (lambda v: v["blocks"][0]["terms"].__setitem__(0, v["blocks"][0]["terms"][1]), "terms repeat"),
        (lambda v: v["blocks"][0]["terms"].__setitem__(0, 5), "terms.0"),
        (lambda v: v["blocks"][0].update(analyzer="os.system"), "analyzer"),
        (lambda v: v["blocks"][0].update(shortest=3, longest=2), "n-grams go from 3 to 2"),
        (lambda v: v["blocks"][0].update(longest=10**9), "longest"),
        (lambda v: v["blocks"][0].update(tokenizer="eval"), "tokenizer: unknown key"),
        (lambda v: v.update(blocks=[]), "blocks"),
    ],
)
def test_a_vocabulary_that_breaks_a_rule(linear, change, said):
    vocabulary = json.loads((linear / "model/model.json").read_text("utf-8"))
    change(vocabulary)
    replace(linear, "model/model.json", json.dumps(vocabulary).encode())
    refused(linear, said)


@pytest.mark.parametrize("kind", [[], {}, None, 7, "nothing", True])
def test_a_model_of_no_kind(linear, kind):
    replace(linear, "model/model.json", json.dumps({"kind": kind}).encode())
    refused(linear, "kind of model .* is unknown")


@pytest.mark.parametrize("depth", [500, 100_000])
def test_a_description_nested_too_deep(linear, depth):
    replace(linear, "model/model.json", b'{"kind":"linear","blocks":' + b"[" * depth + b"]" * depth + b"}")
    refused(linear, "model.json")


def test_models_in_models_without_end(linear):
    """Reading one in the other would exhaust the stack."""
    file = {"bytes": 0, "sha256": hashlib.sha256().hexdigest()}
    rewrite(linear, set_in("files", "model/" + "0/" * 400 + "model.json", file))
    refused(linear, "a path has 402 steps")


@pytest.mark.parametrize("data", [b"", b"[]", b"{", b"[" * 100_000, b"\xff"])
def test_a_vocabulary_that_is_no_json_object(linear, data):
    replace(linear, "model/model.json", data)
    refused(linear, "model.json")


def test_an_unreadable_file_is_said(linear, monkeypatch):
    from pathlib import Path

    def fail(self, *args, **others):
        raise OSError(5, "Input/output error", str(self))

    monkeypatch.setattr(Path, "open", fail)
    refused(linear, "cannot be read: Input/output error")


@pytest.mark.slow
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_change_of_any_byte_is_seen(tmp_path_factory, linear_artifact, data):
    folder = tmp_path_factory.getbasetemp() / "bytes"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(linear_artifact, folder)
    names = sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())
    name = data.draw(st.sampled_from(names))
    content = bytearray((folder / name).read_bytes())
    position = data.draw(st.integers(0, len(content) - 1))
    byte = data.draw(st.integers(0, 255).filter(lambda b: b != content[position]))
    before = content.copy()
    content[position] = byte
    if name == "manifest.json" and _same_json(before, content):
        return
    (folder / name).write_bytes(content)
    with pytest.raises(ArtifactError):
        read_artifact(folder)


def _same_json(before, after):
    """Blanks between values, and 1e0 for 1.0, change no content."""
    try:
        return json.loads(before) == json.loads(after)
    except ValueError:
        return False
