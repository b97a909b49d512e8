"""Dense layers over an encoder's vector joined with feature columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal, Self

import numpy as np
from pydantic import Field

from rubricator.dataset.inputs import BASE, Inputs
from rubricator.errors import ArtifactError
from rubricator.models.base import Model
from rubricator.models.features import Column, FeatureTable, or_text, weighted_sums
from rubricator.models.serialization import FIX, About, Files, Layout
from rubricator.stats.arrays import Bools, Floats


class _About(About):
    kind: Literal["network"]
    columns: list[Column] = Field(min_length=1)


_LAYOUT = Layout(
    _About,
    {
        "centre": ("inputs",),
        "scale": ("inputs",),
        "hidden": ("units", "inputs"),
        "hidden_bias": ("units",),
        "heads_bias": ("categories",),
        "heads": ("categories", "units and inputs"),
        "text": ("categories", "width"),
        "text_bias": ("categories",),
    },
)


@dataclass(frozen=True, slots=True)
class NetworkModel(Model):
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
        standard = standardised(joined(vectors, numbers, missing), self.centre, self.scale)
        units = np.maximum(weighted_sums(standard, self.hidden) + self.hidden_bias, 0.0)
        both = weighted_sums(np.hstack([units, standard]), self.heads) + self.heads_bias
        return or_text(both, weighted_sums(vectors, self.text) + self.text_bias, missing, self.table)

    def files(self) -> Files:
        """`model.json` with the columns, and the weights."""
        about = _About(kind="network", columns=list(self.table.columns))
        return _LAYOUT.write(about, {name: getattr(self, name) for name in _LAYOUT.arrays})

    @classmethod
    def of_files(cls, files: Files) -> Self:
        """The model that `files` hold.

        Raises:
            ArtifactError: A file is not what `files` would have written.
        """
        table = FeatureTable.of_columns(_LAYOUT.read_about(files).columns)
        arrays = _LAYOUT.read_arrays(files)
        width, inputs, units = (arrays[name].shape[-1] for name in ("text", "centre", "hidden_bias"))
        features = len(table.names) + len(table.columns)
        if inputs != width + features or arrays["heads"].shape[1] != units + inputs:
            raise ArtifactError(
                f"The network takes {inputs} numbers, but a vector of {width} and {features} of features are "
                f"there, or its heads do not fit {units} units beside them.",
                fix=FIX,
            )
        return cls(table=table, **arrays)


def joined(vectors: Floats, numbers: Floats, missing: Bools) -> Floats:
    """What the network sees of a text: its vector, its features, and which of them are missing."""
    return np.hstack([vectors, numbers, missing.astype(np.float64)])


def standardised(standard: Floats, centre: Floats, scale: Floats) -> Floats:
    """Inputs around 0; what is missing is 0, and what lies far out is brought to the edge."""
    moved = np.nan_to_num((standard - centre) * scale, nan=0.0)
    return np.clip(moved, -_EDGE, _EDGE)


_EDGE = 10.0
