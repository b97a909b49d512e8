"""Categories, and the versioned list of them."""

from __future__ import annotations

import json
import math
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Self

import regex
import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from rubricator.errors import TaxonomyError, plural
from rubricator.label_space import LabelSpace
from rubricator.records import content_hash
from rubricator.settings_files import SettingsFileError, parse_yaml, read_text
from rubricator.validation_errors import listed

NOTHING = "-"
"""What people write for "none of the categories"; a category cannot be called so."""
_STRAY = regex.compile(r"(?<!\S)\*|\*(?!\s|[’'.-]\w|$)")
_LETTER = r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]"
_COMMENT = r"\(\?#[^)]*\)"
_MOST_COPIES = 100_000
_EXCERPT = 80
_NO_KEY = regex.compile(r"[\s,]+")
_JOINTS = "|;"  # what joins labels in files, beside the comma


def folded(name: str) -> str:
    """A name as people's labels are compared: without case, `ё`, invisible signs and repeated spaces."""
    signs = unicodedata.normalize("NFC", name)
    visible = "".join(sign for sign in signs if unicodedata.category(sign) != "Cf")
    return " ".join(visible.split()).casefold().replace("ё", "е")


def sound_word(word: str) -> str:
    """The word or phrase, if it can be looked for.

    Raises:
        ValueError: It is empty, or a `*` stands elsewhere than at the end of a word.
    """
    if not word.replace("*", "").strip() or _STRAY.search(word):
        raise ValueError("a word needs a letter, digit or sign, and `*` only at the end of one")
    return word


def pattern_readings(pattern: str) -> list[str]:
    """The pattern with an escape and a class of characters as one letter each, and without comments.

    Where the flag for verbose patterns occurs, what it holds for is not worked out: there is a second
    reading then, without spaces.
    """
    verbose = regex.search(r"\(\?\w*x", pattern) is not None
    ignored = [_COMMENT, rf"{_COMMENT}|#[^\n]*|\s+"][: 1 + verbose]
    return [
        regex.sub(rf"({_LETTER})|{blank}", lambda match: "a" if match[1] else "", pattern, flags=regex.DOTALL)
        for blank in ignored
    ]


def compilable(pattern: str) -> str:
    """The pattern, if it is a regular expression that can be compiled.

    Raises:
        ValueError: It is none, or would fill the memory: the engine writes out what is repeated.
    """
    for bare in pattern_readings(pattern):
        copies = math.prod(max(1, int(count)) for count in regex.findall(r"\{(\d{1,20})", bare))
        if copies > _MOST_COPIES:
            raise ValueError(f"repeats its parts more than {_MOST_COPIES:,} times")
    try:
        regex.compile(pattern)
    except regex.error as error:
        raise ValueError(f"is not a regular expression: {error}") from error
    return pattern


def _sound_key(key: str) -> str:
    key = key.strip()
    if not 0 < len(key) <= 64 or "," in key or regex.search(r"\s", key):
        raise ValueError("a key has 1 to 64 letters, digits or signs, without spaces and commas")
    return key


def key_of(name: str) -> str:
    """A key for a category of which only the name is known."""
    return _NO_KEY.sub("_", name.strip())[:64]


Key = Annotated[str, AfterValidator(_sound_key)]


class Task(StrEnum):
    """How many categories a text may have."""

    SINGLE_LABEL = "single-label"
    MULTI_LABEL = "multi-label"


