"""Cascade: rules that proved their precision on texts they were not mined from, and a model for the rest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from rubricator.config import Cascade
from rubricator.dataset.examples import Examples
from rubricator.models.cascade import CascadeModel, apply_rule_floors, precisions
from rubricator.stats.arrays import Floats
from rubricator.text_rules.rules import Rule, RuleSet, first_of
from rubricator.train.calibration.rule import fit_rule
from rubricator.train.kinds.cascade.candidates import minable, proposed
from rubricator.train.kinds.cascade.precision_posterior import PrecisionPosterior, texts_needed
from rubricator.train.kinds.cascade.rule_assembly import assemble_rules
from rubricator.train.kinds.cascade.rule_mining import Miner
from rubricator.train.kinds.cascade.rule_selection import Evidence, select_rules
from rubricator.train.logistic import Folds
from rubricator.train.training_context import FitKind, FitResult, TrainingContext

_PURITY_AUTO = 0.9
_LEAST, _MOST = 0.5, 1 - 1e-6  # a rule that a person wrote takes its texts, however often it was wrong


def fit_cascade(
    examples: Examples, *, folds: Folds, context: TrainingContext, fit_rest: FitKind
) -> FitResult:
    """Train the model for the rest, mine rules or take given ones, and measure them.

    A rule is a list of conditions for one category. Whether it is admitted, and how strong a condition
    must be to be on its list, is told from every fold by conditions mined without it. For the logits
    held out all of this is done once more without the fold. `keywords` of the context are conditions beside
    the mined ones, its `rules` are taken as they are.

    Raises:
        TrainingError: The model for the rest cannot be trained.
    """
    settings = context.settings.cascade
    rest = fit_rest(settings.rest, examples, folds=folds, context=context)
    scale = fit_rule(rest.oof_logits, examples.targets, examples.judging, space=context.space)
    evidence = Evidence(
        logits=rest.oof_logits * scale.slope + scale.intercept,
        targets=examples.targets,
        weights=_once_per_group(examples, examples.judging),
        space=context.space,
    )
    measured = _mined if context.rules is None else _as_given
    rules, granted, facts = measured(examples, evidence, folds, context)
    return FitResult(
        model=CascadeModel(rules, rest.model, scale.slope, scale.intercept, context.space.single),
        oof_logits=apply_rule_floors(
            rest.oof_logits, granted, scale.slope, scale.intercept, single=context.space.single
        ),
        notes=rest.notes,
        encoders=rest.encoders,
        facts={**facts, "rest": settings.rest, "rest_facts": dict(rest.facts)},
    )


_Measured = tuple[tuple[Rule, ...], Floats, dict[str, Any]]
"""Rules; the precision with which they give each text each category, held out; what the report says."""


def _mined(examples: Examples, evidence: Evidence, folds: Folds, context: TrainingContext) -> _Measured:
    settings = context.settings.cascade
    miners = _miners(examples, folds, context)
    category = np.tile(np.arange(examples.categories), len(miners))
    names = np.unique(folds).tolist()
    granted = np.zeros(examples.targets.shape)
    with context.progress("Mining rules", total=len(names) + 1) as advance:
        strengths = [miner.oof_strengths() for miner in miners]
        selected = select_rules(strengths, evidence, settings)
        advance(1)
        for fold in names:
            others, rows = folds != fold, np.flatnonzero(folds == fold)
            inner = [miner.oof_strengths(besides=fold)[others] for miner in miners]
            rules = select_rules(inner, evidence.subset(others), settings)
            order = rules.order
            matches = np.hstack([strength[rows] for strength in strengths])[:, order] >= rules.strength[order]
            taken = first_of(matches, category[order].tolist(), single=evidence.space.single)
            for place, rule in enumerate(order.tolist()):
                granted[rows[taken[:, place]], category[rule]] = rules.precision[rule]
            advance(1)
    assembled, places = assemble_rules(miners, selected, category, context.keywords)
    facts = _facts(assembled, selected.right[places], selected.taken[places], evidence, granted, settings)
    return assembled, granted, facts | {"source": "mined"}


def _miners(examples: Examples, folds: Folds, context: TrainingContext) -> list[Miner]:
    settings, weights = context.settings.cascade, _once_per_group(examples, examples.weights)
    sources = [minable(examples, at_least=settings.at_least)]
    if context.keywords:
        sources.append(proposed(context.keywords, examples))
    purity = _PURITY_AUTO if settings.precision == "auto" else settings.precision
    return [
        Miner(source, examples.targets, weights, folds, purity=purity, at_least=settings.at_least)
        for source in sources
    ]


def _as_given(examples: Examples, evidence: Evidence, folds: Folds, context: TrainingContext) -> _Measured:
    """Rules of a person: all of them, however precise; the data only say how precise."""
    rules = tuple(context.rules or ())
    category = np.array([rule.category for rule in rules], dtype=np.intp)
    inputs = examples.inputs()
    taken = RuleSet(rules).takes(inputs.contents, inputs.features, single=evidence.space.single)
    granted = np.zeros(examples.targets.shape)
    for fold in np.unique(folds).tolist():
        rows = np.flatnonzero(folds == fold)
        others = evidence.subset(folds != fold)
        precise = _measured(rules, *others.counts(taken[folds != fold], category))
        granted[rows] = precisions(precise, taken[rows], examples.categories)
    right, matched = evidence.counts(taken, category)
    measured = _measured(rules, right, matched)
    facts = _facts(measured, right, matched, evidence, granted, context.settings.cascade)
    return measured, granted, facts | {"source": "file"}


def _measured(rules: Sequence[Rule], right: Floats, taken: Floats) -> tuple[Rule, ...]:
    precise = np.clip(PrecisionPosterior(right, taken).mean(), _LEAST, _MOST).tolist()
    return tuple(rule.model_copy(update={"precision": p}) for rule, p in zip(rules, precise, strict=True))


def _once_per_group(examples: Examples, weights: Floats) -> Floats:
    """Weights with which a group of near-duplicates counts as one text, shape [n]."""
    weights = np.asarray(weights, dtype=np.float64)
    sizes = Counter(group for group, weight in zip(examples.groups, weights, strict=True) if weight > 0)
    counts = np.array([max(sizes[group], 1) for group in examples.groups], dtype=np.float64)
    return np.asarray(weights / counts)


def _facts(
    rules: Sequence[Rule],
    right: Floats,
    taken: Floats,
    evidence: Evidence,
    granted: Floats,
    settings: Cascade,
) -> dict[str, Any]:
    """What the report says: every rule, and how many texts rules take when held out."""
    posterior, used = PrecisionPosterior(right, taken), evidence.weights > 0
    cells = granted[used] > 0
    rows = zip(rules, taken, right, posterior.mean(), posterior.bound(settings.confidence), strict=True)
    return {
        "rules": [
            {
                "rule": str(rule),
                "category": rule.category,
                "taken": round(float(matched), 1),
                "right": round(float(hit), 1),
                "precision": round(float(mean), 4),
                "at_least": round(float(bound), 4),
            }
            for rule, matched, hit, mean, bound in rows
        ],
        "texts": int(used.sum()),
        "texts_taken": int(cells.any(axis=1).sum()),
        "given": int(cells.sum()),
        "given_right": int((cells & (evidence.targets[used] >= 0.5)).sum()),
        "bar": settings.precision,
        "confidence": settings.confidence,
        "texts_that_prove": None
        if settings.precision == "auto"
        else texts_needed(settings.precision, settings.confidence),
    }
