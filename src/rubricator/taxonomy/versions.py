"""Numbered versions of a list, kept in a folder beside it, so that none is ever lost.

`taxonomy.yaml` has `taxonomy.history/`: every version as the file was (`2.0.yaml`), and `versions.json` with
when and by whom each was made, what changed, and since when its categories mean what they mean. As in IAB's
taxonomies the first number counts up when labels given before lose their meaning, the second when something
was added.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, StringConstraints, TypeAdapter, ValidationError

from rubricator.errors import TaxonomyError, nearest, plural
from rubricator.settings_files import SettingsFileError, read_text
from rubricator.taxonomy.differences import Difference, compare
from rubricator.taxonomy.model import Taxonomy, folded

FIRST = "1.0"
INDEX, NEXT = "versions.json", "versions.next.json"
Number = Annotated[str, StringConstraints(pattern=r"^\d{1,6}\.\d{1,6}$")]


class Version(BaseModel):
    """One version of a list.

    Attributes:
        number: `major.minor`.
        digest: `Taxonomy.version` of its content, by which answers and reviews are stamped.
        when: When it was made, in ISO 8601.
        by: Who made it; empty if unknown.
        change: What changed, a sentence.
        moved: Old key → new keys, where labels can be carried over from the version before.
        meanings: Category key → a name of what it means, `first key@version since which it means that`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    number: Number
    digest: str
    when: str
    by: str = ""
    change: str
    moved: Mapping[str, tuple[str, ...]] = {}
    meanings: Mapping[str, str]

    def __str__(self) -> str:
        return f"{self.number} ({self.digest})"


_VERSIONS = TypeAdapter(tuple[Version, ...])
_NOTHING: Mapping[str, Any] = MappingProxyType({})


class History:
    """The versions of one list, oldest first; empty before the first change by command.

    Args:
        file: The file of the list.
        versions: As `versions.json` lists them.
    """

    def __init__(self, file: Path, versions: Sequence[Version]) -> None:
        self.file = file
        self.folder = history_folder(file)
        self.versions = tuple(versions)

    @classmethod
    def beside(cls, file: Path) -> Self:
        """Read the history of a list; a change that a killed process had made whole counts.

        Raises:
            TaxonomyError: `versions.json` cannot be read.
        """
        folder = history_folder(file)
        begun = folder / NEXT
        if begun.is_file() and file.is_file():
            versions = read_versions(begun)
            # The list itself is written between the two: it tells whether the change was made.
            if versions and versions[-1].digest == Taxonomy.read(file).version:
                return cls(file, versions)
        return cls(file, read_versions(folder / INDEX))

    @property
    def last(self) -> Version | None:
        """The newest version."""
        return self.versions[-1] if self.versions else None

    def named(self, number: str) -> Version:
        """The version with a number, or with a digest that begins so.

        Raises:
            TaxonomyError: There is none.
        """
        for version in reversed(self.versions):
            if number == version.number or (len(number) >= 6 and version.digest.startswith(number)):
                return version
        numbers = [version.number for version in self.versions]
        raise TaxonomyError(
            f"{self.file} has no version {number}{nearest(number, numbers)}.",
            fix=f"Its versions are {', '.join(numbers)}."
            if numbers
            else "It has no history yet: the first `rubricator category` that changes it begins one.",
        )

    def source(self, version: Version) -> str:
        """The file as it was in a version.

        Raises:
            TaxonomyError: It is gone, or is not what it was.
        """
        path = self.folder / f"{version.number}.yaml"
        fix = f"Bring {path} back from a backup or from version control."
        try:
            source = read_text(path)
            digest = Taxonomy.parse(source, where=str(path)).version
        except FileNotFoundError as error:
            raise TaxonomyError(f"The file of version {version.number}, {path}, is gone.", fix=fix) from error
        except SettingsFileError as error:
            raise TaxonomyError(f"{path} cannot be read: {error}.", fix=fix) from error
        if digest != version.digest:
            raise TaxonomyError(
                f"{path} was changed: it is not what version {version.number} was ({version.digest}).",
                fix=fix,
            )
        return source

    def taxonomy(self, version: Version) -> Taxonomy:
        """The list as it was in a version.

        Raises:
            TaxonomyError: Its file is gone, or is not what it was.
        """
        return Taxonomy.parse(self.source(version), where=f"version {version.number}")

    def retired(self, taxonomy: Taxonomy) -> set[str]:
        """Keys that were in the list once: they may never mean something else."""
        return {key for version in self.versions for key in version.meanings} - set(taxonomy.keys)

    def shown(self, taxonomy: Taxonomy) -> str:
        """The version for people: `2.1 (a1b2c3d4e5f6)`, or the digest alone where it has no number."""
        for version in reversed(self.versions):
            if version.digest == taxonomy.version:
                return str(version)
        return taxonomy.version

    def of_stamp(self, stamp: str | None) -> list[Version]:
        """The versions that a stamp names: several where a list came back to what it was, none if unknown."""
        return [one for one in self.versions if stamp and stamp in (one.digest, one.number, str(one))]

    def stale(self, stamp: str | None, taxonomy: Taxonomy) -> frozenset[str] | None:
        """Keys whose meaning has changed since a label was given under the version with this stamp.

        None where nobody knows: there is no stamp, or no version has it.
        """
        if stamp == taxonomy.version:
            return frozenset()
        of_stamp = self.of_stamp(stamp)
        if not of_stamp:
            return None
        then = {meaning for version in of_stamp for meaning in version.meanings.values()}
        existed = {concept(meaning) for meaning in then}
        now = self.meanings(taxonomy)
        return frozenset(key for key in now if concept(now[key]) in existed and now[key] not in then)

    def next(
        self,
        before: Taxonomy,
        after: Taxonomy,
        change: str,
        *,
        by: str = "",
        moved: Mapping[str, Sequence[str]] = _NOTHING,
        renamed: Mapping[str, str] = _NOTHING,
        same_meaning: Collection[str] = (),
        meanings: Mapping[str, str] | None = None,
    ) -> Version:
        """The version that a change would make; parameters as those of `Changing.commit`."""
        difference = compare(before, after)
        changed = [key for key in difference.meaning if key not in same_meaning]
        last = self.last
        number = _next(last, major=bool(difference.removed or changed))
        known = last.meanings if last else {}
        named = {**known, **{new: known[old] for new, old in renamed.items() if old in known}}
        return Version(
            number=number,
            digest=after.version,
            when=datetime.now(UTC).isoformat(timespec="seconds"),
            by=by,
            change=change,
            moved={old: tuple(new) for old, new in moved.items()},
            meanings=meanings or _meanings(after.keys, named, changed=changed, number=number),
        )

    def followed_by(self, version: Version) -> History:
        """The history with one version more; nothing is written."""
        return History(self.file, [*self.versions, version])

    def caught_up(self, taxonomy: Taxonomy) -> Version | None:
        """The version that records a list which has none, or was changed by hand; None where it is the last.

        Raises:
            TaxonomyError: A hand gave a new category the key of one that is gone, or the file of the last
                version is.
        """
        last = self.last
        if last is None:
            return self.next(taxonomy, taxonomy, "the list as it was when its history began")
        if last.digest == taxonomy.version:
            return None
        before = self.taxonomy(last)
        difference = compare(before, taxonomy)
        again = {folded(key) for key in self.retired(before)}
        if taken := [key for key in difference.added if folded(key) in again]:
            raise TaxonomyError(
                f"{self.file} was changed by hand, and has the key '{taken[0]}' of a category that was "
                "removed: old labels would get another meaning.",
                fix="Give the new category another key, or bring the old one back with "
                "`rubricator category rollback VERSION`.",
            )
        return self.next(before, taxonomy, f"changed by hand: {'; '.join(difference.sentences) or 'wording'}")

    def added_since(self, version: Version, taxonomy: Taxonomy) -> frozenset[str]:
        """Keys of categories that a version had not, under whatever key."""
        existed = {concept(meaning) for meaning in version.meanings.values()}
        now = self.meanings(taxonomy)
        return frozenset(key for key in now if concept(now[key]) not in existed)

    def meanings(self, taxonomy: Taxonomy) -> dict[str, str]:
        """What each category of a list means, by the names that versions give; also after a hand's change."""
        last = self.last
        if last is None or last.digest == taxonomy.version:
            return dict(last.meanings) if last else {}
        changed = compare(self.taxonomy(last), taxonomy).meaning
        return _meanings(taxonomy.keys, last.meanings, changed=changed, number="")

    def difference(self, before: str, after: str | None, today: Taxonomy) -> Difference:
        """What sets two versions apart, by their numbers; without `after`, a version and the list of today.

        Raises:
            TaxonomyError: There is no such version, or its file is gone or changed.
        """
        old, new = self.named(before), None if after is None else self.named(after)
        meant = {concept(meaning): key for key, meaning in old.meanings.items()}
        means = self.meanings(today) if new is None else new.meanings
        former = {key: meant.get(concept(meaning), key) for key, meaning in means.items()}
        renamed = {key: one for key, one in former.items() if key != one and one not in means}
        return compare(self.taxonomy(old), today if new is None else self.taxonomy(new), renamed=renamed)


