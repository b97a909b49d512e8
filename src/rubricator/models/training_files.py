"""What training leaves on disk for the stages after it: arrays in safetensors, the rest in JSON."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import TypeAdapter

from rubricator.dataset.files import read_json, write_json
from rubricator.label_space import DecisionRule, LabelSpace
from rubricator.models.base import Model
from rubricator.models.registry import read_model
from rubricator.models.training_result import (
    WORDS,
    Choice,
    Cost,
    LearningCurve,
    OutOfFoldPredictions,
    Refitted,
    TrainingResult,
    WeightTrial,
)
from rubricator.stats.coverage import CoveragePoint

_CHOICE, _COSTS = TypeAdapter(Choice), TypeAdapter(dict[str, Cost])
_TRIALS = TypeAdapter(dict[float, WeightTrial])
_CURVE: TypeAdapter[LearningCurve | None] = TypeAdapter(LearningCurve | None)
_SPACE = TypeAdapter(LabelSpace)
_COVERAGE = TypeAdapter(tuple[CoveragePoint, ...])

REFITTED = "stages/models/refitted"


def write_training(folder: Path, trained: TrainingResult, oof: OutOfFoldPredictions | None) -> None:
    """Write models under `stages/models/` and everything else to `stages/train.json`."""
    shutil.rmtree(folder / "stages/models", ignore_errors=True)  # a kind of an earlier training may be gone
    for name, model in trained.models.items():
        _write_model(folder / "stages/models" / name, model)
    again = trained.refitted
    if again is not None:
        _write_model(folder / REFITTED, again.model)
    rest = {
        "rules": {name: asdict(rule) for name, rule in trained.rules.items()},
        "choice": _CHOICE.dump_python(trained.choice),
        "weak_label_weight": trained.weak_label_weight,
        "weights_tried": _TRIALS.dump_python(dict(trained.weights_tried)),
        "seconds": dict(trained.seconds),
        "validated_on": trained.validated_on,
        "scarce": list(trained.scarce.items()),
        "encoders": _relative(trained.encoders, folder),
        "facts": {name: dict(facts) for name, facts in trained.facts.items()},
        "dropped": dict(trained.dropped),
        "metric": {"name": trained.metric, "words": WORDS[trained.metric]},
        "costs": _COSTS.dump_python(dict(trained.costs)),
        "curve": _CURVE.dump_python(trained.curve),
        "refitted": None
        if again is None
        else {"encoders": _relative(again.encoders, folder), "texts": again.texts, "same": again.same},
        "coverage": _COVERAGE.dump_python(trained.coverage),
        "synthetic": {key: dict(counts) for key, counts in trained.synthetic.items()},
        "held_out": None if oof is None else asdict(oof),
    }
    write_json(folder / "stages/train.json", rest)


def read_training(folder: Path) -> tuple[TrainingResult, OutOfFoldPredictions | None]:
    """Read what `write_training` wrote."""
    content = read_json(folder / "stages/train.json")
    names = list(content["rules"])
    again = content["refitted"]
    trained = TrainingResult(
        models={name: _read_model(folder / "stages/models" / name) for name in names},
        rules={name: _rule(rule) for name, rule in content["rules"].items()},
        choice=_CHOICE.validate_python(content["choice"]),
        weak_label_weight=content["weak_label_weight"],
        weights_tried=_TRIALS.validate_python(content["weights_tried"]),
        seconds=content["seconds"],
        validated_on=content["validated_on"],
        scarce=dict(content["scarce"]),
        encoders={name: folder / path for name, path in content["encoders"].items()},
        facts=content["facts"],
        dropped=content["dropped"],
        metric=content["metric"]["name"],
        costs=_COSTS.validate_python(content["costs"]),
        curve=_CURVE.validate_python(content["curve"]),
        refitted=None
        if again is None
        else Refitted(
            _read_model(folder / REFITTED),
            {name: folder / path for name, path in again["encoders"].items()},
            again["texts"],
            again["same"],
        ),
        coverage=_COVERAGE.validate_python(content["coverage"]),
        synthetic=content["synthetic"],
    )
    oof = content["held_out"]
    if oof is None:
        return trained, None
    probabilities = {
        name: np.array(values, dtype=np.float64) for name, values in oof["probabilities"].items()
    }
    decisions = {name: np.array(values, dtype=bool) for name, values in oof["decisions"].items()}
    rows = np.array(oof["rows"], dtype=np.intp)
    return trained, OutOfFoldPredictions(rows, probabilities, decisions, oof["nested"])


def _write_model(place: Path, model: Model) -> None:
    for file, data in model.files().items():
        (place / file).parent.mkdir(parents=True, exist_ok=True)
        (place / file).write_bytes(data)


def _read_model(place: Path) -> Model:
    files = [path for path in place.rglob("*") if path.is_file()]
    return read_model({path.relative_to(place).as_posix(): path.read_bytes() for path in files})


def _relative(encoders: Mapping[str, Path], folder: Path) -> dict[str, str]:
    return {name: str(path.relative_to(folder)) for name, path in encoders.items()}


def _rule(content: dict[str, Any]) -> DecisionRule:
    return DecisionRule(
        _SPACE.validate_python(content["space"]),
        *(np.array(content[name], dtype=np.float64) for name in ("slope", "intercept", "threshold")),
    )
