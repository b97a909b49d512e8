"""A folder of versions and the record of which of them served when.

`versions/NAME@ID/` holds one artifact each, never changed once it is there. `promotions.jsonl` is only ever
appended to; the version of its last whole line is the champion. So the record and the pointer are one fact: a
line is there or it is not, and a process killed in the middle of one leaves the old champion.
"""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from io import FileIO
from pathlib import Path
from typing import Final, Literal

from filelock import FileLock, Timeout
from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from rubricator.artifact.manifest import MANIFEST, Manifest
from rubricator.artifact.read import audit_artifact
from rubricator.artifact.write import sync
from rubricator.errors import ArtifactError, nearest
from rubricator.whole_files import whole_file

VERSIONS: Final = "versions"
RECORD: Final = "promotions.jsonl"
NOTES: Final = "notes.jsonl"
_ADDING, _PROMOTING = ".adding.lock", ".promoting.lock"
_PART = ".part-"
_ADD = "Add it: `rubricator models add FOLDER`."

Check = Callable[[Path], object]
"""Raises where the artifact in a folder cannot serve."""


class Promotion(BaseModel):
    """One line of the record.

    Attributes:
        before: The champion until then; None for the first.
        note: Why, in the words of whoever did it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    at: AwareDatetime
    action: Literal["promote", "rollback"]
    version: str
    before: str | None
    note: str = ""


class Note(BaseModel):
    """What somebody, or a comparison, said of a version: one line of `notes.jsonl`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    at: AwareDatetime
    version: str
    note: str


@dataclass(frozen=True, slots=True)
class Version:
    """A version as it was found.

    Attributes:
        manifest: What it says of itself; None where it cannot be used.
        problem: Why it cannot be used; empty where it can.
    """

    name: str
    manifest: Manifest | None
    problem: str = ""