class Category(BaseModel):
    """A heading with its description, and the rules that speak for or against it.

    Attributes:
        key: Short name in files, columns and code; no spaces or commas.
        description: What belongs here, in the words of the texts, as a list with commas; the encoder teacher
            compares it piece by piece.
        keywords: Words or phrases that speak for the category. Matched by whole words; a trailing
            `*` matches any ending (`выбор*`).
        patterns: Regular expressions that speak for the category (case-insensitive).
        exclude: Words or phrases that silence the rules of this category.
        parent: Key of the broader category, for lists that are exchanged; decisions do not look at it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    key: Key
    name: str = ""
    description: str = ""
    keywords: tuple[str, ...] = ()
    patterns: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    parent: Key | None = None

    @property
    def title(self) -> str:
        """Name for people, or the key where there is none."""
        return self.name or self.key

    @field_validator("patterns")
    @classmethod
    def _patterns_compile(cls, patterns: tuple[str, ...]) -> tuple[str, ...]:
        for pattern in patterns:
            try:
                compilable(pattern)
            except ValueError as error:
                raise ValueError(f"'{pattern[:_EXCERPT]}' {error}") from error
        return patterns


class Taxonomy(BaseModel):
    """The versioned list of categories, in the order in which people see them.

    Attributes:
        none: Key of the category that means "none of the others", where there is one
            (single-label). Multi-label texts without a category simply have an empty list.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = ""
    task: Task = Task.MULTI_LABEL
    none: str | None = None
    categories: tuple[Category, ...] = Field(min_length=2)

    @model_validator(mode="after")
    def _keys_are_unique(self) -> Self:
        if twice := [key for key, count in Counter(self.keys).items() if count > 1]:
            raise ValueError(f"categories share the key {', '.join(map(repr, twice))}")
        if self.none is not None and self.none not in self.keys:
            raise ValueError(f"none: '{self.none}' is not the key of a category")
        return self

    @model_validator(mode="after")
    def _parents_are_categories(self) -> Self:
        parents = {category.key: category.parent for category in self.categories}
        for key, parent in parents.items():
            above = [key]
            while parent is not None:
                if parent not in parents:
                    raise ValueError(f"the parent '{parent}' of '{above[-1]}' is not the key of a category")
                if parent in above:
                    raise ValueError(f"'{key}' is below itself: {' → '.join([*above, parent])}")
                above.append(parent)
                parent = parents[parent]
        return self

    @property
    def keys(self) -> tuple[str, ...]:
        """Category keys in order."""
        return tuple(category.key for category in self.categories)

    @property
    def single(self) -> bool:
        """True if a text has exactly one category."""
        return self.task is Task.SINGLE_LABEL

    @property
    def space(self) -> LabelSpace:
        """The decisions that are possible about a text."""
        return LabelSpace(self.keys, self.single, self.none)

    @property
    def version(self) -> str:
        """Twelve hexadecimal digits that change whenever anything in the list does."""
        written = self.model_dump(mode="json")
        for category in written["categories"]:
            if category["parent"] is None:  # lists from before there were parents keep their version
                del category["parent"]
        canonical = json.dumps(written, ensure_ascii=False, sort_keys=True)
        return content_hash("taxonomy:1", canonical)[:12]

    def __getitem__(self, key: str) -> Category:
        for category in self.categories:
            if category.key == key:
                return category
        raise KeyError(key)

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a taxonomy from YAML.

        Raises:
            TaxonomyError: The file is missing, is no YAML, or breaks a rule; all faults at once.
        """
        try:
            return cls.parse(read_text(path), where=str(path))
        except FileNotFoundError as error:
            raise TaxonomyError(
                f"There is no taxonomy file {path}.",
                fix="Name the file under `taxonomy:` in rubricator.yaml, or begin with `rubricator init`.",
            ) from error
        except SettingsFileError as error:
            raise TaxonomyError(
                f"{path} cannot be read as YAML in UTF-8: {error}.",
                fix="Correct the file, or name another under `taxonomy:` in rubricator.yaml.",
            ) from error

    @classmethod
    def parse(cls, source: str, *, where: str) -> Self:
        """A taxonomy as it stands in a file that is called `where` in messages.

        Raises:
            SettingsFileError: This is no YAML.
            TaxonomyError: It breaks a rule; all faults at once.
        """
        # As texts are after cleaning: otherwise `й` written as two signs would never be found in them.
        content = unicodedata.normalize("NFC", source)
        raw = parse_yaml(content)
        try:
            taxonomy = cls.model_validate(raw if raw is not None else {})
        except ValidationError as error:
            problem = listed(where, error, cls, written=parse_yaml(content, yaml.BaseLoader))
            raise TaxonomyError(problem, fix="Correct the file.") from error
        taxonomy.check(where=where)
        return taxonomy

    def check(self, *, where: str) -> None:
        """Refuse what people must not write, though it could be read; `where` names the list in messages.

        Raises:
            TaxonomyError: Categories cannot be told apart, or words can never be found; all faults at once.
        """
        if faults := [*_same_names(self), *_misread_keys(self), *_silent_words(self)]:
            lines = "\n".join(f"  {fault}" for fault in faults)
            raise TaxonomyError(
                f"{where} has {plural(len(faults), 'fault')}:\n{lines}", fix="Correct the file."
            )


# These hold for lists that people write; what an artifact was made with is read as it is.


def _same_names(taxonomy: Taxonomy) -> Iterator[str]:
    """Keys and names that mean two categories: golden files, reviews and answers ignore case."""
    meant: dict[str, dict[int, str]] = defaultdict(dict)
    for place, category in enumerate(taxonomy.categories):
        for name in (category.title, category.key):
            meant[folded(name)][place] = name
    for places in meant.values():
        if len(places) > 1:
            names = " and ".join(f"'{name}' (categories.{place})" for place, name in places.items())
            yield f"{names} cannot be told apart: labels are compared without case, ё and spaces"


def _misread_keys(taxonomy: Taxonomy) -> Iterator[str]:
    """Keys and names that files of labels would read as something else."""
    for place, category in enumerate(taxonomy.categories):
        key = category.key
        if strange := [sign for sign in key if sign in _JOINTS or unicodedata.category(sign) in ("Cc", "Cf")]:
            why = f"has {strange[0]!r}" + (", which joins labels in files" if strange[0] in _JOINTS else "")
            yield f"categories.{place}.key: '{key}' {why}; use another sign"
        elif key[0] in "[{":
            yield f"categories.{place}.key: '{key}' begins like a list in a file of labels; use another sign"
        if NOTHING in (folded(key), folded(category.name)):
            yield f"categories.{place}: '{NOTHING}' means none of the categories; call it otherwise"


def _silent_words(taxonomy: Taxonomy) -> Iterator[str]:
    """Keywords that no text can ever hold, or that their own `exclude` always silences."""
    for place, category in enumerate(taxonomy.categories):
        for field in ("keywords", "exclude"):
            for word in getattr(category, field):
                try:
                    sound_word(word)
                except ValueError as error:
                    yield f"categories.{place}.{field}: '{word}' can never be found: {error}"
        for word in category.keywords:
            if silencing := next((one for one in category.exclude if _covers(one, word)), None):
                yield f"categories.{place}.keywords: '{word}' is always silenced by `exclude: {silencing}`"


def _covers(wide: str, word: str) -> bool:
    """True if whatever holds the word holds the wide one."""
    wide, word = folded(wide), folded(word)
    return word.startswith(wide[:-1]) if wide.endswith("*") else word == wide
