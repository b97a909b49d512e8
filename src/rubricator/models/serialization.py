"""A model as files: a checked description in JSON, arrays in safetensors, other models in folders."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, ValidationError
from safetensors import SafetensorError, deserialize
from safetensors.numpy import save

from rubricator.errors import ArtifactError
from rubricator.validation_errors import listed

Files = Mapping[str, bytes]

ABOUT = "model.json"
ARRAYS = "arrays.safetensors"
FIX = "Take an untouched copy of the artifact, or train it again."

# What is longer describes no arrays of ours, and takes minutes to parse.
_HEADER_LIMIT = 2**20
_TYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "I8": "|i1", "U8": "|u1"}
_FLOATING = {"F64", "F32", "F16"}


class About(BaseModel):
    """What model.json says; every kind adds what it needs."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    kind: str


AnyAbout = TypeVar("AnyAbout", bound=About)


@dataclass(frozen=True, slots=True)
class Layout(Generic[AnyAbout]):
    """What the files of one kind of model are; `write` and `read` are inverse to one another.

    Dimensions of the same name have the same length in all arrays.
    """

    about: type[AnyAbout]  # what `model.json` says
    arrays: Mapping[str, tuple[str, ...]]
    types: Mapping[str, str] = field(default_factory=dict)  # where it is not F64, as safetensors names it
    beside: frozenset[str] = frozenset()  # other files

    def write(self, about: AnyAbout, arrays: Mapping[str, NDArray[Any]]) -> dict[str, bytes]:
        """`model.json`, and the arrays as a safetensors file, each in its own type."""
        whole = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
        return {ABOUT: about.model_dump_json(indent=1).encode(), ARRAYS: save(whole)}

    def read_about(self, files: Files, *, folders: Collection[str] = ()) -> AnyAbout:
        """The checked description of a model; its parts in `folders` are left to whoever reads the parts.

        Raises:
            ArtifactError: There is none, it is not what `about` describes, or files are missing or strange.
        """
        if ABOUT not in files:
            raise ArtifactError(f"The model has no {ABOUT}.", fix=FIX)
        try:
            about = self.about.model_validate_json(files[ABOUT])
        except ValidationError as error:
            raise ArtifactError(listed(ABOUT, error, self.about), fix=FIX) from error
        expected = {ABOUT, ARRAYS} | self.beside
        names = {name for name in files if name.split("/")[0] not in folders}
        if names != expected:
            raise ArtifactError(
                f"The model consists of {', '.join(sorted(names))} instead of {', '.join(sorted(expected))}.",
                fix=FIX,
            )
        return about

    def read_arrays(self, files: Files, **sizes: int) -> dict[str, NDArray[Any]]:
        """The arrays, checked; `sizes` are the lengths of dimensions that are known.

        Raises:
            ArtifactError: The file is damaged, or names, types, shapes or values are not what they should be.
        """
        if int.from_bytes(files[ARRAYS][:8], "little") > _HEADER_LIMIT:
            raise ArtifactError(f"{ARRAYS} is not a safetensors file: its header is too long.", fix=FIX)
        try:
            views = deserialize(files[ARRAYS])  # type: ignore[no-untyped-call]
        except SafetensorError as error:
            raise ArtifactError(f"{ARRAYS} is not a safetensors file: {error}.", fix=FIX) from error
        arrays = {key: _array(key, view, self.types.get(key, "F64")) for key, view in views}
        if arrays.keys() != self.arrays.keys():
            raise ArtifactError(f"{ARRAYS} holds {sorted(arrays)} instead of {sorted(self.arrays)}.", fix=FIX)
        lengths = dict(sizes)
        for key, dimensions in self.arrays.items():
            _check_shape(key, arrays[key].shape, dimensions, lengths)
        return arrays


def within(folder: str, files: Files) -> dict[str, bytes]:
    """Files of a part, put into a folder of the whole."""
    return {f"{folder}/{name}": data for name, data in files.items()}


def part(files: Files, folder: str) -> dict[str, bytes]:
    """Files of the part that lies in `folder`, by their path in it."""
    start = f"{folder}/"
    return {name.removeprefix(start): data for name, data in files.items() if name.startswith(start)}


def _array(key: str, view: Mapping[str, Any], wanted: str) -> NDArray[Any]:
    if view["dtype"] != wanted:
        raise ArtifactError(f"{ARRAYS}: {key} has the type {view['dtype']} instead of {wanted}.", fix=FIX)
    try:
        array = np.frombuffer(view["data"], dtype=_TYPES[view["dtype"]]).reshape(view["shape"])
    except ValueError as error:  # more dimensions, or longer ones, than an array can have
        raise ArtifactError(f"{ARRAYS}: {key} has an absurd shape: {error}.", fix=FIX) from error
    if view["dtype"] in _FLOATING and not np.isfinite(array).all():
        raise ArtifactError(f"{ARRAYS}: {key} holds numbers that are not finite.", fix=FIX)
    return array


def _check_shape(
    key: str, shape: tuple[int, ...], dimensions: tuple[str, ...], lengths: dict[str, int]
) -> None:
    """Compare a shape with its dimensions; the first array that has one says how long it is."""
    wanted = [lengths.get(name) for name in dimensions]
    if len(shape) != len(dimensions) or any(w not in (None, n) for w, n in zip(wanted, shape, strict=False)):
        pairs = zip(dimensions, wanted, strict=True)
        should = " × ".join(name if length is None else f"{length} {name}" for name, length in pairs)
        actual = " × ".join(map(str, shape)) or "one number"
        raise ArtifactError(f"{ARRAYS}: {key} has the shape {actual} instead of {should}.", fix=FIX)
    lengths |= dict(zip(dimensions, shape, strict=True))
