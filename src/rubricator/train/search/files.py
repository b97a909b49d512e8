"""What training leaves on disk for the stages after it: arrays in safetensors, the rest in JSON."""

from __future__ import annotations

import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from rubricator.decision import DecisionRule
from rubricator.models.registry import model_of
from rubricator.train.search.serving_cost import Cost
from rubricator.dataset.files import read_json, write_json
from rubricator.train.search.model_search import HeldOut, Road
from rubricator.train.search.selection import WORDS, Choice, Score


def write_trained(folder: Path, road: Road, held: HeldOut | None) -> None:
    """Write models under `stages/models/` and everything else to `stages/train.json`."""
    for name, model in road.models.items():
        place = folder / "stages/models" / name
        shutil.rmtree(place, ignore_errors=True)
        for file, data in model.files().items():
            (place / file).parent.mkdir(parents=True, exist_ok=True)
            (place / file).write_bytes(data)
    rest = {
        "rules": {name: asdict(rule) for name, rule in road.rules.items()},
        "choice": {**asdict(road.choice), "scores": {n: asdict(s) for n, s in road.choice.scores.items()}},
        "agreed_weight": road.agreed_weight,
        "weights_tried": list(road.weights_tried.items()),
        "seconds": dict(road.seconds),
        "validated_on": road.validated_on,
        "scarce": list(road.scarce.items()),
        "encoders": {name: str(path.relative_to(folder)) for name, path in road.encoders.items()},
        "facts": {name: dict(facts) for name, facts in road.facts.items()},
        "dropped": dict(road.dropped),
        "metric": {"name": road.metric, "words": WORDS[road.metric]},
        "costs": {name: asdict(cost) for name, cost in road.costs.items()},
        "held_out": None if held is None else asdict(held),
    }
    write_json(folder / "stages/train.json", rest)


def read_trained(folder: Path) -> tuple[Road, HeldOut | None]:
    """Read what `write_trained` wrote."""
    found = read_json(folder / "stages/train.json")
    names = list(found["rules"])
    models = {}
    for name in names:
        place = folder / "stages/models" / name
        files = [path for path in place.rglob("*") if path.is_file()]
        models[name] = model_of({path.relative_to(place).as_posix(): path.read_bytes() for path in files})
    choice = found["choice"]
    road = Road(
        models=models,
        rules={name: _rule(rule) for name, rule in found["rules"].items()},
        choice=Choice(
            choice["name"],
            choice["reason"],
            {name: _score(score) for name, score in choice["scores"].items()},
        ),
        agreed_weight=found["agreed_weight"],
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
    return road, None if held is None else _held_out(held)


def _score(found: dict[str, Any]) -> Score:
    intervals = {metric: (low, high) for metric, (low, high) in found.pop("intervals").items()}
    return Score(**found, intervals=intervals)


def _rule(found: dict[str, Any]) -> DecisionRule:
    return DecisionRule(
        found["single"],
        *(np.array(found[name], dtype=np.float64) for name in ("slope", "intercept", "threshold")),
    )


def _held_out(found: dict[str, Any]) -> HeldOut:
    return HeldOut(
        np.array(found["rows"], dtype=np.intp),
        {name: np.array(values, dtype=np.float64) for name, values in found["probabilities"].items()},
        {name: np.array(values, dtype=bool) for name, values in found["decisions"].items()},
        found["nested"],
    )
