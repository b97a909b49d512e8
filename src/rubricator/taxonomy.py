"""Categories, and the versioned list of them."""

from __future__ import annotations

import json
import unicodedata
from collections import Counter
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Self

import regex
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    field_validator,
    model_validator,
)

from rubricator.errors import TaxonomyError
from rubricator.label_space import LabelSpace
from rubricator.records import content_hash
from rubricator.settings_files import SettingsFileError, parse_yaml, read_text
from rubricator.validation_errors import explain

Key = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=64, pattern=r"^[^\s,]+$")
]

NOTHING = "-"
"""What people write for "none of the categories"; a category cannot be called so."""


def folded(name: str) -> str:
    """A name as people's labels are compared: without case, `ё`, invisible signs and repeated spaces."""
    signs = unicodedata.normalize("NFC", name)
    visible = "".join(sign for sign in signs if unicodedata.category(sign) != "Cf")
    return " ".join(visible.split()).casefold().replace("ё", "е")


class Task(StrEnum):
    """How many categories a text may have."""

    SINGLE_LABEL = "single-label"
    MULTI_LABEL = "multi-label"


class Category(BaseModel):
    """A heading with its description, and the rules that speak for or against it.

    Attributes:
        key: Short name in files, columns and code; no spaces or commas.
        description: What belongs here, in the words of the texts; the encoder teacher reads it.
        keywords: Words or phrases that speak for the category. Matched by whole words; a trailing
            `*` matches any ending (`выбор*`).
        patterns: Regular expressions that speak for the category (case-insensitive).
        exclude: Words or phrases that silence the rules of this category.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    key: Key
    name: str = ""
    description: str = ""
    keywords: tuple[str, ...] = ()
    patterns: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """Name for people, or the key where there is none."""
        return self.name or self.key

    @field_validator("patterns")
    @classmethod
    def _patterns_compile(cls, patterns: tuple[str, ...]) -> tuple[str, ...]:
        for pattern in patterns:
            try:
                regex.compile(pattern)
            except regex.error as error:
                raise ValueError(f"'{pattern}' is not a regular expression: {error}") from error
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
        canonical = json.dumps(self.model_dump(mode="json"), ensure_ascii=False, sort_keys=True)
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
            raw = parse_yaml(read_text(path))
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
        try:
            return cls.model_validate(raw if raw is not None else {})
        except ValidationError as error:
            raise TaxonomyError(
                f"{path} has {error.error_count()} fault(s):\n{explain(error, cls)}", fix="Correct the file."
            ) from error
