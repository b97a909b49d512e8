"""Encoders as views of a text that teach one another on texts without a label.

Co-training (Blum & Mitchell, "Combining labeled and unlabeled data with co-training", 1998): what one view is
sure of becomes a soft label of small weight for the other, as many for each category as it is common.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from rubricator.dataset.examples import Examples
from rubricator.dataset.inputs import BASE
from rubricator.label_space import LabelSpace
from rubricator.models.anchors import AnchorsModel
from rubricator.stats.arrays import Floats, Indices
from rubricator.train.calibration.rule import fit_rule
from rubricator.train.kinds.heads.anchors import fit_anchors
from rubricator.train.kinds.heads.mixing import mixed
from rubricator.train.logistic import Folds
from rubricator.train.training_context import TrainingContext

_SHARE = 0.5  # of the texts without a label, those that one view may teach another
_FEWEST = 5  # of a category
_WEIGHT = 0.1  # of such a label


@dataclass(frozen=True, slots=True)
class TaughtView:
    """Kernel and neighbours over one encoder that learnt from labels and from the other encoders.

    The logits [n, categories] of all texts are by models for which neither the view nor its
    teachers saw their fold.
    """

    model: AnchorsModel
    oof_kernel: Floats
    oof_neighbours: Floats


@dataclass(frozen=True, slots=True)
class _View:
    """What one encoder says alone: out-of-fold opinions [n, categories], and those of unlabelled texts."""

    oof: Sequence[Floats]
    unlabelled: Sequence[Floats]


def teach(
    examples: Examples, unlabelled: Examples, *, folds: Folds, context: TrainingContext
) -> dict[str, TaughtView]:
    """Let every encoder learn from what the others say of the unlabelled texts, in one round.

    Args:
        examples: Texts with vectors of two encoders at least; those of weight 0 are only predicted.
        unlabelled: Texts with the same vectors, none of them a duplicate of a labelled one.
        folds: Of the texts, three different ones at least among those with weight.
        context: Describes the categories, too, where there are descriptions.

    Returns:
        What each encoder became, by its name.
    """
    oof = {name: np.empty((2, *examples.targets.shape)) for name in _encoders(examples)}
    used = examples.weights > 0
    for fold in np.unique(folds):
        away = folds == fold
        rest = used & ~away
        for name, model in _taught(examples.subset(rest), unlabelled, folds[rest], context).items():
            oof[name][:, away] = _parts(model, examples.subset(away))
    models = _taught(examples.subset(used), unlabelled, folds[used], context)
    return {name: TaughtView(model, *oof[name]) for name, model in models.items()}


def _encoders(examples: Examples) -> list[str]:
    return [BASE, *examples.more_vectors]


def _taught(
    examples: Examples, unlabelled: Examples, folds: Folds, context: TrainingContext
) -> dict[str, AnchorsModel]:
    views = {name: _view(examples, unlabelled, name, folds, context) for name in _encoders(examples)}
    models = {}
    for name in views:
        others = [view for other, view in views.items() if other != name]
        opinions = [opinion for view in others for opinion in view.oof]
        mix = mixed(opinions, examples.targets, examples.judging, folds, space=context.space)
        rule = fit_rule(mix.oof_logits, examples.targets, examples.judging, space=context.space)
        said = np.stack([opinion for view in others for opinion in view.unlabelled])
        p = rule.probabilities(np.tensordot(mix.weights, said, 1) + mix.intercept)
        prior = np.average(examples.targets, axis=0, weights=examples.judging)
        none = float(np.average(examples.targets.max(axis=1) < 0.5, weights=examples.judging))
        sure = _surest(p, prior, none, context.space)
        models[name] = fit_anchors(
            np.concatenate([examples.by(name), unlabelled.by(name)[sure]]),
            np.concatenate([examples.targets, context.space.harden(p[sure])]),
            np.concatenate([examples.weights, np.full(len(sure), _WEIGHT)]),
            folds=np.zeros(len(examples) + len(sure), dtype=np.intp),
            encoder=name,
            seed=context.seed,
        ).model
    return models


def _view(
    examples: Examples, unlabelled: Examples, encoder: str, folds: Folds, context: TrainingContext
) -> _View:
    vectors = examples.by(encoder)
    fitted = fit_anchors(
        vectors, examples.targets, examples.weights, folds=folds, encoder=encoder, seed=context.seed
    )
    if fitted.oof_neighbours is None:
        raise ValueError(f"{len(examples)} labelled texts are too many for views to teach one another")
    oof, said = [fitted.oof_kernel, fitted.oof_neighbours], list(_parts(fitted.model, unlabelled))
    if encoder in context.described:
        directions = context.described[encoder]
        centre = vectors.mean(axis=0, dtype=np.float64)
        oof.append((vectors - centre) @ directions.T)
        said.append((unlabelled.by(encoder) - centre) @ directions.T)
    return _View(oof, said)


def _parts(model: AnchorsModel, examples: Examples) -> tuple[Floats, Floats]:
    """What the kernel says of texts, and what the neighbours do."""
    inputs = examples.inputs()
    return (
        replace(model, kernel_share=1.0).logits(inputs),
        replace(model, kernel_share=0.0).logits(inputs),
    )


def _surest(probabilities: Floats, prior: Floats, none: float, space: LabelSpace) -> Indices:
    """Rows to teach: of each category the likeliest that have it, and of those without any the surest."""
    budget = _SHARE * len(probabilities)
    decided = space.decide(probabilities)
    rows = set[int]()
    for p, has, share in zip(probabilities.T, decided.T, prior, strict=True):
        likeliest = np.argsort(-p, kind="stable")[: max(_FEWEST, round(budget * share))]
        rows.update(likeliest[has[likeliest]].tolist())
    if not space.single:
        rows.update(np.argsort(probabilities.max(axis=1), kind="stable")[: round(budget * none)].tolist())
    return np.array(sorted(rows), dtype=np.int64)