class ModelRegistry:
    """Versions of a model, one of them the champion.

    Any number of processes may read and change one registry. Versions are named `name@id`, or by the first
    digits of their id where no other version begins so.

    Example:
        >>> registry = ModelRegistry(Path("models"))  # doctest: +SKIP
        >>> registry.promote(registry.add(Path("runs/news/artifact")).identifier)  # doctest: +SKIP
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def versions(self) -> list[Version]:
        """Every version that is there, and those that served once and are gone, oldest first.

        Raises:
            ArtifactError: The record is damaged.
        """
        found = [self._looked_at(name) for name in self._names()]
        return sorted(found, key=lambda one: (one.manifest is None, one.manifest and one.manifest.created))

    def add(self, artifact: Path, *, note: str = "") -> Manifest:
        """Copy an artifact, or that of a run, into the registry; whole or not at all.

        Adding what is there already changes nothing, and mends a version whose files are gone or broken. A
        note is kept with the version.

        Raises:
            ArtifactError: It is no artifact, is damaged, or cannot be copied.
        """
        if not (artifact / MANIFEST).exists() and (artifact / "artifact" / MANIFEST).exists():
            artifact = artifact / "artifact"
        manifest = audit_artifact(artifact)
        home = self.folder / VERSIONS
        with self._writing(), self._lock(_ADDING, "Another version is being added", wait=600):
            if self._looked_at(manifest.identifier).manifest is not None:
                self._keep_note(manifest.identifier, note)
                return manifest
            home.mkdir(parents=True, exist_ok=True)
            for left in home.glob(f"{_PART}*"):  # of a process that was killed
                shutil.rmtree(left, ignore_errors=True)
            part = Path(tempfile.mkdtemp(prefix=_PART, dir=home))
            try:
                shutil.copytree(artifact, part, dirs_exist_ok=True)
                # The original may have changed meanwhile: what counts is what arrived.
                manifest = audit_artifact(part)
                sync(part)
                target = home / manifest.identifier
                shutil.rmtree(target, ignore_errors=True)
                part.chmod(0o755)
                part.rename(target)
            finally:
                shutil.rmtree(part, ignore_errors=True)
            self._keep_note(manifest.identifier, note)
        return manifest

    def notes(self, version: str) -> list[Note]:
        """What was said of a version, oldest first.

        Raises:
            ArtifactError: There is no such version, or the notes cannot be read.
        """
        name = self.find(version)
        return [note for note in self._notes() if note.version == name]

    def find(self, version: str) -> str:
        """The full name of a version.

        Raises:
            ArtifactError: There is none of that name, or several.
        """
        names = self._names()
        if version in names:
            return version
        found = [name for name in names if name.partition("@")[2].startswith(version)]
        if version and len(found) == 1:
            return found[0]
        if version and found:
            raise ArtifactError(
                f"'{version}' may be {' or '.join(found)}.",
                fix="Write more digits of the id, or the full name.",
            )
        there = f"it holds {', '.join(names)}" if names else "it is empty"
        raise ArtifactError(
            f"The registry {self.folder} has no version '{version}'{nearest(version, names)}; {there}.",
            fix=_ADD,
        )

    def artifact(self, version: str) -> Path:
        """Where the files of a version lie.

        Raises:
            ArtifactError: There is no such version, or its files are gone.
        """
        name = self.find(version)
        folder = self.folder / VERSIONS / name
        if not (folder / MANIFEST).exists():
            raise ArtifactError(
                f"The files of {name} are gone: it served once, and {folder} is no artifact any more.",
                fix="Add it again from its run: `rubricator models add RUN`.",
            )
        return folder

    def record(self) -> list[Promotion]:
        """Every promotion and rollback, oldest first.

        Raises:
            ArtifactError: The record cannot be read.
        """
        promotions = []
        for number, line in enumerate(self._lines().splitlines(), start=1):
            try:
                promotions.append(Promotion.model_validate_json(line))
            except ValidationError as error:
                raise ArtifactError(
                    f"{self.folder / RECORD}, line {number}, is no promotion.",
                    fix="Restore the line, or delete it; the last line names the champion.",
                ) from error
        return promotions

    def champion(self) -> str | None:
        """The version that serves; None before the first promotion.

        Raises:
            ArtifactError: The record cannot be read.
        """
        record = self.record()
        return record[-1].version if record else None

    def promote(self, version: str, *, check: Check = audit_artifact, note: str = "") -> Promotion:
        """Make a version the champion after `check` found it fit to serve.

        Raises:
            ArtifactError: There is no such version, it is broken or the champion already, another
                promotion is under way, or the record cannot be written. The old champion stays.
        """
        with self._promoting() as record:
            name = self.find(version)
            if record and record[-1].version == name:
                raise ArtifactError(f"{name} is the champion already.")
            return self._append("promote", name, record, check, note)

    def rollback(self, *, check: Check = audit_artifact, note: str = "") -> Promotion:
        """Make the champion again that the present one replaced; twice goes two steps back.

        Raises:
            ArtifactError: There was none, its files are gone or broken, another promotion is under way, or
                the record cannot be written. The present champion stays.
        """
        with self._promoting() as record:
            served = lineage(record)
            if len(served) < 2:
                raise ArtifactError(
                    f"There is nothing to roll back to: the record of {self.folder} names no champion before "
                    f"{served[-1] if served else 'the first'}.",
                    fix="Promote a version: `rubricator models promote VERSION`.",
                )
            return self._append("rollback", served[-2], record, check, note)

    def stamp(self) -> tuple[int, int]:
        """Changes whenever the champion may have; costs one look at a file."""
        try:
            status = (self.folder / RECORD).stat()
        except OSError:
            return (0, 0)
        return (status.st_mtime_ns, status.st_size)

    def _names(self) -> list[str]:
        home = self.folder / VERSIONS
        there = {path.name for path in home.iterdir() if path.name[0] != "."} if home.is_dir() else set()
        return sorted(there | {promotion.version for promotion in self.record()})

    def _looked_at(self, name: str) -> Version:
        folder = self.folder / VERSIONS / name
        try:
            manifest = audit_artifact(folder) if folder.exists() else None
        except ArtifactError as error:
            return Version(name, None, error.problem)
        if manifest is None:
            return Version(name, None, "Its files are gone.")
        if manifest.identifier != name:
            return Version(name, None, f"The folder holds {manifest.identifier}.")
        return Version(name, manifest)

    def _notes(self) -> list[Note]:
        path = self.folder / NOTES
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
            return [Note.model_validate_json(line) for line in lines]
        except FileNotFoundError:
            return []
        except (OSError, ValueError) as error:
            raise ArtifactError(
                f"{path} cannot be read.", fix="Restore it, or delete it: it holds notes alone."
            ) from error

    def _keep_note(self, version: str, note: str) -> None:
        if not note:
            return
        at = datetime.now(UTC).replace(microsecond=0)
        notes = [*self._notes(), Note(at=at, version=version, note=note)]
        with whole_file(self.folder / NOTES) as part:
            part.write_text("".join(f"{one.model_dump_json()}\n" for one in notes), encoding="utf-8")

    def _append(
        self,
        action: Literal["promote", "rollback"],
        name: str,
        record: Sequence[Promotion],
        check: Check,
        note: str,
    ) -> Promotion:
        folder = self.artifact(name)
        if problem := self._looked_at(name).problem:
            raise ArtifactError(f"{name} cannot serve. {problem}", fix=_ADD)
        check(folder)
        before = record[-1].version if record else None
        now = datetime.now(UTC).replace(microsecond=0)
        promotion = Promotion(at=now, action=action, version=name, before=before, note=note)
        self._write(promotion.model_dump_json().encode() + b"\n")
        return promotion

    def _write(self, line: bytes) -> None:
        whole = len(self._lines())
        # Unbuffered: closing a buffer would try again to write what did not fit.
        with (self.folder / RECORD).open("ab", buffering=0) as file:
            file.truncate(whole)  # half a line of a killed process never counted
            try:
                _write_all(file, line)
                os.fsync(file.fileno())
            except OSError:
                with suppress(OSError):
                    file.truncate(whole)
                raise

    def _lines(self) -> bytes:
        """The whole lines of the record."""
        try:
            content = (self.folder / RECORD).read_bytes()
        except FileNotFoundError:
            return b""
        except OSError as error:
            raise ArtifactError(f"{self.folder / RECORD} cannot be read: {error.strerror}.") from error
        return content[: content.rfind(b"\n") + 1]

    @contextmanager
    def _promoting(self) -> Iterator[list[Promotion]]:
        if not self.folder.is_dir():
            raise ArtifactError(f"There is no registry in {self.folder}.", fix=_ADD)
        with self._writing(), self._lock(_PROMOTING, "Another promotion is under way", wait=0):
            yield self.record()

    @contextmanager
    def _lock(self, name: str, busy: str, *, wait: float) -> Iterator[None]:
        try:
            with FileLock(self.folder / name, timeout=wait):
                yield
        except Timeout as error:
            raise ArtifactError(
                f"{busy} in {self.folder}.",
                fix="Wait for it, look at `rubricator models list`, then try again.",
            ) from error

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            yield
        except (OSError, shutil.Error) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise ArtifactError(
                f"The registry {self.folder} cannot be written: {reason}. Nothing was changed.",
                fix="Free space on the disk, or name a folder that can be written to.",
            ) from error


def _write_all(file: FileIO, line: bytes) -> None:
    if file.write(line) != len(line):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def lineage(record: Sequence[Promotion]) -> list[str]:
    """The champions that rollbacks lead back through, the present one last."""
    served: list[str] = []
    for promotion in record:
        if promotion.action == "rollback":
            served.pop()
        else:
            served.append(promotion.version)
    return served
