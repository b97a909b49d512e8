"""Reads an artifact in three steps: parse the manifest, audit every file against it, build the model.

The digests guard against damage, partial copies and edits by hand. They do not prove who wrote the
artifact: whoever can rewrite a file can rewrite the manifest too. A signature proves it. Nothing in an
artifact is ever run as code, and `Manifest.identifier` names the whole of it where it must be pinned.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from rubricator.artifact import manifest as layout
from rubricator.artifact.manifest import MANIFEST, MODEL, SIGNATURE, FileEntry, Manifest, manifest_id
from rubricator.artifact.signature import verify
from rubricator.errors import ArtifactError, RubricatorError
from rubricator.label_space import DecisionRule
from rubricator.models.base import Model
from rubricator.models.registry import read_model
from rubricator.models.serialization import FIX, part
from rubricator.records import file_digest
from rubricator.validation_errors import listed
from rubricator.whole_files import recovered

_MANIFEST_LIMIT = 16 * 2**20
_MEMORY_LIMIT = 2 * 2**30
_REREADS = 3
_Read = TypeVar("_Read")


@dataclass(frozen=True, slots=True)
class Artifact:
    """A checked artifact, ready to serve: `model` makes logits of texts, and `rule` decisions of logits.

    `reference` is the file that monitoring compares with; None in an artifact of an older version.
    """

    folder: Path
    manifest: Manifest
    model: Model
    rule: DecisionRule
    reference: bytes | None = None

    def encoder_folder(self, name: str) -> Path:
        """Where the files of the encoder lie that the model knows by this name."""
        return self.folder / layout.ENCODERS / name


def read_artifact(folder: Path, *, key: Path | None = None) -> Artifact:
    """Read and check an artifact; with a public `key`, only one that its owner signed.

    Raises:
        ArtifactError: The folder is no artifact, is of an unknown format, differs in any way
            from what was written (the message names the file and the difference), or is not signed.
        MissingExtraError: A signature is to be checked, and `cryptography` is not installed.
    """

    def read() -> Artifact:
        manifest = _audited(folder, key)
        with _readable(folder):
            model = _build(folder, manifest)
            entry = manifest.files.get(layout.REFERENCE)
            reference = None if entry is None else _load(folder, layout.REFERENCE, entry)
        rule = manifest.rule.decision(manifest.taxonomy.space)
        return Artifact(folder, manifest, model, rule, reference)

    return while_unreplaced(folder, read)


def audit_artifact(folder: Path, *, key: Path | None = None) -> Manifest:
    """Check every file of an artifact against its manifest, without building the model; see `read_artifact`.

    Raises:
        ArtifactError: The folder is no artifact, differs from what was written, or is not signed.
        MissingExtraError: A signature is to be checked, and `cryptography` is not installed.
    """
    return while_unreplaced(folder, lambda: _audited(folder, key))


def _audited(folder: Path, key: Path | None) -> Manifest:
    with _readable(folder):
        data = _manifest_bytes(folder)
        if key is not None:
            verify(data, folder, key)
        manifest = _parse(data)
        _audit(folder, manifest)
    return manifest


def while_unreplaced(folder: Path, read: Callable[[], _Read]) -> _Read:
    """What `read` gives of a folder, read anew where the folder was replaced meanwhile.

    Parts of two folders fit neither: an error that comes of it is none, and neither is a success.

    Raises:
        RubricatorError: Whatever `read` raises.
    """
    recovered(folder)
    for _ in range(_REREADS):
        before = _inode(folder)
        try:
            result = read()
        except RubricatorError:
            if _inode(folder) == before:
                raise
            continue
        if _inode(folder) == before:
            return result
    return read()


def _inode(folder: Path) -> int | None:
    try:
        return folder.stat().st_ino
    except OSError:
        return None


@contextmanager
def _readable(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ArtifactError(
            f"The artifact {folder} cannot be read: {error.strerror} ({error.filename}).",
            fix="Check the path and the permissions.",
        ) from error


def _parse(data: bytes) -> Manifest:
    raw = _json(data)
    version = raw.get("format_version")
    readable = layout.FORMAT_VERSION
    if version != readable or isinstance(version, bool):
        raise ArtifactError(
            f"{MANIFEST} has format_version {version!r}; this version of Rubricator reads {readable}.",
            fix="Use the version of Rubricator that wrote the artifact, or train it again with this one.",
        )
    if raw.get("id") != manifest_id(raw):
        raise ArtifactError(
            f"{MANIFEST} was changed after it was written: its id is {raw.get('id')!r}, "
            f"its content gives '{manifest_id(raw)}'.",
            fix=FIX,
        )
    try:
        return Manifest.model_validate(raw)
    except ValidationError as error:
        raise ArtifactError(listed(MANIFEST, error, Manifest), fix=FIX) from error


def _manifest_bytes(folder: Path) -> bytes:
    path = folder / MANIFEST
    if not folder.is_dir() or not path.exists():
        state = "has no " + MANIFEST if folder.is_dir() else "does not exist or is not a folder"
        inside = folder / "artifact"
        raise ArtifactError(
            f"{folder} is no artifact: it {state}.",
            fix=f"This is the folder of a run; its artifact is {inside}."
            if (inside / MANIFEST).exists()
            else "Name the folder that training wrote (it holds manifest.json and model.safetensors).",
        )
    status = path.lstat()
    if not stat.S_ISREG(status.st_mode):
        raise ArtifactError(f"{MANIFEST} is not a plain file.", fix=FIX)
    if status.st_size > _MANIFEST_LIMIT:
        raise ArtifactError(f"{MANIFEST} has {status.st_size:,} bytes: too large to be one.", fix=FIX)
    return path.read_bytes()


def _json(data: bytes) -> dict[str, Any]:
    def refuse(constant: str) -> None:
        raise ValueError(f"{constant} is not a number of JSON")

    try:
        raw = json.loads(data, parse_constant=refuse)
        # What is no text in UTF-8 could not be hashed or written again.
        json.dumps(raw, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise ArtifactError(f"{MANIFEST} is not valid JSON: {error}.", fix=FIX) from error
    if not isinstance(raw, dict):
        raise ArtifactError(f"{MANIFEST} holds no JSON object.", fix=FIX)
    return raw


def _audit(folder: Path, manifest: Manifest) -> None:
    """Check that the folder holds exactly the files listed, each with its size and digest."""
    present = dict(_files(folder))
    missing = [path for path in manifest.files if path not in present]
    if missing:
        raise ArtifactError(f"The artifact {folder} lacks {_some(missing)}.", fix=FIX)
    unlisted = [path for path in present if path not in manifest.files and path not in (MANIFEST, SIGNATURE)]
    if unlisted:
        raise ArtifactError(
            f"The artifact {folder} holds files that its manifest does not list: {_some(unlisted)}.",
            fix="Remove them if they came later, or take an untouched copy of the artifact.",
        )
    for path, entry in manifest.files.items():
        if present[path] != entry.bytes:
            raise ArtifactError(f"{path} has {present[path]:,} bytes instead of {entry.bytes:,}.", fix=FIX)
    for path, entry in manifest.files.items():
        _same_digest(path, entry, file_digest(folder / path))


def _files(folder: Path) -> Iterator[tuple[str, int]]:
    """Path and size of every file below `folder`; anything but plain files and folders is refused."""
    for parent, folders, files in os.walk(folder, onerror=_raise):
        for name in sorted([*folders, *files]):
            path = Path(parent, name)
            status = path.lstat()
            if stat.S_ISREG(status.st_mode):
                yield path.relative_to(folder).as_posix(), status.st_size
            elif not stat.S_ISDIR(status.st_mode):
                kind = "a symbolic link" if stat.S_ISLNK(status.st_mode) else "not a plain file"
                raise ArtifactError(f"{path.relative_to(folder).as_posix()} is {kind}.", fix=FIX)


def _raise(error: OSError) -> None:
    raise error


def _same_digest(path: str, entry: FileEntry, digest: str) -> None:
    if digest != entry.sha256:
        raise ArtifactError(
            f"{path} was changed after it was written: its SHA-256 is {digest[:12]}… "
            f"instead of {entry.sha256[:12]}….",
            fix=FIX,
        )


def _build(folder: Path, manifest: Manifest) -> Model:
    listed = manifest.files.items()
    files = {path: _load(folder, path, entry) for path, entry in listed if path.startswith(f"{MODEL}/")}
    model = read_model(part(files, MODEL))
    categories = len(manifest.taxonomy.categories)
    if model.categories != categories:
        raise ArtifactError(
            f"The model knows {model.categories} categories, the taxonomy {categories}.", fix=FIX
        )
    widths = {name: encoder.get("width") for name, encoder in manifest.encoders.items()}
    if widths != dict(model.encoders):
        raise ArtifactError(
            f"The model looks through {_widths(model.encoders)}; the artifact has {_widths(widths)}.", fix=FIX
        )
    return model


def _widths(encoders: Mapping[str, object]) -> str:
    return ", ".join(f"{name} of width {width}" for name, width in encoders.items()) or "no encoder"


def _some(paths: list[str]) -> str:
    return ", ".join(sorted(paths)[:5]) + (f" and {len(paths) - 5} more" if len(paths) > 5 else "")


def _load(folder: Path, path: str, entry: FileEntry) -> bytes:
    """Read a file into memory; what was read is what was checked, even if the file changes meanwhile."""
    if entry.bytes > _MEMORY_LIMIT:
        raise ArtifactError(f"{path} has {entry.bytes:,} bytes: too large to be loaded.", fix=FIX)
    data = (folder / path).read_bytes()
    _same_digest(path, entry, hashlib.sha256(data).hexdigest())
    return data
