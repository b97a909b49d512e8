"""Making a change of a list: one at a time, whole or not at all, with its version recorded."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any

from filelock import FileLock, Timeout

from rubricator.errors import TaxonomyError
from rubricator.settings_files import read_text
from rubricator.taxonomy.model import Taxonomy
from rubricator.taxonomy.versions import INDEX, NEXT, History, Version, history_folder, read_versions
from rubricator.whole_files import whole_file

_LOCK = ".lock"
_NOTHING: Mapping[str, Any] = MappingProxyType({})


class Changing:
    """A list that nobody else changes meanwhile; `changing` makes one."""

    def __init__(self, history: History, source: str, *, by: str) -> None:
        self.history = history
        self.source = source
        self.taxonomy = Taxonomy.parse(source, where=str(history.file))
        self._by = by

    def commit(
        self,
        source: str,
        change: str,
        *,
        moved: Mapping[str, Sequence[str]] = _NOTHING,
        renamed: Mapping[str, str] = _NOTHING,
        same_meaning: Collection[str] = (),
        meanings: Mapping[str, str] | None = None,
    ) -> Version:
        """Make a new source the list, as its next version; killed at any moment, one of the two is whole.

        Args:
            source: The whole file as it is to be.
            change: What changes, a sentence.
            moved: Old key → keys that take its labels over.
            renamed: New key → old key of the same category.
            same_meaning: Keys whose wording changed, and whose meaning did not.
            meanings: What the categories mean, where a former version comes back.

        Raises:
            TaxonomyError: The source breaks a rule, or the place cannot be written.
        """
        file = self.history.file
        after = Taxonomy.parse(source, where=str(file))
        version = self.history.next(
            self.taxonomy,
            after,
            change,
            by=self._by,
            moved=moved,
            renamed=renamed,
            same_meaning=same_meaning,
            meanings=meanings,
        )
        self._write(version, source)
        self.history = self.history.followed_by(version)
        self.source, self.taxonomy = source, after
        return version

    def catch_up(self) -> Version | None:
        """Record the list as it stands where it has no history, or was changed by hand since.

        Raises:
            TaxonomyError: See `History.caught_up`.
        """
        version = self.history.caught_up(self.taxonomy)
        if version is not None:
            self._write(version, self.source)
            self.history = self.history.followed_by(version)
        return version

    def _write(self, version: Version, source: str) -> None:
        file, folder = self.history.file, self.history.folder
        versions = [*self.history.versions, version]
        try:
            with whole_file(folder / f"{version.number}.yaml") as part:
                part.write_text(source, encoding="utf-8", newline="")
            with whole_file(folder / NEXT) as part:
                content = [one.model_dump(mode="json") for one in versions]
                part.write_text(json.dumps(content, ensure_ascii=False, indent=1), encoding="utf-8")
            if source != file.read_bytes().decode("utf-8"):
                with whole_file(file) as part:
                    part.write_text(source, encoding="utf-8", newline="")
            (folder / NEXT).replace(folder / INDEX)
        except OSError as error:
            raise TaxonomyError(
                f"{file} and {folder} cannot be written: {error.strerror}.",
                fix="Give yourself the right to write there, or make room.",
            ) from error


@contextmanager
def changing(file: Path, *, by: str = "") -> Iterator[Changing]:
    """Hold a list for a change; changes by hand since the last one are recorded first, as a version.

    Raises:
        TaxonomyError: Somebody else is changing it, it breaks a rule, or the place cannot be written.
    """
    Taxonomy.read(file)
    folder = history_folder(file)
    try:
        folder.mkdir(exist_ok=True)
        lock = FileLock(folder / _LOCK, blocking=False)
        lock.acquire()
    except Timeout as error:
        raise TaxonomyError(
            f"Somebody else is changing {file} at this moment.",
            fix="Look at `rubricator category history` when they are done, then do it again.",
        ) from error
    except OSError as error:
        raise TaxonomyError(
            f"The folder {folder} cannot be written: {error.strerror}.",
            fix="Give yourself the right to write there.",
        ) from error
    with lock:
        history = History.beside(file)
        _finish(history)
        held = Changing(history, read_text(file), by=by)
        held.catch_up()
        yield held


def _finish(history: History) -> None:
    """Bring to its end, or forget, what a killed process had begun."""
    begun = history.folder / NEXT
    if begun.is_file():
        if history.versions == read_versions(begun):
            begun.replace(history.folder / INDEX)
        else:
            begun.unlink()
