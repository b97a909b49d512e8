"""Candidates that were trained, kept so that a search that was killed trains none of them twice."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from rubricator.code_digest import source_digest
from rubricator.dataset.examples import Examples
from rubricator.encode.folders import built
from rubricator.errors import ArtifactError
from rubricator.models.registry import read_model
from rubricator.records import content_hash
from rubricator.stats.arrays import Floats, Indices
from rubricator.train.training_context import FitResult, TrainingContext

# What a search does with candidates, and not what becomes of one.
_SEARCH = {"models", "minutes", "metric", "ensemble", "tune", "sample", "weak_label_weight", "pseudo_labels"}


@dataclass(frozen=True, slots=True)
class Finished:
    """A candidate as it is kept."""

    fitted: FitResult
    logits: Floats  # of the validation texts
    seconds: float


class FinishedCandidates:
    """The folder `finished` of a training, with one folder for each candidate.

    What is in them was made of the same texts, labels, folds and settings by the same code, or is not found.
    """

    def __init__(
        self, learning: Examples, validation: Examples, folds: Indices, context: TrainingContext
    ) -> None:
        self._folder, self._context = context.folder / "finished", context
        synthetic = context.synthetic
        known = (learning, validation, context.unlabelled, None if synthetic is None else synthetic.examples)
        # Where nothing is synthetic, what was kept before is found as it was.
        self._families = [] if synthetic is None else [repr([sorted(one) for one in synthetic.relatives])]
        self._examples, self._folds = [one for one in known if one is not None], folds

    @cached_property
    def _key(self) -> str:
        context = self._context
        arrays: list[NDArray[Any]] = [self._folds]
        for one in self._examples:
            arrays += [array for array in (one.targets, one.weights, one.vectors) if array is not None]
            arrays += one.more_vectors.values()
        return content_hash(
            "candidate:1",
            source_digest("rubricator.train.trainers"),
            *(text for one in self._examples for text in one.contents),
            *(name for one in self._examples for name in one.more_vectors),
            *(repr(row) for one in self._examples for row in one.features),
            *(np.ascontiguousarray(array).tobytes() for array in arrays),
            context.encode.model_dump_json(),
            f"{context.space} {context.seed} {context.keywords} {context.rules}",
            *self._families,
        )

    def _place(self, kind: str) -> Path:
        settings = self._context.settings.model_dump_json(exclude=_SEARCH)
        return self._folder / f"{kind}-{content_hash('kind:1', self._key, settings)[:16]}"

    def write(self, kind: str, finished: Finished) -> None:
        """Keep a candidate, whole or not at all; those of other labels or settings are dropped."""
        place, fitted = self._place(kind), finished.fitted
        for stale in self._folder.glob(f"{kind}-*"):
            shutil.rmtree(stale, ignore_errors=True)
        about = {
            "notes": list(fitted.notes.items()),
            "encoders": {
                name: str(path.relative_to(self._context.folder)) for name, path in fitted.encoders.items()
            },
            "facts": dict(fitted.facts),
            "averaged": fitted.averaged,
            "seconds": finished.seconds,
        }

        def build(folder: Path) -> None:
            for name, data in fitted.model.files().items():
                (folder / "model" / name).parent.mkdir(parents=True, exist_ok=True)
                (folder / "model" / name).write_bytes(data)
            arrays = {"oof_logits": fitted.oof_logits, "logits": finished.logits}
            save_file({name: np.ascontiguousarray(one) for name, one in arrays.items()}, folder / "logits")
            (folder / "about.json").write_text(json.dumps(about), encoding="utf-8")

        built(place, build)

    def read(self, kind: str) -> Finished | None:
        """The candidate as it was kept, or None if nothing usable is there."""
        place = self._place(kind)
        try:
            about = json.loads((place / "about.json").read_text(encoding="utf-8"))
            arrays = load_file(place / "logits")
            files = [path for path in (place / "model").rglob("*") if path.is_file()]
            model = read_model(
                {path.relative_to(place / "model").as_posix(): path.read_bytes() for path in files}
            )
        except (OSError, ValueError, SafetensorError, ArtifactError):
            return None
        encoders = {name: self._context.folder / path for name, path in about["encoders"].items()}
        if not all(path.is_dir() for path in encoders.values()):
            return None
        fitted = FitResult(
            model=model,
            oof_logits=arrays["oof_logits"],
            notes=dict(about["notes"]),
            encoders=encoders,
            facts=about["facts"],
            averaged=about["averaged"],
        )
        return Finished(fitted, arrays["logits"], about["seconds"])
