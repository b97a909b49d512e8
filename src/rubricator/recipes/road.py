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
from rubricator.recipes.labelled import Labelled
from rubricator.recipes.models import ServedModel, as_served
from rubricator.recipes.read import Prepared
from rubricator.recipes.split import Division
from rubricator.records import Origin
from rubricator.train.calibrate import cross_decide, fit_rule
from rubricator.train.examples import Examples, Vectors
from rubricator.train.model import fit
from rubricator.train.select import Choice, Score, choose, score
from rubricator.train.thresholds import scarce

log = logging.getLogger(__name__)

AGREED_WEIGHTS = (0.0, 0.1, 0.3, 1.0)
SURE_WEIGHTS = (0.3, 1.0)
"""Tried where texts were reviewed for being doubtful: alone, they would teach the odd corner only."""
ENOUGH_GOLDEN = 40
_BY_PEOPLE = (Origin.GOLDEN, Origin.REVIEW)
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
        scarce: What a reader must know of a category that had few texts, by its column.
    """

    models: Mapping[str, ServedModel]
    rules: Mapping[str, DecisionRule]
    choice: Choice
    agreed_weight: float
    weights_tried: Mapping[float, float]
    seconds: Mapping[str, float]
    validated_on: str
    scarce: Mapping[int, str]


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
        golden: True where a label is a person's and may teach.
        fair: True where such a label may also judge (see `People`).
        part: Part of each text.
        fold: Golden fold of each text and of its duplicates, -1 elsewhere.
    """

    examples: Examples
    golden: Bools
    fair: Bools
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
    if config.train.self_training:
        targets = _self_trained(material, targets, counted, train, folds, single=single, config=config)
    everything = replace(material.examples, targets=targets, weights=counted)
    learning = lesson(everything.subset(train), single=single)
    jury = _summon(material, everything, train, validation, folds, config)
    candidates = {}
    for name in config.train.models:
        started = time.monotonic()
        fitted = fit(name, learning, folds=folds)
        logits = fitted.logits(jury.examples) if validation.any() else fitted.held_out
        rule, result = jury.judge(logits, single=single)
        candidates[name] = (fitted, rule, result, time.monotonic() - started)
    return Road(
        models={name: as_served(fitted) for name, (fitted, _, _, _) in candidates.items()},
        rules={name: rule for name, (_, rule, _, _) in candidates.items()},
        choice=choose({name: result for name, (_, _, result, _) in candidates.items()}, single=single),
        agreed_weight=weight,
        weights_tried=tried,
        seconds={name: seconds for name, (_, _, _, seconds) in candidates.items()},
        validated_on=jury.about,
        scarce={
            **scarce(jury.examples.targets, jury.examples.weights),
            **candidates[config.train.models[0]][0].notes,
        },
    )


@dataclass(frozen=True, slots=True)
class _Jury:
    """The validation texts: what models are calibrated and compared on.

    Attributes:
        examples: Their weights say how much each counts in the verdict.
        folds: Fold of each; a decision about a text is made by a rule fitted without its fold.
        about: Who they are, in a sentence.
    """

    examples: Examples
    folds: NDArray[np.intp]
    about: str

    def judge(self, logits: Floats, *, single: bool) -> tuple[DecisionRule, Score]:
        """The rule fitted on all of them, and the score of rules cross-fitted on them."""
        truth, weights = self.examples.targets, self.examples.weights
        decisions = cross_decide(logits, truth, weights, self.folds, single=single)[1]
        return fit_rule(logits, truth, weights, single=single), score(decisions, truth, weights)


def _summon(
    material: Material,
    everything: Examples,
    train: Bools,
    validation: Bools,
    folds: NDArray[np.intp],
    config: Config,
) -> _Jury:
    """The validation part, or the training texts where there is none; golden ones alone if enough."""
    judging = validation if validation.any() else train
    golden = material.fair[judging]
    if golden.sum() >= ENOUGH_GOLDEN:
        weights, who = golden.astype(float), f"{golden.sum()} texts labelled by people"
    else:
        weights = everything.weights[judging]
        weights = weights if weights.any() else np.ones(len(weights))
        who = f"{len(golden)} texts, {golden.sum()} labelled by people and the others by teachers"
    examples = replace(everything.subset(judging), weights=weights)
    if validation.any():
        own = _folds(material, everything.targets, validation, config)
        return _Jury(examples, own, f"Validation stands on {who}, held out from training.")
    return _Jury(examples, folds, f"Validation stands on {who}, each predicted by models that never saw it.")


