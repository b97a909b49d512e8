"""Gradient boosting over feature columns, the opinions of text models and reduced vectors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal, Self

import numpy as np
from pydantic import Field

from rubricator.dataset.inputs import BASE, Inputs
from rubricator.errors import ArtifactError
from rubricator.models.base import Model
from rubricator.models.features import Column, FeatureModel, FeatureTable, weighted_sums
from rubricator.models.heads import HeadsModel
from rubricator.models.linear import LinearModel
from rubricator.models.serialization import FIX, About, Files, Layout, part, within
from rubricator.models.trees import TREE_ARRAYS, TREE_TYPES, Trees
from rubricator.stats.arrays import Floats


class _About(About):
    kind: Literal["stacking"]
    columns: list[Column] = Field(min_length=1)
    members: list[Literal["heads", "linear"]] = Field(min_length=1, max_length=2)


_LAYOUT = Layout(
    _About,
    {
        "axes": ("axes", "width"),
        "text": ("categories", "width"),
        "text_bias": ("categories",),
        **TREE_ARRAYS,
    },
    types=TREE_TYPES,
)


@dataclass(frozen=True, slots=True)
class StackingModel(FeatureModel):
    """Boosted trees that look at what text models say, at the main axes of the vectors, and at features.

    A text without any feature gets heads that see nothing but its vector, on the same scale.
    """

    kind: ClassVar[str] = "stacking"
    members: tuple[Model, ...]  # the text models, heads first
    axes: Floats  # what the vectors are reduced to, [axes, width]
    table: FeatureTable
    trees: Trees  # their numbers are the logits of each member, the axes, and the features
    text: Floats  # heads for texts without features, [categories, width]
    text_bias: Floats  # [categories]

    def logits(self, inputs: Inputs) -> Floats:
        """Logits, shape [texts, categories]."""
        numbers, missing = self.table.transform(inputs.features)
        opinions = [inputs.once(member, member.logits) for member in self.members]
        vectors = inputs.vectors(BASE)
        inputs_of_trees = [*opinions, weighted_sums(vectors, self.axes), numbers]
        return self.or_text(self.trees.logits(np.hstack(inputs_of_trees)), vectors, missing)

    def files(self) -> Files:
        """`model.json` with the columns, the arrays, and each text model in a folder of its kind."""
        kinds: list[Literal["heads", "linear"]] = [
            "heads" if isinstance(member, HeadsModel) else "linear" for member in self.members
        ]
        about = _About(kind="stacking", columns=list(self.table.columns), members=kinds)
        own = {"axes": self.axes, "text": self.text, "text_bias": self.text_bias}
        files = _LAYOUT.write(about, own | self.trees.arrays())
        for kind, member in zip(kinds, self.members, strict=True):
            files |= within(kind, member.files())
        return files

    @classmethod
    def of_files(cls, files: Files) -> Self:
        """The inverse of `files`."""
        about = _LAYOUT.read_about(files, folders=("heads", "linear"))
        members = tuple(_member(kind, files) for kind in about.members)
        folders = {name.split("/")[0] for name in files if "/" in name}
        if folders != set(about.members) or len(folders) != len(members):
            raise ArtifactError("The model holds files that none of its text models wrote.", fix=FIX)
        table = FeatureTable.of_columns(about.columns)
        categories = members[0].categories
        arrays = _LAYOUT.read_arrays(files, categories=categories)
        axes, text = arrays["axes"], arrays["text"]
        widths = {axes.shape[1]} | {w for member in members for w in member.encoders.values()}
        if len(widths) != 1 or any(member.categories != categories for member in members):
            raise ArtifactError("The parts of the model are of different widths.", fix=FIX)
        trees = Trees.of_arrays(arrays, width=len(members) * categories + len(axes) + len(table.names))
        return cls(members, axes, table, trees, text, arrays["text_bias"])


def _member(kind: str, files: Files) -> HeadsModel | LinearModel:
    own = part(files, kind)
    return HeadsModel.of_files(own) if kind == "heads" else LinearModel.of_files(own)
