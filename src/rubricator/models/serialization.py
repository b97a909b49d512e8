"""A model as files: a checked description in JSON, arrays in safetensors, other models in folders."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, ValidationError
from safetensors import SafetensorError, deserialize
from safetensors.numpy import save

from rubricator.errors import ArtifactError
from rubricator.validation_errors import explain

Files = Mapping[str, bytes]
Shapes = Mapping[str, tuple[int | None, ...]]

ABOUT = "model.json"
ARRAYS = "arrays.safetensors"
FIX = "Take an untouched copy of the artifact, or train it again."

_TYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "I8": "|i1", "U8": "|u1"}
_FLOATING = {"F64", "F32", "F16"}
_ALL_F64: Mapping[str, str] = MappingProxyType({})


class About(BaseModel):
    """What model.json says; every kind adds what it needs."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    kind: str


AnyAbout = TypeVar("AnyAbout", bound=About)


def about_bytes(about: About) -> bytes:
    """The description as JSON."""
    return about.model_dump_json(indent=1).encode()


def about_of(files: Files, kind: type[AnyAbout]) -> AnyAbout:
    """The checked description of a model.

    Raises:
        ArtifactError: There is none, or it is not what `kind` describes.
    """
    if ABOUT not in files:
        raise ArtifactError(f"The model has no {ABOUT}.", fix=FIX)
    try:
        return kind.model_validate_json(files[ABOUT])
    except ValidationError as error:
        raise ArtifactError(
            f"{ABOUT} has {error.error_count()} fault(s):\n{explain(error, kind)}", fix=FIX
        ) from error


def array_bytes(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """Arrays as a safetensors file, each in its own type."""
    return save({name: np.ascontiguousarray(array) for name, array in arrays.items()})


def arrays_of(
    files: Files, shapes: Shapes, *, types: Mapping[str, str] = _ALL_F64, name: str = ARRAYS
) -> dict[str, NDArray[Any]]:
    """The arrays of a safetensors file, checked.

    Args:
        files: Files of the model.
        shapes: Every array that must be there, and no other, with its shape; None stands for any length.
        types: Type of each array as safetensors names it, where it is not F64.
        name: The file.

    Raises:
        ArtifactError: The file is damaged, or names, types, shapes or values are not what they should be.
    """
    if name not in files:
        raise ArtifactError(f"The model lacks {name}.", fix=FIX)
    try:
        views = deserialize(files[name])  # type: ignore[no-untyped-call]
    except SafetensorError as error:
        raise ArtifactError(f"{name} is not a safetensors file: {error}.", fix=FIX) from error
    arrays = {key: _array(name, key, view, types.get(key, "F64")) for key, view in views}
    if arrays.keys() != shapes.keys():
        raise ArtifactError(f"{name} holds {sorted(arrays)} instead of {sorted(shapes)}.", fix=FIX)
    for key, wanted in shapes.items():
        _same_shape(f"{name}: {key}", arrays[key].shape, wanted)
    return arrays


def expect_files(files: Files, names: set[str]) -> None:
    """Refuse files that are missing or that the kind does not write.

    Raises:
        ArtifactError: The names differ.
    """
    if set(files) != names:
        raise ArtifactError(
            f"The model consists of {', '.join(sorted(files))} instead of {', '.join(sorted(names))}.",
            fix=FIX,
        )


def within(folder: str, files: Files) -> dict[str, bytes]:
    """Files of a part, put into a folder of the whole."""
    return {f"{folder}/{name}": data for name, data in files.items()}


def part(files: Files, folder: str) -> dict[str, bytes]:
    """Files of the part that lies in `folder`, by their path in it."""
    start = f"{folder}/"
    return {name.removeprefix(start): data for name, data in files.items() if name.startswith(start)}


def _array(file: str, key: str, view: Mapping[str, Any], wanted: str) -> NDArray[Any]:
    if view["dtype"] != wanted:
        raise ArtifactError(f"{file}: {key} has the type {view['dtype']} instead of {wanted}.", fix=FIX)
    array = np.frombuffer(view["data"], dtype=_TYPES[view["dtype"]]).reshape(view["shape"])
    if view["dtype"] in _FLOATING and not np.isfinite(array).all():
        raise ArtifactError(f"{file}: {key} holds numbers that are not finite.", fix=FIX)
    return array


def _same_shape(what: str, found: tuple[int, ...], wanted: tuple[int | None, ...]) -> None:
    if len(found) != len(wanted) or any(w not in (None, f) for w, f in zip(wanted, found, strict=True)):
        should = " × ".join("any" if length is None else str(length) for length in wanted)
        seen = " × ".join(map(str, found)) or "one number"
        raise ArtifactError(f"{what} has the shape {seen} instead of {should}.", fix=FIX)


def same_categories(arrays: Mapping[str, NDArray[Any]]) -> None:
    """Refuse weights and intercepts of different numbers of categories.

    Raises:
        ArtifactError: They differ.
    """
    rows, biases = len(arrays["coef"]), len(arrays["intercept"])
    if rows != biases:
        raise ArtifactError(f"{ARRAYS}: coef is of {rows} categories, intercept of {biases}.", fix=FIX)
