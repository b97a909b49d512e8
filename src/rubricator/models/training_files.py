"""What training leaves on disk for the stages after it: arrays in safetensors, the rest in JSON."""

from __future__ import annotations

import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from rubricator.dataset.files import read_json, write_json
from rubricator.label_space import DecisionRule, LabelSpace
from rubricator.models.registry import read_model
from rubricator.models.training_result import WORDS, Choice, Cost, OutOfFoldPredictions, Score, TrainingResult


def write_training(folder: Path, trained: TrainingResult, held: OutOfFoldPredictions | None) -> None:
    """Write models under `stages/models/` and everything else to `stages/train.json`."""
    shutil.rmtree(folder / "stages/models", ignore_errors=True)  # a kind of an earlier training may be gone
    for name, model in trained.models.items():
        place = folder / "stages/models" / name
        for file, data in model.files().items():
            (place / file).parent.mkdir(parents=True, exist_ok=True)
            (place / file).write_bytes(data)
    rest = {
        "rules": {name: asdict(rule) for name, rule in trained.rules.items()},
        "choice": {
            **asdict(trained.choice),
            "scores": {n: asdict(s) for n, s in trained.choice.scores.items()},
        },
        "weak_label_weight": trained.weak_label_weight,
        "weights_tried": list(trained.weights_tried.items()),
        "seconds": dict(trained.seconds),
        "validated_on": trained.validated_on,
        "scarce": list(trained.scarce.items()),
        "encoders": {name: str(path.relative_to(folder)) for name, path in trained.encoders.items()},
        "facts": {name: dict(facts) for name, facts in trained.facts.items()},
        "dropped": dict(trained.dropped),
        "metric": {"name": trained.metric, "words": WORDS[trained.metric]},
        "costs": {name: asdict(cost) for name, cost in trained.costs.items()},
        "held_out": None if held is None else asdict(held),
    }
    write_json(folder / "stages/train.json", rest)


def read_training(folder: Path) -> tuple[TrainingResult, OutOfFoldPredictions | None]:
    """Read what `write_training` wrote."""
    found = read_json(folder / "stages/train.json")
    names = list(found["rules"])
    models = {}
    for name in names:
        place = folder / "stages/models" / name
        files = [path for path in place.rglob("*") if path.is_file()]
        models[name] = read_model({path.relative_to(place).as_posix(): path.read_bytes() for path in files})
    choice = found["choice"]
    trained = TrainingResult(
        models=models,
        rules={name: _rule(rule) for name, rule in found["rules"].items()},
        choice=Choice(
            choice["name"],
            choice["reason"],
            {name: _score(score) for name, score in choice["scores"].items()},
        ),
        weak_label_weight=found["weak_label_weight"],
        weights_tried=dict(found["weights_tried"]),
        seconds=found["seconds"],
        validated_on=found["validated_on"],
        scarce=dict(found["scarce"]),
        encoders={name: folder / path for name, path in found["encoders"].items()},
        facts=found["facts"],
        dropped=found["dropped"],
        metric=found["metric"]["name"],
        costs={name: Cost(**cost) for name, cost in found["costs"].items()},
    )
    held = found["held_out"]
    return trained, None if held is None else _held_out(held)


def _score(found: dict[str, Any]) -> Score:
    intervals = {metric: (low, high) for metric, (low, high) in found.pop("intervals").items()}
    return Score(**found, intervals=intervals)


def _rule(found: dict[str, Any]) -> DecisionRule:
    space = found["space"]
    return DecisionRule(
        LabelSpace(tuple(space["keys"]), space["single"], space["none"]),
        *(np.array(found[name], dtype=np.float64) for name in ("slope", "intercept", "threshold")),
    )


def _held_out(found: dict[str, Any]) -> OutOfFoldPredictions:
    return OutOfFoldPredictions(
        np.array(found["rows"], dtype=np.intp),
        {name: np.array(values, dtype=np.float64) for name, values in found["probabilities"].items()},
        {name: np.array(values, dtype=bool) for name, values in found["decisions"].items()},
        found["nested"],
    )
