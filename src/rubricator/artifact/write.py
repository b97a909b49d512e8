"""Writes an artifact whole or not at all."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Protocol

from pydantic import ValidationError

from rubricator.artifact import manifest as layout
from rubricator.artifact.manifest import MANIFEST, Manifest, Rule, manifest_id
from rubricator.artifact.read import read_artifact
from rubricator.config import Clean, Columns
from rubricator.dataset.boilerplate import Repeated
from rubricator.errors import ArtifactError
from rubricator.label_space import DecisionRule
from rubricator.models.base import Model
from rubricator.records import file_digest
from rubricator.taxonomy import Taxonomy
from rubricator.validation_errors import explain
from rubricator.whole_files import put_folder, recovered

_LIBRARIES = ("rubricator", "numpy", "scipy", "scikit-learn", "tokenizers", "openvino", "onnxruntime")


class SavedEncoder(Protocol):
    """An encoder as an artifact sees it: it can say what it is and lay its files into a folder."""

    def describe(self) -> Mapping[str, Any]:
        """What the encoder is, as JSON values; `width` among them."""

    def save(self, folder: Path) -> object:
        """Lay the files that `Encoder.load` needs into `folder`."""


def write_artifact(
    folder: Path,
    *,
    name: str,
    kind: str,
    model: Model,
    encoders: Mapping[str, SavedEncoder],
    taxonomy: Taxonomy,
    rule: DecisionRule,
    columns: Columns,
    clean: Clean,
    max_characters: int,
    metrics: Mapping[str, Any],
    data_fingerprint: str,
    card: str,
    boilerplate: Sequence[Repeated] = (),
    taxonomy_version: str = "",
    reference: bytes | None = None,
) -> Manifest:
    """Write an artifact beside `folder`, check it by reading it, then put it in the place of the old one.

    An artifact already there is replaced when the new one is whole, not before, and in one step where the
    system can (see `put_folder`). Most parameters are the
    fields of `Manifest`, which is returned as written. `encoders` go by the names under which the model asks
    for them, `metrics` are JSON values (undefined ones None), and `card` is Markdown. `taxonomy_version` is
    how predictions name the list, by default its hash. `reference` is what monitoring compares with.

    Raises:
        ArtifactError: The folder holds something else, cannot be written, or the parts disagree.
    """
    about = {
        "format_version": layout.FORMAT_VERSION,
        "name": name,
        "kind": kind,
        "created": datetime.now(UTC).isoformat(timespec="microseconds"),
        "taxonomy": taxonomy.model_dump(mode="json"),
        "taxonomy_version": taxonomy_version or taxonomy.version,
        "rule": {part: getattr(rule, part).tolist() for part in Rule.model_fields},
        "columns": columns.model_dump(mode="json"),
        "clean": clean.model_dump(mode="json"),
        "boilerplate": [asdict(one) for one in boilerplate],
        "max_characters": max_characters,
        "encoders": {key: dict(encoder.describe()) for key, encoder in encoders.items()},
        "metrics": dict(metrics),
        "data_fingerprint": data_fingerprint,
        "library_versions": _versions(),
    }
    folder = folder.absolute()
    part = folder.with_name(f".{folder.name}.part")
    try:
        recovered(folder)
        _refuse_foreign(folder)
        _remove(part)
        part.mkdir(parents=True)
        _write_files(part, model, encoders, card)
        if reference is not None:
            (part / layout.REFERENCE).write_bytes(reference)
        _write_manifest(part, about)
        manifest = read_artifact(part).manifest
        sync(part)
        put_folder(part, folder)
    except OSError as error:
        raise ArtifactError(
            f"The artifact {folder} cannot be written: {error.strerror} ({error.filename}).",
            fix="Free space on the disk, or name a folder that can be written to.",
        ) from error
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return manifest


def _refuse_foreign(folder: Path) -> None:
    """Whatever is no artifact was not written here and must not be deleted here."""
    if not folder.exists() or (folder.is_dir() and (folder / MANIFEST).exists()):
        return
    if not folder.is_dir() or any(folder.iterdir()):
        raise ArtifactError(
            f"{folder} exists and is no artifact; it is not overwritten.",
            fix="Name another folder, or move this one away.",
        )


def _write_files(part: Path, model: Model, encoders: Mapping[str, SavedEncoder], card: str) -> None:
    for name, data in model.files().items():
        path = part / layout.MODEL / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    (part / layout.CARD).write_text(card, encoding="utf-8")
    for name, encoder in encoders.items():
        folder = part / layout.ENCODERS / name
        folder.mkdir(parents=True)
        encoder.save(folder)


def _write_manifest(part: Path, about: dict[str, Any]) -> None:
    files = {
        path.relative_to(part).as_posix(): {"bytes": path.stat().st_size, "sha256": file_digest(path)}
        for path in sorted(part.rglob("*"))
        if path.is_file()
    }
    try:
        # Through JSON and back: the id must be the one that a reader will compute.
        content = json.loads(json.dumps(about | {"files": files}, allow_nan=False))
        content["id"] = manifest_id(content)
        Manifest.model_validate(content)
    except ValidationError as error:
        faults = explain(error, Manifest)
        raise ArtifactError(f"The parts of the artifact do not fit together:\n{faults}") from error
    except (TypeError, ValueError) as error:
        problem = f"The metrics or the encoder's description are not plain JSON: {error}."
        raise ArtifactError(problem) from error
    (part / MANIFEST).write_text(json.dumps(content, ensure_ascii=False, indent=1), encoding="utf-8")


def _versions() -> dict[str, str]:
    versions = {}
    for library in _LIBRARIES:
        with suppress(PackageNotFoundError):
            versions[library] = version(library)
    return versions


def sync(part: Path) -> None:
    """Bring a folder to the disk: a rename must not survive a power cut that its content did not."""
    for path in [*part.rglob("*"), part]:
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _remove(folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)
