"""Reads an artifact in three steps: parse the manifest, audit every file against it, build the model.

The digests guard against damage, partial copies and edits by hand. They do not prove who wrote the
artifact: whoever can rewrite a file can rewrite the manifest too. Nothing in an artifact is ever run
as code, and `Manifest.identifier` names the whole of it where it must be pinned.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from safetensors import SafetensorError, deserialize

from rubricator.artifact.manifest import (
    ENCODER,
    FORMAT_VERSION,
    MANIFEST,
    MODEL,
    VOCABULARY,
    FileEntry,
    Manifest,
    manifest_id,
)
from rubricator.artifact.models import Analyzer, HeadsModel, LinearModel, Ngrams
from rubricator.decision import DecisionRule
from rubricator.errors import ArtifactError
from rubricator.faults import explain

Floats = NDArray[np.float64]

_MANIFEST_LIMIT = 16 * 2**20
_MEMORY_LIMIT = 2 * 2**30
_FIX = "Take an untouched copy of the artifact, or train it again."


@dataclass(frozen=True, slots=True)
class Artifact:
    """A checked artifact, ready to serve.

    Attributes:
        folder: Where it lies.
        manifest: What it says of itself.
        model: From vectors (`heads`) or cleaned texts (`linear`) to logits.
        rule: From logits to decisions.
    """

    folder: Path
    manifest: Manifest
    model: HeadsModel | LinearModel
    rule: DecisionRule

    @property
    def encoder_folder(self) -> Path:
        """Where the encoder's files lie, for the kind `heads`."""
        return self.folder / ENCODER


def read_artifact(folder: Path) -> Artifact:
    """Read and check an artifact.

    Raises:
        ArtifactError: The folder is no artifact, is of an unknown format, or differs in any way
            from what was written; the message names the file and the difference.
    """
    try:
        manifest = _parse(folder)
        _audit(folder, manifest)
        tensors = _tensors(_load(folder, MODEL, manifest.files[MODEL]))
        model = _heads(manifest, tensors) if manifest.kind == "heads" else _linear(folder, manifest, tensors)
    except OSError as error:
        raise ArtifactError(
            f"The artifact {folder} cannot be read: {error.strerror} ({error.filename}).",
            fix="Check the path and the permissions.",
        ) from error
    return Artifact(folder, manifest, model, manifest.rule.decision(single=manifest.taxonomy.single))


def _parse(folder: Path) -> Manifest:
    raw = _json(_manifest_bytes(folder))
    found = raw.get("format_version")
    if found != FORMAT_VERSION or isinstance(found, bool):
        raise ArtifactError(
            f"{MANIFEST} has format_version {found!r}; this version of Rubricator reads {FORMAT_VERSION}.",
            fix="Use the version of Rubricator that wrote the artifact, or train it again with this one.",
        )
    if raw.get("id") != manifest_id(raw):
        raise ArtifactError(
            f"{MANIFEST} was changed after it was written: its id is {raw.get('id')!r}, "
            f"its content gives '{manifest_id(raw)}'.",
            fix=_FIX,
        )
    try:
        return Manifest.model_validate(raw)
    except ValidationError as error:
        raise ArtifactError(
            f"{MANIFEST} has {error.error_count()} fault(s):\n{explain(error, Manifest)}", fix=_FIX
        ) from error


def _manifest_bytes(folder: Path) -> bytes:
    path = folder / MANIFEST
    if not folder.is_dir() or not path.exists():
        seen = "has no " + MANIFEST if folder.is_dir() else "does not exist or is not a folder"
        raise ArtifactError(
            f"{folder} is no artifact: it {seen}.",
            fix="Name the folder that training wrote (it holds manifest.json and model.safetensors).",
        )
    status = path.lstat()
    if not stat.S_ISREG(status.st_mode):
        raise ArtifactError(f"{MANIFEST} is not a plain file.", fix=_FIX)
    if status.st_size > _MANIFEST_LIMIT:
        raise ArtifactError(f"{MANIFEST} has {status.st_size:,} bytes: too large to be one.", fix=_FIX)
    return path.read_bytes()