def _folds(material: Material, targets: Floats, rows: Bools, config: Config) -> NDArray[np.intp]:
    """Folds in which both all labels and the golden ones among them are spread evenly."""
    groups = [material.examples.groups[row] for row in np.flatnonzero(rows).tolist()]
    positive, golden = (targets[rows] > 0.5).astype(float), material.golden[rows][:, None].astype(float)
    strata = np.hstack([positive, positive * golden, golden])
    return make_folds(strata, groups, folds=config.split.folds, seed=config.seed)


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
    golden = material.fair[train]
    if golden.all() or golden.sum() < ENOUGH_GOLDEN:
        return 1.0, {}
    chosen = (material.golden & ~material.fair)[train].any()
    losses = {}
    for weight in SURE_WEIGHTS if chosen else AGREED_WEIGHTS:
        counted = np.where(material.golden, 1.0, weight)
        examples = replace(material.examples, targets=targets, weights=counted).subset(train)
        logits = fit(config.train.models[0], lesson(examples, single=single), folds=folds).held_out
        rule = fit_rule(logits, targets[train], golden.astype(float), single=single)
        losses[weight] = _log_loss(rule.probabilities(logits)[golden], targets[train][golden])
    return min(losses, key=losses.__getitem__), losses


def _self_trained(
    material: Material,
    targets: Floats,
    counted: Floats,
    train: Bools,
    folds: NDArray[np.intp],
    *,
    single: bool,
    config: Config,
) -> Floats:
    """Agreed labels averaged, in log-probability, with what a model held out from them thinks.

    One round of self-training (Scudder, "Probability of error of some adaptive pattern-recognition
    machines", 1965): golden labels stay as they are.
    """
    learning = replace(material.examples, targets=targets, weights=counted).subset(train)
    logits = fit(config.train.models[0], learning, folds=folds).held_out
    own = fit_rule(logits, learning.targets, learning.weights, single=single).probabilities(logits)
    yes, no = (
        np.sqrt(np.clip(a * b, 1e-12, 1)) for a, b in ((own, targets[train]), (1 - own, 1 - targets[train]))
    )
    blended = yes / yes.sum(axis=1, keepdims=True) if single else yes / (yes + no)
    mixed = targets.copy()
    mixed[train] = np.where(material.golden[train][:, None], targets[train], blended)
    return mixed


def lesson(examples: Examples, *, single: bool) -> Examples:
    """What models learn from: in single-label work decisions rather than probabilities.

    A rare category that teachers are never sure of would not once be the likeliest to a model that
    learns their doubts (compare Lee, "Pseudo-label", 2013). Calibration keeps the doubts.
    """
    if not single:
        return examples
    decided = np.eye(examples.targets.shape[1])[examples.targets.argmax(axis=1)]
    return replace(examples, targets=decided)


def _log_loss(probabilities: Floats, targets: Floats) -> float:
    p = np.clip(probabilities, 1e-6, 1 - 1e-6)
    return float(-(targets * np.log(p) + (1 - targets) * np.log1p(-p)).mean())


def material_of(prepared: Prepared, division: Division, labelled: Labelled, vectors: Vectors) -> Material:
    """All texts as arrays, in the order of `prepared.texts`."""
    ids = [text.id for text in prepared.texts]
    by_people = {id_ for id_, label in labelled.labels.items() if label.origin in _BY_PEOPLE}
    examples = Examples(
        contents=[text.content for text in prepared.texts],
        vectors=vectors,
        targets=np.zeros_like(labelled.targets),
        weights=np.zeros(len(ids)),
        groups=[prepared.groups[id_] for id_ in ids],
    )
    return Material(
        examples,
        golden=np.array([id_ in by_people for id_ in ids]),
        fair=np.array([id_ in labelled.fair for id_ in ids]),
        part=np.array([division.part[id_] for id_ in ids]),
        fold=np.array([division.fold.get(id_, -1) for id_ in ids]),
    )
