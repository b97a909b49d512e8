"""What manifest.json holds: everything about an artifact that is no array."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Annotated, Any, Final, Literal, Self

import numpy as np
from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    StringConstraints,
    model_validator,
)

from rubricator.config import Clean, Columns
from rubricator.dataset.boilerplate import Repeated
from rubricator.label_space import DecisionRule, LabelSpace
from rubricator.records import content_hash
from rubricator.taxonomy import Taxonomy

FORMAT_VERSION: Final = 2
MANIFEST = "manifest.json"
SIGNATURE = "manifest.json.sig"
MODEL = "model"
CARD = "README.md"
_DEEPEST_PATH = 16
ENCODERS = "encoders"
REFERENCE = "reference.safetensors"
"""What monitoring compares with; an artifact of an older version has none."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class FileEntry(_Part):
    """Size and SHA-256 of one file of the artifact."""

    bytes: int = Field(ge=0)
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class Rule(_Part):
    """Calibration and thresholds, one number per category in taxonomy order."""

    slope: tuple[float, ...]
    intercept: tuple[float, ...]
    threshold: tuple[Annotated[float, Field(ge=0, le=1)], ...]

    def decision(self, space: LabelSpace) -> DecisionRule:
        """The rule as arrays, ready to decide."""
        return DecisionRule(space, np.array(self.slope), np.array(self.intercept), np.array(self.threshold))


def _inside(path: str) -> str:
    parts = PurePosixPath(path).parts
    if not parts or path.startswith("/") or ".." in parts or any(c in path for c in "\\:\0"):
        raise ValueError(f"'{path}' leads outside the artifact")
    if len(parts) > _DEEPEST_PATH:
        raise ValueError(f"a path has {len(parts)} steps, at most {_DEEPEST_PATH} are read")
    if str(PurePosixPath(path)) != path:
        raise ValueError(f"'{path}' is not written in its plain form")
    return path


class Manifest(_Part):
    """Everything about an artifact that is no array.

    Attributes:
        format_version: Version of this layout; readers refuse those they do not know.
        id: Twelve hexadecimal digits over the rest of the manifest, and so, through the digests
            in `files`, over the whole artifact.
        name: Name of the run that produced it.
        kind: The kind of model that won: `heads`, `linear`, `ensemble`…
        taxonomy_version: Version of the taxonomy at the time of training: its hash, behind its number where
            it has one, as in `2.1 (a1b2c3d4e5f6)`.
        rule: Calibration and thresholds.
        columns: Which column of a file held what in training; the default for prediction.
        clean: Cleaning steps of training, repeated in prediction.
        boilerplate: What sources repeat, taken out in training and in prediction.
        encoders: What each encoder the model looks through says of itself, by its name.
        data_fingerprint: Hash of the texts and labels trained on.
        files: Every other file of the artifact by its path with forward slashes.
    """

    format_version: Literal[2] = FORMAT_VERSION
    id: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{12}$")]
    name: Annotated[str, StringConstraints(pattern=r"^[\w.-]+$")]
    kind: Annotated[str, StringConstraints(pattern=r"^[a-z]+$")]
    created: AwareDatetime
    taxonomy: Taxonomy
    taxonomy_version: str
    rule: Rule
    columns: Columns
    clean: Clean
    boilerplate: tuple[Repeated, ...] = ()
    max_characters: int = Field(ge=1)
    encoders: dict[Annotated[str, StringConstraints(pattern=r"^[a-z]+$")], dict[str, JsonValue]]
    metrics: dict[str, JsonValue]
    data_fingerprint: str
    library_versions: dict[str, str]
    files: dict[Annotated[str, AfterValidator(_inside)], FileEntry] = Field(max_length=1000)

    @property
    def identifier(self) -> str:
        """How predictions and logs name this artifact: `name@id`."""
        return f"{self.name}@{self.id}"

    @model_validator(mode="after")
    def _parts_agree(self) -> Self:
        categories = len(self.taxonomy.categories)
        for part, numbers in self.rule:
            if len(numbers) != categories:
                raise ValueError(f"rule.{part} has {len(numbers)} numbers for {categories} categories")
        strange = [path for path in self.files if not self._own(path)]
        if strange or CARD not in self.files or f"{MODEL}/model.json" not in self.files:
            raise ValueError(
                f"files must list {CARD}, {MODEL}/model.json and what lies beside it, and under {ENCODERS}/ "
                f"a folder per encoder; it lists {', '.join(sorted(strange or self.files))}"
            )
        return self

    def _own(self, path: str) -> bool:
        first, *rest = path.split("/")
        if first == ENCODERS:
            return len(rest) > 1 and rest[0] in self.encoders
        return path in (CARD, REFERENCE) or (first == MODEL and bool(rest))


def manifest_id(content: Mapping[str, Any]) -> str:
    """Twelve hexadecimal digits that name a manifest by its content as JSON values, `id` left out."""
    rest = {key: value for key, value in content.items() if key != "id"}
    canonical = json.dumps(rest, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return content_hash("artifact:1", canonical)[:12]