def _json(data: bytes) -> dict[str, Any]:
    def refuse(constant: str) -> None:
        raise ValueError(f"{constant} is not a number of JSON")

    try:
        raw = json.loads(data, parse_constant=refuse)
        # What is no text in UTF-8 could not be hashed or written again.
        json.dumps(raw, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise ArtifactError(f"{MANIFEST} is not valid JSON: {error}.", fix=_FIX) from error
    if not isinstance(raw, dict):
        raise ArtifactError(f"{MANIFEST} holds no JSON object.", fix=_FIX)
    return raw


def _audit(folder: Path, manifest: Manifest) -> None:
    """Check that the folder holds exactly the files listed, each with its size and digest."""
    present = dict(_files(folder))
    missing = [path for path in manifest.files if path not in present]
    if missing:
        raise ArtifactError(f"The artifact {folder} lacks {_some(missing)}.", fix=_FIX)
    unlisted = [path for path in present if path not in manifest.files and path != MANIFEST]
    if unlisted:
        raise ArtifactError(
            f"The artifact {folder} holds files that its manifest does not list: {_some(unlisted)}.",
            fix="Remove them if they came later, or take an untouched copy of the artifact.",
        )
    for path, entry in manifest.files.items():
        if present[path] != entry.bytes:
            raise ArtifactError(f"{path} has {present[path]:,} bytes instead of {entry.bytes:,}.", fix=_FIX)
    for path, entry in manifest.files.items():
        with (folder / path).open("rb") as file:
            _same_digest(path, entry, hashlib.file_digest(file, "sha256").hexdigest())


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
                raise ArtifactError(f"{path.relative_to(folder).as_posix()} is {kind}.", fix=_FIX)


def _raise(error: OSError) -> None:
    raise error


def _same_digest(path: str, entry: FileEntry, found: str) -> None:
    if found != entry.sha256:
        raise ArtifactError(
            f"{path} was changed after it was written: its SHA-256 is {found[:12]}… "
            f"instead of {entry.sha256[:12]}….",
            fix=_FIX,
        )


def _some(paths: list[str]) -> str:
    return ", ".join(sorted(paths)[:5]) + (f" and {len(paths) - 5} more" if len(paths) > 5 else "")


def _load(folder: Path, path: str, entry: FileEntry) -> bytes:
    """Read a file into memory; what was read is what was checked, even if the file changes meanwhile."""
    if entry.bytes > _MEMORY_LIMIT:
        raise ArtifactError(f"{path} has {entry.bytes:,} bytes: too large to be loaded.", fix=_FIX)
    data = (folder / path).read_bytes()
    _same_digest(path, entry, hashlib.sha256(data).hexdigest())
    return data


def _tensors(data: bytes) -> dict[str, Floats]:
    try:
        views = deserialize(data)  # type: ignore[no-untyped-call]
    except SafetensorError as error:
        raise ArtifactError(f"{MODEL} is not a safetensors file: {error}.", fix=_FIX) from error
    tensors = {}
    for name, view in views:
        if view["dtype"] != "F64":
            raise ArtifactError(f"{MODEL}: {name} has the type {view['dtype']} instead of F64.", fix=_FIX)
        array = np.frombuffer(view["data"], dtype="<f8").reshape(view["shape"]).astype(np.float64)
        if not np.isfinite(array).all():
            raise ArtifactError(f"{MODEL}: {name} holds numbers that are not finite.", fix=_FIX)
        tensors[name] = array
    return tensors


def _expect(tensors: dict[str, Floats], shapes: dict[str, tuple[int | None, ...]]) -> None:
    """Check names and shapes of tensors; None stands for any length."""
    if tensors.keys() != shapes.keys():
        raise ArtifactError(f"{MODEL} holds {sorted(tensors)} instead of {sorted(shapes)}.", fix=_FIX)
    for name, shape in shapes.items():
        found = tensors[name].shape
        if len(found) != len(shape) or any(w not in (None, f) for w, f in zip(shape, found, strict=True)):
            wanted = " × ".join("any" if length is None else str(length) for length in shape)
            seen = " × ".join(map(str, found)) or "one number"
            raise ArtifactError(f"{MODEL}: {name} has the shape {seen} instead of {wanted}.", fix=_FIX)


def _heads(manifest: Manifest, tensors: dict[str, Floats]) -> HeadsModel:
    categories = len(manifest.taxonomy.categories)
    width = (manifest.encoder or {}).get("width")
    wanted = width if isinstance(width, int) else None
    _expect(tensors, {"coef": (categories, wanted), "intercept": (categories,)})
    return HeadsModel(tensors["coef"], tensors["intercept"])


class _Block(BaseModel):
    """One TF-IDF block of vocabulary.json."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    analyzer: Analyzer
    shortest: int = Field(ge=1, le=20)
    longest: int = Field(ge=1, le=20)
    sublinear: bool
    lowercase: bool
    terms: list[str] = Field(min_length=1)


class _Vocabulary(BaseModel):
    """The whole of vocabulary.json."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    blocks: list[_Block] = Field(min_length=1, max_length=10)


def _linear(folder: Path, manifest: Manifest, tensors: dict[str, Floats]) -> LinearModel:
    try:
        blocks = _Vocabulary.model_validate_json(_load(folder, VOCABULARY, manifest.files[VOCABULARY])).blocks
    except ValidationError as error:
        raise ArtifactError(
            f"{VOCABULARY} has {error.error_count()} fault(s):\n{explain(error, _Vocabulary)}", fix=_FIX
        ) from error
    for block in blocks:
        if len(set(block.terms)) != len(block.terms) or block.shortest > block.longest:
            raise ArtifactError(
                f"{VOCABULARY}: terms repeat, or n-grams go from {block.shortest} to {block.longest}.",
                fix=_FIX,
            )
    categories, columns = len(manifest.taxonomy.categories), sum(len(block.terms) for block in blocks)
    idf: dict[str, tuple[int | None, ...]] = {f"idf.{i}": (len(b.terms),) for i, b in enumerate(blocks)}
    _expect(tensors, {"coef": (categories, columns), "intercept": (categories,)} | idf)
    ngrams = tuple(
        Ngrams(
            block.analyzer,
            block.shortest,
            block.longest,
            tuple(block.terms),
            tensors[f"idf.{number}"],
            block.sublinear,
            block.lowercase,
        )
        for number, block in enumerate(blocks)
    )
    return LinearModel(ngrams, tensors["coef"], tensors["intercept"])
