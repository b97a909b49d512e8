"""Logistic heads over the vectors of an encoder, frozen or fine-tuned."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal, Self

import numpy as np
from pydantic import Field

from rubricator.dataset.inputs import BASE, Inputs
from rubricator.models.base import Model
from rubricator.models.serialization import About, Files, Layout
from rubricator.stats.arrays import Floats


class _About(About):
    kind: Literal["heads"]
    encoder: str = Field(pattern=r"^[a-z]+$")


_LAYOUT = Layout(_About, {"intercept": ("categories",), "coef": ("categories", "width")})


@dataclass(frozen=True, slots=True)
class HeadsModel(Model):
    """One logistic regression per category over the unit vectors of an encoder."""

    kind: ClassVar[str] = "heads"
    coef: Floats  # weights, [categories, width]
    intercept: Floats  # [categories]
    encoder: str = BASE  # name of the encoder among those of the artifact

    @property
    def categories(self) -> int:
        """How many categories it knows."""
        return len(self.intercept)

    @property
    def encoders(self) -> Mapping[str, int]:
        """The one encoder it looks through, with its width."""
        return {self.encoder: self.coef.shape[1]}

    def logits(self, inputs: Inputs) -> Floats:
        """Logits, shape [texts, categories].

        A text's logit for a category depends on nothing but that text and that category, to the
        last bit: other texts in the batch and categories added later do not change it.
        """
        # A matrix product would be faster, but BLAS rounds differently for other matrix shapes.
        exact = np.ascontiguousarray(inputs.vectors(self.encoder), dtype=np.float64)
        columns = [(exact * weights).sum(axis=1) for weights in self.coef]
        return np.stack(columns, axis=1) + self.intercept

    def files(self) -> Files:
        """`model.json` and the weights."""
        about = _About(kind="heads", encoder=self.encoder)
        return _LAYOUT.write(about, {"coef": self.coef, "intercept": self.intercept})

    @classmethod
    def of_files(cls, files: Files) -> Self:
        """The inverse of `files`."""
        about = _LAYOUT.read_about(files)
        return cls(**_LAYOUT.read_arrays(files), encoder=about.encoder)
