"""What every trainer is given besides the examples, and what it gives back."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, Self, TypeVar

from rubricator.config import Config, Encode, Train
from rubricator.dataset.examples import Examples
from rubricator.dataset.synthetic_examples import SyntheticExamples
from rubricator.label_space import LabelSpace
from rubricator.models.base import Model
from rubricator.progress import Progress, silent
from rubricator.stats.arrays import Bools, Floats
from rubricator.text_rules.rules import Rule
from rubricator.train.logistic import Folds
from rubricator.train.time_limit import TimeLimit

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class FitResult:
    """What training produces, whatever the kind."""

    model: Model  # as it is served
    oof_logits: Floats  # of the training texts [n, categories], each by a model that did not see its fold
    # What is unusual about a category, by its index: a clause without subject.
    notes: Mapping[int, str] = field(default_factory=dict)
    # Folders of encoders that were trained, by the name under which `model` asks for them.
    encoders: Mapping[str, Path] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)  # what the report tells, as JSON values
    averaged: bool = False  # whether `model` is the mean of those that gave `oof_logits`, and so better


class LastResult:
    """What was computed last, for whoever asks for the same next: a search fits the same texts many times."""

    def __init__(self) -> None:
        self._key: Hashable = None
        self._result: Any = None

    def of(self, key: Hashable, compute: Callable[[], T]) -> T:
        """The result for this key, computed unless it is the last one."""
        if self._key is None or self._key != key:
            self._key, self._result = key, compute()
        result: T = self._result
        return result


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingContext:
    """Where a model is trained and with what.

    `should_continue` takes the held-out logits so far [n, categories] and which rows [n] have them, and says
    whether this model may still win; a kind that takes long asks after every fold and raises
    `EarlyStoppedError` at a no. In `folder` a kind makes its own, for what must outlive it: checkpoints,
    tables of epochs, encoders.
    """

    settings: Train
    encode: Encode  # which encoder is distilled or trained further
    space: LabelSpace
    seed: int  # of everything random
    folder: Path
    progress: Progress = silent  # display of long work
    should_continue: Callable[[Floats, Bools], bool] = lambda _logits, _rows: True
    keywords: Sequence[Rule] = ()  # rules of the taxonomy, which a cascade may use beside what it mines
    rules: Sequence[Rule] | None = None  # rules that a person wrote or edited, taken instead of mined ones
    # Directions of the categories as their descriptions have it, by the name of the encoder.
    described: Mapping[str, Floats] = field(default_factory=dict, compare=False)
    # Texts without a label, or whose labels do not count, and no duplicates of those that teach.
    unlabelled: Examples | None = field(default=None, compare=False, repr=False)
    # Texts that nobody wrote, which join what is learnt from in `with_synthetic` alone.
    synthetic: SyntheticExamples | None = field(default=None, compare=False, repr=False)
    limit: TimeLimit = field(default_factory=TimeLimit)
    last_ngrams: LastResult = field(default_factory=LastResult, compare=False, repr=False)

    @classmethod
    def of(cls, config: Config, *, space: LabelSpace, folder: Path, progress: Progress = silent) -> Self:
        """What a config says about training."""
        settings, encode, seed = config.train, config.encoding, config.seed
        return cls(settings=settings, encode=encode, space=space, seed=seed, folder=folder, progress=progress)


class FitKind(Protocol):
    """Fits a kind of model by its name."""

    def __call__(self, name: str, examples: Examples, *, folds: Folds, context: TrainingContext) -> FitResult:
        """As a `Trainer`, of the kind `name`."""


class Trainer(Protocol):
    """Fits one kind of model."""

    def __call__(self, examples: Examples, *, folds: Folds, context: TrainingContext) -> FitResult:
        """Train on the rows with weight, hyper-parameters chosen by the grouped `folds`, shape [n]."""
