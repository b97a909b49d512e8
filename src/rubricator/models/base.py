"""What every model that is served can do, whatever its kind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar, Protocol

from rubricator.dataset.inputs import Inputs
from rubricator.models.serialization import Files
from rubricator.stats.arrays import Floats


class Model(Protocol):
    """From texts to logits, one column per category.

    Besides these members every kind has a class method `of_files`, the inverse of `files`: it checks names,
    types and shapes, and raises `ArtifactError` for whatever it would not write. Kinds that hold other models
    are given what reads those.
    """

    kind: ClassVar[str]
    """Its name in configs, artifacts and reports."""

    @property
    def categories(self) -> int:
        """How many categories it knows."""
        ...

    @property
    def encoders(self) -> Mapping[str, int]:
        """The encoders whose vectors it looks at, by name, each with its width; none by default."""
        return {}

    @property
    def columns(self) -> tuple[str, ...]:
        """The feature columns it looks at; none by default."""
        return ()

    def routes(self, inputs: Inputs) -> tuple[str, ...]:  # noqa: ARG002 - most kinds have one way for all
        """Which of its models answers each text, where it has several that answer alone; empty by default."""
        return ()

    def logits(self, inputs: Inputs) -> Floats:
        """Uncalibrated log-odds, shape [texts, categories]."""
        ...

    def files(self) -> Files:
        """What holds it, by path relative to its folder: `model.json` and whatever else its kind writes."""
        ...


def encoders_of(members: Sequence[Model]) -> dict[str, int]:
    """The encoders that any of the models looks through, with their widths."""
    return {name: width for member in members for name, width in member.encoders.items()}


def columns_of(members: Sequence[Model]) -> tuple[str, ...]:
    """The feature columns that any of the models looks at, in the order of the members."""
    return tuple(dict.fromkeys(column for member in members for column in member.columns))
