"""The kind `heads`: lines, kernel and neighbours over frozen vectors, mixed as the folds ask for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

import numpy as np

from rubricator.config import Imbalance
from rubricator.dataset.examples import Examples
from rubricator.dataset.inputs import BASE
from rubricator.models.anchors import AnchorsModel
from rubricator.models.base import Model
from rubricator.models.ensemble import EnsembleModel
from rubricator.models.heads import HeadsModel
from rubricator.stats.arrays import Floats
from rubricator.train.kinds.heads.anchors import fit_anchors
from rubricator.train.kinds.heads.co_training import teach
from rubricator.train.kinds.heads.lines import fit_lines
from rubricator.train.kinds.heads.mixing import Mix, mixed
from rubricator.train.kinds.linear.fit import fit_linear
from rubricator.train.logistic import Folds
from rubricator.train.training_context import FitResult, TrainingContext

_MANY = 2000  # labelled texts from which on single words say more than vectors know


@dataclass(frozen=True, slots=True)
class _Opinion:
    """What one part says: `model` as served, `oof_logits` [n, categories] by other folds."""

    part: str  # lines, description, kernel, neighbours or terms
    encoder: str | None  # name of the encoder whose vectors it looks at
    model: Model
    oof_logits: Floats


def fit_heads(examples: Examples, *, folds: Folds, context: TrainingContext) -> FitResult:
    """Train heads on the vectors of every encoder; the simplest mix about as good as the best is kept.

    Compared by their log-loss over the folds, with weights fitted without the fold, are lines alone, with
    likeness to the descriptions, with kernel and neighbours over the first encoder, all of it over all
    encoders, with encoders that teach one another on unlabelled texts where labels are few, and with TF-IDF
    where they are many; a larger mix must be ahead by a standard error. Where `imbalance` asks for
    something, only lines can follow.

    Raises:
        TrainingError: No vectors, or no row has weight.
    """
    lines = fit_lines(examples, folds=folds, context=context)
    if not context.settings.heads.mix or context.settings.imbalance != Imbalance():
        return lines
    sets = [[_Opinion("lines", BASE, lines.model, lines.oof_logits)]]
    if BASE in context.described:
        sets.append([*sets[-1], _description(examples, context, BASE)])
    sets.append([*sets[-1], *_nearby(examples, folds, context, BASE)])
    for encoder in examples.more_vectors:
        more = fit_lines(examples, folds=folds, context=context, encoder=encoder)
        opinions = [_Opinion("lines", encoder, more.model, more.oof_logits)]
        if encoder in context.described:
            opinions.append(_description(examples, context, encoder))
        sets.append([*sets[-1], *opinions, *_nearby(examples, folds, context, encoder)])
    used = examples.weights > 0
    if context.unlabelled is not None and _can_teach(examples, folds):
        sets.append(_taught(sets[-1], examples, context.unlabelled, folds, context))
    if used.sum() >= _MANY:
        terms = fit_linear(examples, folds=folds, context=context)
        sets.append([*sets[-1], _Opinion("terms", None, terms.model, terms.oof_logits)])
    mixes = [
        mixed(
            [opinion.oof_logits for opinion in opinions],
            examples.targets,
            examples.judging,
            folds,
            space=context.space,
        )
        for opinions in sets
    ]
    judged = examples.judging > 0
    chosen = _simplest([mix.losses[judged] for mix in mixes], examples.judging[judged])
    tried = [
        {
            **_named(opinions),
            "log_loss": float(np.average(mix.losses, weights=examples.judging)),
            "chosen": number == chosen,
        }
        for number, (opinions, mix) in enumerate(zip(sets, mixes, strict=True))
    ]
    lines = replace(lines, facts={**lines.facts, "tried": tried})
    return _together(sets[chosen], mixes[chosen], lines) if chosen else lines


def _description(examples: Examples, context: TrainingContext, encoder: str) -> _Opinion:
    """How like the descriptions the texts are, which takes no label: where few have one it says most."""
    vectors, directions = examples.by(encoder), context.described[encoder]
    centre = vectors.mean(axis=0, dtype=np.float64)
    model = HeadsModel(directions, -directions @ centre, encoder)
    return _Opinion("description", encoder, model, model.logits(examples.inputs()))


def _nearby(examples: Examples, folds: Folds, context: TrainingContext, encoder: str) -> list[_Opinion]:
    fitted = fit_anchors(
        examples.by(encoder),
        examples.targets,
        examples.weights,
        folds=folds,
        encoder=encoder,
        seed=context.seed,
        progress=context.progress,
    )
    parts = [_Opinion("kernel", encoder, fitted.model, fitted.oof_kernel)]
    if fitted.oof_neighbours is not None:
        parts.append(_Opinion("neighbours", encoder, fitted.model, fitted.oof_neighbours))
    return parts


def _named(opinions: Sequence[_Opinion]) -> dict[str, list[str]]:
    return {
        "parts": list(dict.fromkeys(opinion.part for opinion in opinions)),
        "encoders": list(dict.fromkeys(opinion.encoder for opinion in opinions if opinion.encoder)),
    }


def _can_teach(examples: Examples, folds: Folds) -> bool:
    """Whether there are two views and so few labels that it may pay, in folds enough to tell."""
    used = examples.weights > 0
    few = used.sum() < _MANY and len(np.unique(folds[used])) > 2
    return bool(examples.more_vectors and few)


def _taught(
    opinions: Sequence[_Opinion],
    examples: Examples,
    unlabelled: Examples,
    folds: Folds,
    context: TrainingContext,
) -> list[_Opinion]:
    """The opinions with kernels and neighbours that have learnt from one another in place of their own."""
    kept = [opinion for opinion in opinions if opinion.part not in ("kernel", "neighbours")]
    for name, view in teach(examples, unlabelled, folds=folds, context=context).items():
        kept.append(_Opinion("taught kernel", name, view.model, view.oof_kernel))
        kept.append(_Opinion("taught neighbours", name, view.model, view.oof_neighbours))
    return kept


def _simplest(losses: Sequence[Floats], weights: Floats) -> int:
    """The first of the mixes that no later one beats by a standard error of the difference."""
    best = 0
    for later in range(1, len(losses)):
        gain = weights * (losses[best] - losses[later])
        if gain.sum() > gain.std() * np.sqrt(len(gain)):
            best = later
    return best


def _together(opinions: Sequence[_Opinion], mix: Mix, lines: FitResult) -> FitResult:
    total = float(mix.weights.sum())
    members, weights = zip(*_members(opinions, mix.weights / total), strict=True)
    model = EnsembleModel(
        members,
        np.array(weights),
        np.full((len(members), len(mix.intercept)), total),
        np.tile(mix.intercept, (len(members), 1)),
    )
    shares = mix.shares([opinion.oof_logits for opinion in opinions])
    parts = [
        {"part": opinion.part, "encoder": opinion.encoder, "share": float(share)}
        for opinion, share in zip(opinions, shares, strict=True)
        if share > 0
    ]
    facts = {**lines.facts, "parts": parts}
    return FitResult(model=model, oof_logits=mix.oof_logits, notes=lines.notes, facts=facts)


def _members(opinions: Sequence[_Opinion], weights: Floats) -> Iterator[tuple[Model, float]]:
    """The models that count, each with its weight; kernel and neighbours over one encoder are one model."""
    pairs = zip(opinions, weights.tolist(), strict=True)
    for _, group in groupby(pairs, key=lambda pair: id(pair[0].model)):
        together = list(group)
        model, weight = together[0][0].model, sum(weight for _, weight in together)
        if isinstance(model, AnchorsModel) and weight:
            model = replace(model, kernel_share=together[0][1] / weight)
        if weight:
            yield model, weight
