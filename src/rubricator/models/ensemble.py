"""Several models as one: the weighted mean of their calibrated logits."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal, Self

import numpy as np
from pydantic import Field

from rubricator.dataset.inputs import Inputs
from rubricator.errors import ArtifactError
from rubricator.label_space import DecisionRule
from rubricator.models.base import Model, columns_of, encoders_of
from rubricator.models.serialization import FIX, About, Files, Layout, part, within
from rubricator.stats.arrays import Floats


class _About(About):
    kind: Literal["ensemble"]
    members: int = Field(ge=1, le=20)


_SCALE = ("members", "categories")
_LAYOUT = Layout(_About, {"weight": ("members",), "slope": _SCALE, "intercept": _SCALE})


@dataclass(frozen=True, slots=True)
class EnsembleModel(Model):
    """The weighted mean of several models' logits, each brought to a common scale first."""

    kind: ClassVar[str] = "ensemble"
    members: tuple[Model, ...]
    weight: Floats  # how much each counts, [members]; they sum to 1
    slope: Floats  # multiplies the logits of each member, [members, categories]
    intercept: Floats  # added to them, same shape

    @classmethod
    def mean_of(cls, models: Sequence[Model], rules: Sequence[DecisionRule]) -> Self:
        """The models as one, each brought to scale by its rule."""
        slope = np.stack([rule.slope for rule in rules])
        intercept = np.stack([rule.intercept for rule in rules])
        return cls(tuple(models), np.full(len(models), 1 / len(models)), slope, intercept)

    @property
    def categories(self) -> int:
        """How many categories it knows."""
        return int(self.slope.shape[1])

    @property
    def encoders(self) -> Mapping[str, int]:
        """The encoders of all members."""
        return encoders_of(self.members)

    @property
    def columns(self) -> tuple[str, ...]:
        """The feature columns of all members."""
        return columns_of(self.members)

    def logits(self, inputs: Inputs) -> Floats:
        """Logits, shape [texts, categories]."""
        return self.blend([member.logits(inputs) for member in self.members])

    def blend(self, logits: Sequence[Floats]) -> Floats:
        """The weighted mean of the members' logits, each of shape [texts, categories]."""
        by_member = zip(logits, self.weight, self.slope, self.intercept, strict=True)
        scaled = [w * (z * slope + intercept) for z, w, slope, intercept in by_member]
        return np.asarray(sum(scaled[1:], scaled[0]))

    def files(self) -> Files:
        """`model.json`, the scales, and each member in a folder named by its number."""
        scales = {"weight": self.weight, "slope": self.slope, "intercept": self.intercept}
        files = _LAYOUT.write(_About(kind="ensemble", members=len(self.members)), scales)
        for number, member in enumerate(self.members):
            files |= within(str(number), member.files())
        return files

    @classmethod
    def of_files(cls, files: Files, read_member: Callable[[Files], Model]) -> Self:
        """The inverse of `files`; `read_member` reads a member, which may be of any kind."""
        folders = {name.split("/")[0] for name in files if "/" in name}
        count = _LAYOUT.read_about(files, folders=folders).members
        if folders != {str(number) for number in range(count)}:
            raise ArtifactError(
                f"The ensemble of {count} members holds the folders {', '.join(sorted(folders)) or 'none'}.",
                fix=FIX,
            )
        members = tuple(read_member(part(files, str(number))) for number in range(count))
        if len({member.categories for member in members}) != 1:
            raise ArtifactError("The members of the ensemble know different numbers of categories.", fix=FIX)
        asked = {pair for member in members for pair in member.encoders.items()}
        if len(asked) > len(dict(asked)):
            raise ArtifactError(
                "The members of the ensemble ask one encoder for vectors of different width.", fix=FIX
            )
        arrays = _LAYOUT.read_arrays(files, members=count, categories=members[0].categories)
        return cls(members, arrays["weight"], arrays["slope"], arrays["intercept"])
