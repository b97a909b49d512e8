"""The sections of `rubricator.yaml`, but for the label section, and all of them together."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from rubricator.config.augment import Augment
from rubricator.config.decision import Decision
from rubricator.config.encode import BUNDLED, ENCODER_NAMES, Encode, Encoders
from rubricator.config.expand import expand
from rubricator.config.export import Export
from rubricator.config.goals import Goal
from rubricator.config.label import LabelStage
from rubricator.config.monitor import Monitor
from rubricator.config.section import Section
from rubricator.config.tracking import Tracking
from rubricator.config.train import Train
from rubricator.errors import ConfigError, nearest
from rubricator.label_space import LabelSpace
from rubricator.patterns import NAME

_SQLITE_FILE = "sqlite:///"
_LONGEST_NAME = 255
Part = Literal["train", "validation", "test"]
Share = Annotated[float, Field(gt=0, lt=1)]


class Columns(Section):
    """Which column of the input holds what; `null` where there is none.

    At least one of `title` and `body` must be there. A missing `id` becomes the row number.
    """

    id: str | None = None
    title: str | None = None
    body: str | None = None
    source: str | None = None
    time: str | None = None
    labels: str | None = None
    features: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _some_text(self) -> Self:
        if not (self.title or self.body):
            raise ValueError("name the column that holds the text: `body`, `title` or both")
        return self


class DataFile(Section):
    """An input file, and the part it belongs to where the data prescribe a split."""

    path: str
    part: Part | None = None


def _as_file(value: Any) -> Any:
    return {"path": value} if isinstance(value, str) else value


class Data(Section):
    """Where texts come from. CSV, TSV, JSONL, Parquet and Excel are told apart by suffix.

    For all files: `encoding` of text files, by default found out; `header`, the line or row of the header in
    CSV, TSV and Excel, from 1; `sheet` of Excel, a name or a number from 1.
    """

    files: tuple[Annotated[DataFile, BeforeValidator(_as_file)], ...] = Field(min_length=1)
    columns: Columns
    max_characters: int = Field(default=1_000_000, ge=100)
    encoding: str | None = None
    header: int = Field(default=1, ge=1)
    sheet: str | Annotated[int, Field(ge=1)] | None = None


class Clean(Section):
    """Cleaning steps in the order in which they run; each can be switched off.

    `boilerplate`, off by default, comes last and takes out the lines, and the words at their edges, that
    stand in more than `boilerplate_share` of a source's texts.
    """

    unicode: bool = True
    html: bool = True
    markdown: bool = True
    urls: bool = True
    emails: bool = True
    phones: bool = True
    emoji: bool = True
    spaces: bool = True
    boilerplate: bool = False
    boilerplate_share: Share = 0.05


class Duplicates(Section):
    """How near-duplicates are found.

    `threshold` is the Jaccard similarity of word shingles for `minhash`, the cosine for
    `embeddings`; `exact` compares cleaned texts only.
    """

    method: Literal["minhash", "embeddings", "exact"] = "minhash"
    threshold: Share = 0.5


def _as_names(value: Any) -> Any:
    return () if value is None else (value,) if isinstance(value, str) else value


class Golden(Section):
    """Texts labelled by people, from a file (`id, labels`) or from `data.columns.labels`.

    `use: test` keeps them for the test part, where they only measure; `tune` gives half to
    validation, where they also set thresholds; `train` lets them train as well, and measures them
    by cross-validation.
    """

    file: str | None = None
    use: Literal["test", "tune", "train"] = "test"


class Split(Section):
    """How texts are divided.

    `by: auto` splits by time where most texts have one (the others train) and the golden set is not the
    test; otherwise at random, stratified. By time, nothing that trains is later than a test text.
    `validation: folds` predicts every training text by a model that did not see it
    (cross-fitting) and uses those predictions as validation; a share holds that part out.
    `auto` folds below 2,000 texts (below 2,000 golden ones, where golden texts train).
    `group_by` names columns (`source`, or any of the input): texts with one value there stay in one part and
    one fold, as near-duplicates do anyway, so that figures tell of sources that the model never saw. By time
    as well, texts of a group that lie on the other side of the boundary than the group serve nothing.
    `min_per_category` is how many different labelled texts of each category each part gets where there are
    enough and time does not decide; where it has fewer, the notes say so.
    """

    by: Literal["auto", "time", "random"] = "auto"
    test: Share = 0.2
    validation: Share | Literal["auto", "folds"] = "auto"
    folds: int = Field(default=5, ge=2, le=20)
    group_by: Annotated[tuple[str, ...], BeforeValidator(_as_names)] = ()
    min_per_category: int = Field(default=1, ge=0, le=1000)


class Evaluate(Section):
    """What the report measures against; `plots`, `latency_seconds` and `words` cost time."""

    budget_seconds: float = Field(default=5.0, gt=0)
    bootstrap: int = Field(default=1000, ge=100, le=100_000)
    confidence: Share = 0.95
    worst: int = Field(default=20, ge=0, le=1000)
    words: int = Field(default=8, ge=0, le=50)
    latency_seconds: float = Field(default=2.0, gt=0, le=600)
    plots: bool = True


class Config(Section):
    """Everything a run is told. `folder` is where relative paths start: the folder of the file."""

    name: str = Field(default="run", pattern=NAME, max_length=100)
    seed: int = Field(default=13, ge=0, lt=2**32)
    taxonomy: str = "taxonomy.yaml"
    data: Data
    clean: Clean = Clean()
    duplicates: Duplicates = Duplicates()
    golden: Golden = Golden()
    label: LabelStage = LabelStage()
    augment: Augment | None = None
    split: Split = Split()
    encode: Encoders = Encoders()
    train: Train = Train()
    evaluate: Evaluate = Evaluate()
    export: Export | None = None
    tracking: Tracking = Tracking()
    decision: Decision = Decision()
    goals: tuple[Goal, ...] = ()
    monitor: Monitor = Monitor()
    folder: Path = Field(default=Path(), exclude=True)

    @model_validator(mode="after")
    def _one_goal_of_a_name(self) -> Self:
        names = [goal.name for goal in self.goals]
        if twice := [name for name in names if names.count(name) > 1]:
            raise ValueError(f"two goals are called {twice[0]!r}: give each a name of its own")
        return self

    def check_categories(self, space: LabelSpace) -> None:
        """Refuse costs and goals about categories that are not there.

        Raises:
            ConfigError: One is not, or costs are of a kind that no threshold can express.
        """
        cost = self.decision.cost
        named = {"decision.cost.categories": tuple(cost.categories)} if cost else {}
        named |= {f"goals: {goal.name}: categories": goal.categories for goal in self.goals}
        for where, keys in named.items():
            for key in keys:
                if key not in space.keys:
                    raise ConfigError(
                        f"`{where}` names '{key}', and there is no such category{nearest(key, space.keys)}.",
                        fix=f"The keys are {', '.join(space.keys)}.",
                    )
        if cost:
            cost.check(space)

    def path(self, written: str) -> Path:
        """A path of the config as a real one: `${NAME:-default}` expanded, relative to `folder`.

        Raises:
            ConfigError: An environment variable without a default is not set, or no system has such a path.
        """
        expanded = expand(written)
        try:
            path = Path(expanded).expanduser()
        except RuntimeError as error:
            raise ConfigError(
                f"'{expanded}' begins with the home folder of a user who is not known here.",
                fix="Write the whole path.",
            ) from error
        if "\0" in expanded or any(len(os.fsencode(part)) > _LONGEST_NAME for part in path.parts):
            raise ConfigError(
                f"{expanded[:60]!a}… is no path: a name in it has more than {_LONGEST_NAME} bytes, or a NUL.",
                fix="Correct it in rubricator.yaml.",
            )
        return self.folder / path

    @property
    def encodings(self) -> Mapping[str, Encode]:
        """Every encoder of the section `encode` with real paths, by its name in `ENCODER_NAMES`.

        A name that is no folder there is one of the hub.

        Raises:
            ConfigError: An environment variable without a default is not set.
        """
        return {name: self._with_paths(one) for name, one in self.encode.each.items()}

    @property
    def encoding(self) -> Encode:
        """The first of `encodings`, which does whatever takes one encoder.

        Raises:
            ConfigError: An environment variable without a default is not set.
        """
        return self.encodings[ENCODER_NAMES[0]]

    def _with_paths(self, one: Encode) -> Encode:
        encoder = self.path(one.encoder)
        is_folder = encoder.is_dir() and one.encoder not in BUNDLED
        return one.model_copy(
            update={
                "encoder": str(encoder) if is_folder else expand(one.encoder),
                "cache": None if one.cache is None else str(self.path(one.cache)),
            }
        )

    @property
    def store(self) -> str | None:
        """The database of answers as a URL or a real path; None if each run has its own.

        Raises:
            ConfigError: An environment variable without a default is not set.
        """
        if self.label.store is None:
            return None
        place = expand(self.label.store)
        if "://" in place and not place.startswith(_SQLITE_FILE):
            return place
        return str(self.path(place.removeprefix(_SQLITE_FILE)))
