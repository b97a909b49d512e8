"""From labelled texts to models: all kinds on the same examples, calibrated on validation, one chosen."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from rubricator.config import Config
from rubricator.data.split import make_folds
from rubricator.decision import Bools, DecisionRule, Floats
from rubricator.errors import TrainingError
from rubricator.recipes.label import Labelled
from rubricator.recipes.models import ServedModel, as_served
from rubricator.recipes.read import Prepared
from rubricator.recipes.split import Division
from rubricator.train.calibrate import cross_decide, fit_rule
from rubricator.train.examples import Examples, Vectors
from rubricator.train.model import cross_fit, fit
from rubricator.train.select import Choice, Score, choose, score

log = logging.getLogger(__name__)

AGREED_WEIGHTS = (0.0, 0.1, 0.3, 1.0)
ENOUGH_GOLDEN = 40
"""With fewer golden texts in validation, agreed labels join them there."""


@dataclass(frozen=True, slots=True)
class Road:
    """All models trained on one set of examples, their rules, and which one won.

    Attributes:
        models: By name.
        rules: Calibration and thresholds of each model.
        choice: The winner and why.
        agreed_weight: What a label agreed between teachers counted beside a golden one.
        weights_tried: Log-loss on golden texts (cross-fitted) by agreed weight tried.
        seconds: Training time of each model.
        validated_on: What models were compared and calibrated on, in a sentence.
    """

    models: Mapping[str, ServedModel]
    rules: Mapping[str, DecisionRule]
    choice: Choice
    agreed_weight: float
    weights_tried: Mapping[float, float]
    seconds: Mapping[str, float]
    validated_on: str


@dataclass(frozen=True, slots=True)
class HeldOut:
    """Golden texts predicted by a road that never saw them.

    Attributes:
        rows: Their rows among the texts.
        probabilities: By model name and, under `chosen`, by the winner of each fold.
        decisions: Likewise.
    """

    rows: NDArray[np.intp]
    probabilities: Mapping[str, Floats]
    decisions: Mapping[str, Bools]


@dataclass(frozen=True, slots=True)
class Material:
    """All texts as arrays in one order, whatever their part.

    Attributes:
        examples: Contents, vectors and groups of every text; targets and weights come per road.
        golden: True where a golden label may teach.
        part: Part of each text.
        fold: Golden fold of each text and of its duplicates, -1 elsewhere.
    """

    examples: Examples
    golden: Bools
    part: NDArray[np.str_]
    fold: NDArray[np.intp]


def build_road(
    material: Material, targets: Floats, *, train: Bools, validation: Bools, single: bool, config: Config
) -> Road:
    """Train every model on the `train` rows and calibrate it on validation.

    Args:
        material: All texts.
        targets: Probability of each category, shape [texts, categories]; NaN where there is no label.
        train: Rows to train on.
        validation: Rows held out for validation; none of them means cross-fitting on `train`.
        single: True if a text has exactly one category.
        config: The settings.

    Raises:
        TrainingError: No row to train on.
    """
    known = np.isfinite(targets).all(axis=1)
    targets, train, validation = np.nan_to_num(targets), train & known, validation & known
    if not train.any():
        raise TrainingError(
            "No text is left to train on.", fix="Lower split.test and split.validation, or add texts."
        )
    folds = _folds(material, targets, train, config)
    weight, tried = _agreed_weight(material, targets, train, folds, single=single, config=config)
    counted = np.where(material.golden, 1.0, weight)
    everything = replace(material.examples, targets=targets, weights=counted)
    learning = everything.subset(train)
    judging = validation if validation.any() else train
    judged = np.flatnonzero(judging)
    judge_weights, about = _judges(material, counted, judged)
    truth = targets[judged]
    judge_folds = _folds(material, targets, judging, config) if validation.any() else folds

    models: dict[str, ServedModel] = {}
    rules: dict[str, DecisionRule] = {}
    scores: dict[str, Score] = {}
    seconds: dict[str, float] = {}
    for name in config.train.models:
        started = time.monotonic()
        fitted = fit(name, learning, folds=folds)
        if validation.any():
            logits = fitted.logits(everything.subset(judging))
        else:
            logits = cross_fit(name, learning, folds)
        models[name] = as_served(fitted)
        rules[name] = fit_rule(logits, truth, judge_weights, single=single)
        decisions = cross_decide(logits, truth, judge_weights, judge_folds, single=single)[1]
        scores[name] = score(decisions, truth, judge_weights)
        seconds[name] = time.monotonic() - started
    how = "held out for validation" if validation.any() else "each predicted by models that had not seen it"
    return Road(models, rules, choose(scores, single=single), weight, tried, seconds, f"{about}, {how}")


def _folds(material: Material, targets: Floats, rows: Bools, config: Config) -> NDArray[np.intp]:
    groups = [material.examples.groups[row] for row in np.flatnonzero(rows).tolist()]
    return make_folds((targets[rows] > 0.5).astype(float), groups, folds=config.split.folds, seed=config.seed)


def _judges(material: Material, counted: Floats, judged: NDArray[np.intp]) -> tuple[Floats, str]:
    """Weights of the validation rows: golden texts alone where there are enough of them."""
    golden = material.golden[judged]
    if golden.sum() >= ENOUGH_GOLDEN:
        return golden.astype(float), f"{golden.sum()} golden texts"
    weights = counted[judged] if counted[judged].any() else np.ones(len(judged))
    return weights, f"{len(judged)} texts, {golden.sum()} of them golden, the others with agreed labels"


def _agreed_weight(
    material: Material,
    targets: Floats,
    train: Bools,
    folds: NDArray[np.intp],
    *,
    single: bool,
    config: Config,
) -> tuple[float, dict[float, float]]:
    """What agreed labels count: as told, or what serves golden texts best when they are held out."""
    if config.train.agreed_weight != "auto":
        return config.train.agreed_weight, {}
    golden = material.golden[train]
    if golden.all() or golden.sum() < ENOUGH_GOLDEN:
        return 1.0, {}
    name = config.train.models[0]
    losses = {}
    for weight in AGREED_WEIGHTS:
        counted = np.where(material.golden, 1.0, weight)
        examples = replace(material.examples, targets=targets, weights=counted).subset(train)
        logits = cross_fit(name, examples, folds)
        rule = fit_rule(logits, targets[train], golden.astype(float), single=single)
        losses[weight] = _log_loss(rule.probabilities(logits)[golden], targets[train][golden])
    return min(losses, key=losses.__getitem__), losses


def _log_loss(probabilities: Floats, targets: Floats) -> float:
    p = np.clip(probabilities, 1e-6, 1 - 1e-6)
    return float(-(targets * np.log(p) + (1 - targets) * np.log1p(-p)).mean())


def material_of(prepared: Prepared, division: Division, labelled: Labelled, vectors: Vectors) -> Material:
    """All texts as arrays, in the order of `prepared.texts`."""
    ids = [text.id for text in prepared.texts]
    examples = Examples(
        contents=[text.content for text in prepared.texts],
        vectors=vectors,
        targets=np.zeros_like(labelled.targets),
        weights=np.zeros(len(ids)),
        groups=[prepared.groups[id_] for id_ in ids],
    )
    return Material(
        examples,
        golden=np.array([id_ in division.teaching for id_ in ids]),
        part=np.array([division.part[id_] for id_ in ids]),
        fold=np.array([division.fold.get(id_, -1) for id_ in ids]),
    )