def history_folder(file: Path) -> Path:
    """Where the versions of a list are kept."""
    return file.with_name(f"{file.stem}.history")


def shown_version(taxonomy: Taxonomy, file: Path) -> str:
    """How artifacts and predictions name a list that stands in a file (see `History.shown`).

    A history that cannot be read is no reason to do without a model: the digest alone names the list then.
    """
    try:
        return History.beside(file).shown(taxonomy)
    except TaxonomyError:
        return taxonomy.version


def read_versions(path: Path) -> tuple[Version, ...]:
    """The versions in a file, oldest first; none where it is not there.

    Raises:
        TaxonomyError: It cannot be read.
    """
    try:
        return _VERSIONS.validate_json(path.read_bytes())
    except FileNotFoundError:
        return ()
    except (OSError, ValidationError) as error:
        why = (
            error.strerror if isinstance(error, OSError) else f"{plural(error.error_count(), 'fault')} in it"
        )
        raise TaxonomyError(
            f"The history of the categories, {path}, cannot be read: {why}.",
            fix="Bring it back from a backup or from version control; the list itself is whole.",
        ) from error


def _meanings(
    keys: Collection[str], before: Mapping[str, str], *, changed: Collection[str], number: str
) -> dict[str, str]:
    def named(key: str) -> str:
        if key not in before:
            return f"{key}@{number}"
        return f"{concept(before[key])}@{number}" if key in changed else before[key]

    return {key: named(key) for key in keys}


def concept(meaning: str) -> str:
    """The key by which a category came into the list: it stays through renaming."""
    return meaning.rpartition("@")[0]


def _next(last: Version | None, *, major: bool) -> str:
    if last is None:
        return FIRST
    first, second = map(int, last.number.split("."))
    return f"{first + 1}.0" if major else f"{first}.{second + 1}"
