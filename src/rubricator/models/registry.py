"""From files to the model they hold, whatever its kind."""

from __future__ import annotations

import json

from rubricator.errors import ArtifactError, nearest
from rubricator.models.anchors import AnchorsModel
from rubricator.models.base import Model
from rubricator.models.cascade import CascadeModel
from rubricator.models.columns import ColumnsModel
from rubricator.models.ensemble import EnsembleModel
from rubricator.models.heads import HeadsModel
from rubricator.models.linear import LinearModel
from rubricator.models.network import NetworkModel
from rubricator.models.serialization import ABOUT, FIX, Files
from rubricator.models.stacking import StackingModel
from rubricator.models.static import StaticModel
from rubricator.models.two_speed import TwoSpeedModel

_SIMPLE = {
    kind.kind: kind
    for kind in (HeadsModel, AnchorsModel, LinearModel, StaticModel, NetworkModel, StackingModel)
}
_NESTED = {kind.kind: kind for kind in (EnsembleModel, CascadeModel, ColumnsModel, TwoSpeedModel)}
KINDS = {**_SIMPLE, **_NESTED}
"""Every kind of model that can be served, by the name in its `model.json`."""


def read_model(files: Files) -> Model:
    """The model that `files` hold, as `Model.files` gives them.

    Raises:
        ArtifactError: A file is not what it should be, or the kind is unknown.
    """
    try:
        kind = json.loads(files[ABOUT])["kind"]
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise ArtifactError(f"The model has no {ABOUT} that names its kind.", fix=FIX) from error
    if not isinstance(kind, str) or kind not in KINDS:
        raise ArtifactError(
            f"The kind of model {kind!r} is unknown{nearest(str(kind), KINDS)}.",
            fix="Use the version of Rubricator that wrote the artifact, or train it again with this one.",
        )
    if kind in _NESTED:
        return _NESTED[kind].of_files(files, read_model)
    return _SIMPLE[kind].of_files(files)
