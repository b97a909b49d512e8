"""How figures grow with the labels of people, and what more of them should bring."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from rubricator.config import Config
from rubricator.dataset.training_data import TrainingData
from rubricator.models.training_result import CurvePoint, LearningCurve
from rubricator.stats.arrays import Bools, Floats, Indices
from rubricator.taxonomy import Taxonomy
from rubricator.train.calibration.rule import cross_decide
from rubricator.train.search.label_weights import fit_proxy
from rubricator.train.search.validation import spread_folds
from rubricator.train.selection import metric_of, score
from rubricator.train.synthetic_rows import synthetic_for
from rubricator.train.training_context import TrainingContext

MORE = 100
"""Labels that the prediction is about."""
_FEWEST = 60  # texts labelled by people, below which a quarter of them teaches nothing
_SHARES = (0.25, 0.25, 0.5, 0.5, 1.0)  # two draws where some are left out
_MOST_OTHERS = 2_000  # texts labelled by teachers that learn along: a curve must not take long


def learning_curve(
    data: TrainingData, targets: Floats, weight: float, *, taxonomy: Taxonomy, config: Config
) -> LearningCurve | None:
    """What a quick model reaches on all texts that people labelled, held out, if only a share teaches.

    A text left out teaches nothing, so labels of teachers do not take its place; they teach beside the
    others, with the `weight` that they have in training. The prediction is a line through the figures against
    the logarithm of the number of labels.

    Returns:
        None where too few texts of training are labelled by people.
    """
    labelled = np.isfinite(targets).all(axis=1) & (data.part == "train")
    if not config.train.learning_curve or (data.unbiased & labelled).sum() < _FEWEST:
        return None
    rng = np.random.default_rng(config.seed)
    rows = np.sort(
        np.concatenate([np.flatnonzero(data.golden & labelled), _others(data, labelled, weight, rng)])
    )
    golden = data.unbiased[rows]
    used = np.isin(np.arange(len(labelled)), rows)
    folds = spread_folds(data, np.nan_to_num(targets), used, config)
    weights = np.where(data.golden[rows], 1.0, weight)
    counted = labelled & (np.where(data.golden, 1.0, weight) > 0)
    context = replace(
        TrainingContext.of(config, space=taxonomy.space, folder=config.folder),
        synthetic=synthetic_for(data, data.part == "train", counted),
    )
    examples = replace(data.examples, targets=np.nan_to_num(targets)).subset(rows).hardened(taxonomy.space)
    metric = metric_of(config.train.metric, taxonomy.space)
    values: dict[int, list[float]] = {}
    for share in _SHARES:
        out = golden & ~_drawn(examples.groups, golden, share, rng)
        learning = replace(examples, weights=np.where(out, 0.0, weights))
        logits = fit_proxy(learning, folds, context).oof_logits
        judging = np.where(golden & ~out, 1.0, 0.0)
        _, decisions = cross_decide(logits, examples.targets, judging, folds, space=taxonomy.space)
        reached = score(decisions[golden], examples.targets[golden], np.ones(int(golden.sum())))
        values.setdefault(int((golden & ~out).sum()), []).append(reached.merit(metric)[0])
    points = [CurvePoint(texts, float(np.mean(several))) for texts, several in sorted(values.items())]
    return LearningCurve(tuple(points), MORE, _gain(values), metric)


def _others(data: TrainingData, labelled: Bools, weight: float, rng: np.random.Generator) -> Indices:
    others = np.flatnonzero(labelled & ~data.golden)
    if not weight:
        return others[:0]
    return others if len(others) <= _MOST_OTHERS else rng.choice(others, _MOST_OTHERS, replace=False)


def _drawn(groups: Sequence[str], golden: Bools, share: float, rng: np.random.Generator) -> Bools:
    """A share of the groups that hold texts labelled by people."""
    names = sorted({group for group, one in zip(groups, golden, strict=True) if one})
    chosen = set(rng.permutation(names)[: max(1, round(share * len(names)))].tolist())
    return np.array([group in chosen for group in groups], dtype=bool)


def _gain(values: dict[int, list[float]]) -> float:
    """What so many more labels should add, by a line through figure against the logarithm of labels."""
    texts = np.array([number for number, several in values.items() for _ in several], dtype=np.float64)
    figures = np.array([value for several in values.values() for value in several])
    slope = np.polyfit(np.log(texts), figures, 1)[0]
    most = texts.max()
    return float(max(slope, 0.0) * np.log((most + MORE) / most))
