"""What every trainer is given besides the examples, and what it gives back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, Self

from rubricator.config import Config, Encode, Train
from rubricator.dataset.examples import Examples
from rubricator.errors import TrainingError
from rubricator.label_space import LabelSpace
from rubricator.models.base import Model
from rubricator.progress import Progress, silent
from rubricator.stats.arrays import Bools, Floats
from rubricator.text_rules.rules import Rule
from rubricator.train.logistic import Folds


@dataclass(frozen=True, slots=True, kw_only=True)
class FitResult:
    """What training produces, whatever the kind.

    Attributes:
        model: As it is served.
        oof_logits: Logits of the training texts, each by a model that did not see its fold, shape
            [n, categories].
        notes: What is unusual about a category, by its index: a clause without subject.
        encoders: Folders of encoders that were trained, by the name under which `model` asks for them.
        facts: What the report tells about this model, as JSON values.
        averaged: Whether `model` is the mean of those that gave `oof_logits`, and so better than they are.
    """

    model: Model
    oof_logits: Floats
    notes: Mapping[int, str] = field(default_factory=dict)
    encoders: Mapping[str, Path] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)
    averaged: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingContext:
    """Where a model is trained and what it is told.

    Attributes:
        settings: The section `train`.
        encode: The section `encode`: which encoder is distilled or trained further.
        space: The decisions that are possible.
        seed: Of everything random.
        folder: Where a kind keeps what must outlive it: checkpoints, tables of epochs, encoders. A
            kind makes its own folder in it.
        progress: Display of long work.
        should_continue: Told the held-out logits so far (shape [n, categories]) and which rows have them
            (shape [n]), says whether this model may still win; a kind that takes long asks after
            every fold and raises `EarlyStoppedError` at a no.
        keywords: Rules of the taxonomy: what a cascade may make rules of beside what it mines.
        rules: Rules that a person wrote or edited, taken instead of mined ones; None where there are none.
    """

    settings: Train
    encode: Encode
    space: LabelSpace
    seed: int
    folder: Path
    progress: Progress = silent
    should_continue: Callable[[Floats, Bools], bool] = lambda _logits, _rows: True
    keywords: Sequence[Rule] = ()
    rules: Sequence[Rule] | None = None

    @classmethod
    def of(cls, config: Config, *, space: LabelSpace, folder: Path, progress: Progress = silent) -> Self:
        """What a config says about training."""
        return cls(
            settings=config.train,
            encode=config.encoding,
            space=space,
            seed=config.seed,
            folder=folder,
            progress=progress,
        )


class EarlyStoppedError(TrainingError):
    """Training was stopped because the model could not win any more."""


class FitKind(Protocol):
    """Fits a kind of model by its name."""

    def __call__(self, name: str, examples: Examples, *, folds: Folds, context: TrainingContext) -> FitResult:
        """As a `Trainer`, of the kind `name`."""


class Trainer(Protocol):
    """Fits one kind of model."""

    def __call__(self, examples: Examples, *, folds: Folds, context: TrainingContext) -> FitResult:
        """Train on the rows with weight, hyper-parameters chosen by the grouped `folds`, shape [n]."""
