"""A model as the files that hold it: arrays in safetensors, terms in JSON, and back again."""

from __future__ import annotations

import json
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from safetensors import SafetensorError, deserialize
from safetensors.numpy import save

from rubricator.artifact.manifest import MODEL, VOCABULARY
from rubricator.artifact.models import Analyzer, HeadsModel, LinearModel, Ngrams
from rubricator.errors import ArtifactError
from rubricator.faults import explain

Floats = NDArray[np.float64]
FIX = "Take an untouched copy of the artifact, or train it again."


class _Block(BaseModel):
    """One TF-IDF block of vocabulary.json."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    analyzer: Analyzer
    shortest: int = Field(ge=1, le=20)
    longest: int = Field(ge=1, le=20)
    terms: list[str] = Field(min_length=1)


class _Vocabulary(BaseModel):
    """The whole of vocabulary.json."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    blocks: list[_Block] = Field(min_length=1, max_length=10)


def model_files(model: HeadsModel | LinearModel) -> dict[str, bytes]:
    """The files of a model, by name."""
    tensors = {"coef": model.coef, "intercept": model.intercept}
    files: dict[str, bytes] = {}
    if isinstance(model, LinearModel):
        tensors |= {f"idf.{number}": block.idf for number, block in enumerate(model.ngrams)}
        files[VOCABULARY] = _vocabulary(model)
    exact = {key: np.ascontiguousarray(array, dtype=np.float64) for key, array in tensors.items()}
    return {MODEL: save(exact), **files}


def model_of(
    files: Mapping[str, bytes], *, categories: int | None = None, width: int | None = None
) -> HeadsModel | LinearModel:
    """The model that `files` hold: linear if there is a vocabulary, heads otherwise.

    Args:
        files: Content by name, as `model_files` gives it.
        categories: How many categories the model must know, if that is given.
        width: Width of the vectors that heads must take, if that is given.

    Raises:
        ArtifactError: A file is not what it should be, or shapes disagree.
    """
    tensors = _tensors(files[MODEL])
    if categories is None and "intercept" in tensors:
        categories = tensors["intercept"].size
    if VOCABULARY in files:
        return _linear(files[VOCABULARY], tensors, categories)
    _expect(tensors, {"coef": (categories, width), "intercept": (categories,)})
    return HeadsModel(tensors["coef"], tensors["intercept"])


def _vocabulary(model: LinearModel) -> bytes:
    blocks = [
        {
            "analyzer": block.analyzer,
            "shortest": block.shortest,
            "longest": block.longest,
            "terms": block.terms,
        }
        for block in model.ngrams
    ]
    return json.dumps({"blocks": blocks}, ensure_ascii=False).encode()


def _tensors(data: bytes) -> dict[str, Floats]:
    try:
        views = deserialize(data)  # type: ignore[no-untyped-call]
    except SafetensorError as error:
        raise ArtifactError(f"{MODEL} is not a safetensors file: {error}.", fix=FIX) from error
    tensors = {}
    for name, view in views:
        if view["dtype"] != "F64":
            raise ArtifactError(f"{MODEL}: {name} has the type {view['dtype']} instead of F64.", fix=FIX)
        array = np.frombuffer(view["data"], dtype="<f8").reshape(view["shape"]).astype(np.float64)
        if not np.isfinite(array).all():
            raise ArtifactError(f"{MODEL}: {name} holds numbers that are not finite.", fix=FIX)
        tensors[name] = array
    return tensors


def _expect(tensors: Mapping[str, Floats], shapes: Mapping[str, tuple[int | None, ...]]) -> None:
    """Check names and shapes of tensors; None stands for any length."""
    if tensors.keys() != shapes.keys():
        raise ArtifactError(f"{MODEL} holds {sorted(tensors)} instead of {sorted(shapes)}.", fix=FIX)
    for name, shape in shapes.items():
        found = tensors[name].shape
        if len(found) != len(shape) or any(w not in (None, f) for w, f in zip(shape, found, strict=True)):
            wanted = " × ".join("any" if length is None else str(length) for length in shape)
            seen = " × ".join(map(str, found)) or "one number"
            raise ArtifactError(f"{MODEL}: {name} has the shape {seen} instead of {wanted}.", fix=FIX)


def _linear(vocabulary: bytes, tensors: Mapping[str, Floats], categories: int | None) -> LinearModel:
    try:
        blocks = _Vocabulary.model_validate_json(vocabulary).blocks
    except ValidationError as error:
        raise ArtifactError(
            f"{VOCABULARY} has {error.error_count()} fault(s):\n{explain(error, _Vocabulary)}", fix=FIX
        ) from error
    for block in blocks:
        if len(set(block.terms)) != len(block.terms) or block.shortest > block.longest:
            raise ArtifactError(
                f"{VOCABULARY}: terms repeat, or n-grams go from {block.shortest} to {block.longest}.",
                fix=FIX,
            )
    columns = sum(len(block.terms) for block in blocks)
    idf: dict[str, tuple[int | None, ...]] = {f"idf.{i}": (len(b.terms),) for i, b in enumerate(blocks)}
    _expect(tensors, {"coef": (categories, columns), "intercept": (categories,)} | idf)
    ngrams = tuple(
        Ngrams(
            block.analyzer,
            block.shortest,
            block.longest,
            tuple(block.terms),
            tensors[f"idf.{number}"],
        )
        for number, block in enumerate(blocks)
    )
    return LinearModel(ngrams, tensors["coef"], tensors["intercept"])
