"""Several models as one: the weighted mean of their calibrated logits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal, Self

import numpy as np
from pydantic import Field

from rubricator.dataset.inputs import Inputs
from rubricator.errors import ArtifactError
from rubricator.models.base import Model
from rubricator.models.serialization import (
    ABOUT,
    ARRAYS,
    FIX,
    About,
    Files,
    about_bytes,
    about_of,
    array_bytes,
    arrays_of,
    part,
    within,
)
from rubricator.stats.arrays import Floats


class _About(About):
    kind: Literal["ensemble"]
    members: int = Field(ge=1, le=20)


@dataclass(frozen=True, slots=True)
class EnsembleModel:
    """The weighted mean of several models' logits, each brought to a common scale first.

    Attributes:
        members: The models.
        weight: How much each counts, shape [members]; they sum to 1.
        slope: Multiplies the logits of each member, shape [members, categories].
        intercept: Added to them, same shape.
    """

    kind: ClassVar[str] = "ensemble"
    members: tuple[Model, ...]
    weight: Floats
    slope: Floats
    intercept: Floats

    @property
    def categories(self) -> int:
        """How many categories it knows."""
        return int(self.slope.shape[1])

    @property
    def encoders(self) -> Mapping[str, int]:
        """The encoders of all members."""
        return {name: width for member in self.members for name, width in member.encoders.items()}

    @property
    def columns(self) -> tuple[str, ...]:
        """The feature columns of all members."""
        return tuple(dict.fromkeys(column for member in self.members for column in member.columns))

    def logits(self, inputs: Inputs) -> Floats:
        """Logits, shape [texts, categories]."""
        return blend(
            [member.logits(inputs) for member in self.members], self.weight, self.slope, self.intercept
        )

    def files(self) -> Files:
        """`model.json`, the scales, and each member in a folder named by its number."""
        scales = {"weight": self.weight, "slope": self.slope, "intercept": self.intercept}
        files = {
            ABOUT: about_bytes(_About(kind="ensemble", members=len(self.members))),
            ARRAYS: array_bytes(scales),
        }
        for number, member in enumerate(self.members):
            files |= within(str(number), member.files())
        return files

    @classmethod
    def of_files(cls, files: Files) -> Self:
        """The model that `files` hold.

        Raises:
            ArtifactError: A file is not what `files` would have written.
        """
        from rubricator.models.registry import read_model  # a member may be of any kind

        count = about_of(files, _About).members
        folders = {str(number) for number in range(count)}
        strange = [
            name for name in files if name not in (ABOUT, ARRAYS) and name.split("/")[0] not in folders
        ]
        if strange:
            raise ArtifactError(
                f"The ensemble holds {', '.join(sorted(strange))}, which no member wrote.", fix=FIX
            )
        arrays = arrays_of(files, {"weight": (count,), "slope": (count, None), "intercept": (count, None)})
        members = tuple(read_model(part(files, str(number))) for number in range(count))
        known = {member.categories for member in members} | {
            a.shape[1] for a in arrays.values() if a.ndim > 1
        }
        if len(known) != 1:
            raise ArtifactError("The members of the ensemble know different numbers of categories.", fix=FIX)
        return cls(members, arrays["weight"], arrays["slope"], arrays["intercept"])


def blend(logits: list[Floats], weight: Floats, slope: Floats, intercept: Floats) -> Floats:
    """The weighted mean of logits of shape [texts, categories] after each member's own scale."""
    scaled = [w * (z * a + b) for z, w, a, b in zip(logits, weight, slope, intercept, strict=True)]
    return np.asarray(sum(scaled[1:], scaled[0]))
