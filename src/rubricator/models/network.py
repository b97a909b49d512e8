"""Dense layers over an encoder's vector joined with feature columns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal, Self

import numpy as np
from pydantic import Field

from rubricator.dataset.inputs import BASE, Inputs
from rubricator.errors import ArtifactError
from rubricator.models.features import Column, FeatureModel, FeatureTable, weighted_sums
from rubricator.models.serialization import FIX, About, Files, Layout
from rubricator.stats.arrays import Bools, Floats

_EDGE = 10.0


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
class NetworkModel(FeatureModel):
    """A small network: a hidden layer with ReLU, then the heads, which also see the input itself.

    Several networks trained from different starting points answer together (deep ensembles:
    Lakshminarayanan et al., 2017): their hidden layers lie side by side and `heads` holds their mean. A text
    without any feature gets heads that see nothing but its vector, on the same scale.
    """

    kind: ClassVar[str] = "network"
    table: FeatureTable
    centre: Floats  # what is subtracted from the input and stands for a missing number, [inputs]
    scale: Floats  # what the difference is multiplied by; 0 for numbers that never varied; [inputs]
    hidden: Floats  # weights of the hidden layer, [units, inputs]
    hidden_bias: Floats  # [units]
    heads: Floats  # weights of the heads, [categories, units + inputs]
    heads_bias: Floats  # [categories]
    text: Floats  # heads for texts without features, [categories, width]
    text_bias: Floats  # [categories]

    def logits(self, inputs: Inputs) -> Floats:
        """Logits, shape [texts, categories]."""
        numbers, missing = self.table.transform(inputs.features)
        vectors = np.asarray(inputs.vectors(BASE), dtype=np.float64)
        standard = standardised(joined(vectors, numbers, missing), self.centre, self.scale)
        units = np.maximum(weighted_sums(standard, self.hidden) + self.hidden_bias, 0.0)
        both = weighted_sums(np.hstack([units, standard]), self.heads) + self.heads_bias
        return self.or_text(both, vectors, missing)

    def files(self) -> Files:
        """`model.json` with the columns, and the weights."""
        about = _About(kind="network", columns=list(self.table.columns))
        return _LAYOUT.write(about, {name: getattr(self, name) for name in _LAYOUT.arrays})

    @classmethod
    def of_files(cls, files: Files) -> Self:
        """The inverse of `files`."""
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
    return np.clip(np.nan_to_num((standard - centre) * scale, nan=0.0), -_EDGE, _EDGE)
