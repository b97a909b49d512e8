"""Dense layers over an encoder's vector joined with feature columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal, Self

import numpy as np
from pydantic import Field

from rubricator.dataset.inputs import BASE, Inputs
from rubricator.errors import ArtifactError
from rubricator.models.features import Column, FeatureTable, or_text, weighted_sums
from rubricator.models.serialization import (
    ABOUT,
    ARRAYS,
    FIX,
    About,
    Files,
    Shapes,
    about_bytes,
    about_of,
    array_bytes,
    arrays_of,
    expect_files,
)
from rubricator.stats.arrays import Bools, Floats


class _About(About):
    kind: Literal["network"]
    columns: list[Column] = Field(min_length=1)


@dataclass(frozen=True, slots=True)
class NetworkModel:
    """A small network: a hidden layer with ReLU, then the heads, which also see the input itself.

    Several networks trained from different starting points answer together (deep ensembles:
    Lakshminarayanan et al., 2017): their hidden layers lie side by side and `heads` holds their mean. A text
    without any feature gets heads that see nothing but its vector, on the same scale.

    Attributes:
        table: The feature columns.
        centre: What is subtracted from the input and stands for a missing number, shape [inputs].
        scale: What the difference is multiplied by; 0 for numbers that never varied; shape [inputs].
        hidden: Weights of the hidden layer, shape [units, inputs].
        hidden_bias: Shape [units].
        heads: Weights of the heads, shape [categories, units + inputs].
        heads_bias: Shape [categories].
        text: Heads for texts without features, shape [categories, width].
        text_bias: Shape [categories].
    """

    kind: ClassVar[str] = "network"
    table: FeatureTable
    centre: Floats
    scale: Floats
    hidden: Floats
    hidden_bias: Floats
    heads: Floats
    heads_bias: Floats
    text: Floats
    text_bias: Floats

    @property
    def categories(self) -> int:
        """How many categories it knows."""
        return len(self.heads_bias)

    @property
    def encoders(self) -> Mapping[str, int]:
        """The encoder of the config."""
        return {BASE: self.text.shape[1]}

    @property
    def columns(self) -> tuple[str, ...]:
        """The feature columns it looks at."""
        return tuple(column.name for column in self.table.columns)

    def logits(self, inputs: Inputs) -> Floats:
        """Logits, shape [texts, categories]."""
        numbers, missing = self.table.transform(inputs.features)
        vectors = np.asarray(inputs.vectors(BASE), dtype=np.float64)
        seen = standardised(joined(vectors, numbers, missing), self.centre, self.scale)
        units = np.maximum(weighted_sums(seen, self.hidden) + self.hidden_bias, 0.0)
        both = weighted_sums(np.hstack([units, seen]), self.heads) + self.heads_bias
        return or_text(both, weighted_sums(vectors, self.text) + self.text_bias, missing, self.table)

    def files(self) -> Files:
        """`model.json` with the columns, and the weights."""
        arrays = {name: getattr(self, name) for name in _SHAPES}
        about = _About(kind="network", columns=list(self.table.columns))
        return {ABOUT: about_bytes(about), ARRAYS: array_bytes(arrays)}

    @classmethod
    def of_files(cls, files: Files) -> Self:
        """The model that `files` hold.

        Raises:
            ArtifactError: A file is not what `files` would have written.
        """
        table = FeatureTable.of_columns(about_of(files, _About).columns)
        expect_files(files, {ABOUT, ARRAYS})
        arrays = arrays_of(files, _SHAPES)
        width, categories = arrays["text"].shape[1], len(arrays["heads_bias"])
        inputs, units = width + len(table.names) + len(table.columns), len(arrays["hidden_bias"])
        wanted = {
            "centre": (inputs,),
            "scale": (inputs,),
            "hidden": (units, inputs),
            "heads": (categories, units + inputs),
            "text": (categories, width),
            "text_bias": (categories,),
        }
        wrong = [name for name, shape in wanted.items() if arrays[name].shape != shape]
        if wrong:
            raise ArtifactError(f"{', '.join(wrong)} of the network do not fit the other arrays.", fix=FIX)
        return cls(table=table, **arrays)


_SHAPES: Shapes = {
    "centre": (None,),
    "scale": (None,),
    "hidden": (None, None),
    "hidden_bias": (None,),
    "heads": (None, None),
    "heads_bias": (None,),
    "text": (None, None),
    "text_bias": (None,),
}


def joined(vectors: Floats, numbers: Floats, missing: Bools) -> Floats:
    """What the network sees of a text: its vector, its features, and which of them are missing."""
    return np.hstack([vectors, numbers, missing.astype(np.float64)])


def standardised(seen: Floats, centre: Floats, scale: Floats) -> Floats:
    """Inputs around 0; what is missing is 0, and what lies far out is brought to the edge."""
    moved = np.nan_to_num((seen - centre) * scale, nan=0.0)
    return np.clip(moved, -_EDGE, _EDGE)


_EDGE = 10.0
