"""Columns of several models side by side: a list that changed keeps the models of what stayed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal, Self

import numpy as np
from pydantic import Field

from rubricator.dataset.inputs import Inputs
from rubricator.errors import ArtifactError
from rubricator.models.base import Model, columns_of, encoders_of
from rubricator.models.serialization import FIX, About, Files, Layout, part, within
from rubricator.stats.arrays import Floats


class _About(About):
    kind: Literal["columns"]
    members: int = Field(ge=1, le=100)
    picked: list[int] = Field(min_length=1)


_LAYOUT = Layout(_About, {})


@dataclass(frozen=True, slots=True)
class ColumnsModel(Model):
    """Some columns of several models that stand side by side.

    Each member computes as it does alone, so that the logits of a column are those of its member to the
    last bit.

    Attributes:
        members: Models, each of some categories.
        picked: For each category its column, counted over all members one after the other.
    """

    kind: ClassVar[str] = "columns"
    members: tuple[Model, ...]
    picked: tuple[int, ...]

    @classmethod
    def of(cls, model: Model, picked: tuple[int, ...], new: Model | None = None) -> Model:
        """Columns of `model` and, counted after them, of `new`; members do not nest."""
        old = model if isinstance(model, cls) else cls((model,), tuple(range(model.categories)))
        members = old.members if new is None else (*old.members, new)
        size = sum(member.categories for member in old.members)
        place = [*old.picked, *range(size, size + (new.categories if new else 0))]
        return _pruned(members, tuple(place[column] for column in picked))

    @property
    def categories(self) -> int:
        """How many categories it knows."""
        return len(self.picked)

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
        return np.hstack([member.logits(inputs) for member in self.members])[:, list(self.picked)]

    def files(self) -> Files:
        """`model.json`, and each member in a folder named by its number."""
        about = _About(kind="columns", members=len(self.members), picked=list(self.picked))
        files = _LAYOUT.write(about, {})
        for number, member in enumerate(self.members):
            files |= within(str(number), member.files())
        return files

    @classmethod
    def of_files(cls, files: Files, read_member: Callable[[Files], Model]) -> Self:
        """The inverse of `files`; `read_member` reads a member, which may be of any kind."""
        folders = {name.split("/")[0] for name in files if "/" in name}
        about = _LAYOUT.read_about(files, folders=folders)
        if folders != {str(number) for number in range(about.members)}:
            raise ArtifactError(
                f"The model of {about.members} members holds the folders "
                f"{', '.join(sorted(folders)) or 'none'}.",
                fix=FIX,
            )
        _LAYOUT.read_arrays(files)
        members = tuple(read_member(part(files, str(number))) for number in range(about.members))
        size = sum(member.categories for member in members)
        if not all(0 <= column < size for column in about.picked):
            raise ArtifactError(f"The model picks columns that its members have not ({size}).", fix=FIX)
        asked = {pair for member in members for pair in member.encoders.items()}
        if len(asked) > len(dict(asked)):
            raise ArtifactError("The members ask one encoder for vectors of different width.", fix=FIX)
        return cls(members, tuple(about.picked))


def _pruned(members: Sequence[Model], picked: Sequence[int]) -> Model:
    """The picked columns without members of which no column is left."""
    kept: list[Model] = []
    place: dict[int, int] = {}
    start = size = 0
    for member in members:
        columns = range(start, start + member.categories)
        if any(column in picked for column in columns):
            place |= {column: size + column - start for column in columns}
            kept.append(member)
            size += member.categories
        start = columns.stop
    found = tuple(place[column] for column in picked)
    if len(kept) == 1 and found == tuple(range(size)):
        return kept[0]
    return ColumnsModel(tuple(kept), found)
