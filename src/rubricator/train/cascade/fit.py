"""Cascade: rules that proved their precision on texts they were not mined from, and a model for the rest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from rubricator.config import Cascade
from rubricator.decision import Bools, Floats
from rubricator.models.cascade import CascadeModel, raised
from rubricator.models.rules import Rule, RuleSet, first_of
from rubricator.train.bench import Bench, Fitted
from rubricator.train.calibrate import fit_rule
from rubricator.train.cascade.admit import Admitted, Evidence, admit
from rubricator.train.cascade.candidates import given, minable
from rubricator.train.cascade.compose import compose
from rubricator.train.cascade.mine import Miner
from rubricator.train.cascade.proof import Proof, texts_needed
from rubricator.train.examples import Examples
from rubricator.train.logistic import Folds

_PURITY_AUTO = 0.9
_LEAST, _MOST = 0.5, 1 - 1e-6  # a rule that a person wrote takes its texts, however often it was wrong


def fit_cascade(examples: Examples, *, folds: Folds, bench: Bench) -> Fitted:
    """Train the model for the rest, mine rules or take given ones, and measure them.

    A rule is a list of conditions for one category. Whether it is admitted, and how strong a condition
    must be to be on its list, is told from every fold by conditions mined without it. For the logits
    held out all of this is done once more without the fold.

    Args:
        examples: Rows of weight 0 are left out.
        folds: Fold of each row, shape [n], grouped.
        bench: Settings; `keywords` are conditions beside the mined ones, `rules` are taken as they are.

    Raises:
        TrainingError: The model for the rest cannot be trained.
    """
    from rubricator.train.model import fit  # knows this kind too

    rest = fit(bench.settings.cascade.rest, examples, folds=folds, bench=bench)
    scale = fit_rule(rest.held_out, examples.targets, examples.weights, single=bench.single)
    base = rest.held_out * scale.slope + scale.intercept
    evidence = Evidence(base, examples.targets, _once_per_group(examples), bench.single)
    taken = _taken if bench.rules is not None else _mined
    rules, held_out, facts = taken(examples, evidence, folds, bench)
    return Fitted(
        model=CascadeModel(tuple(rules), rest.model, scale.slope, scale.intercept, bench.single),
        held_out=held_out,
        notes=rest.notes,
        encoders=rest.encoders,
        facts={**facts, "rest": bench.settings.cascade.rest, "rest_facts": dict(rest.facts)},
    )


def _mined(
    examples: Examples, evidence: Evidence, folds: Folds, bench: Bench
) -> tuple[list[Rule], Floats, dict[str, Any]]:
    settings = bench.settings.cascade
    miners = _miners(examples, evidence.weights, folds, bench)
    category = np.tile(np.arange(examples.categories), len(miners))
    names = np.unique(folds).tolist()
    with bench.progress("Mining rules", total=len(names) + 1) as done:
        strengths = np.hstack([miner.held_out() for miner in miners])
        found = admit(strengths, category, evidence, settings)
        done(1)
        held_out, taken = np.empty_like(evidence.logits), np.zeros((len(examples), len(category)), dtype=bool)
        for fold in names:
            seen, rows = folds != fold, np.flatnonzero(folds == fold)
            inner = np.hstack([miner.held_out(besides=fold) for miner in miners])
            rules = admit(inner[seen], category, evidence.subset(seen), settings)
            held = strengths[rows] >= rules.strength
            order = rules.order
            first = first_of(held[:, order], category[order].tolist(), single=evidence.single)
            taken[np.ix_(rows, order)] = first
            held_out[rows] = raised(
                evidence.logits[rows],
                category[order].tolist(),
                rules.precision[order].tolist(),
                first,
                single=evidence.single,
            )
            done(1)
    rules_, places = compose(miners, found, category, bench.keywords)
    facts = _facts(rules_, found.right[places], found.taken[places], evidence, taken, category, settings)
    return rules_, held_out, facts | {"source": "mined", **_nearest(found, category, settings)}


def _miners(examples: Examples, weights: Floats, folds: Folds, bench: Bench) -> list[Miner]:
    settings = bench.settings.cascade
    sources = [minable(examples, at_least=settings.at_least)]
    if bench.keywords:
        sources.append(given(bench.keywords, examples))
    purity = _PURITY_AUTO if settings.precision == "auto" else settings.precision
    return [
        Miner(source, examples.targets, weights, folds, purity=purity, at_least=settings.at_least)
        for source in sources
    ]


def _taken(
    examples: Examples, evidence: Evidence, folds: Folds, bench: Bench
) -> tuple[list[Rule], Floats, dict[str, Any]]:
    rules = list(bench.rules or ())
    category = [rule.category for rule in rules]
    taken = RuleSet(rules).takes(examples.inputs(), single=evidence.single)
    held_out = np.empty_like(evidence.logits)
    for fold in np.unique(folds).tolist():
        rows, seen = np.flatnonzero(folds == fold), folds != fold
        precision = _measured(*evidence.subset(seen).counts(taken[seen], np.array(category, dtype=np.intp)))
        held_out[rows] = raised(
            evidence.logits[rows], category, precision.tolist(), taken[rows], single=evidence.single
        )
    right, held = evidence.counts(taken, np.array(category, dtype=np.intp))
    precise = _measured(right, held).tolist()
    rules = [rule.model_copy(update={"precision": p}) for rule, p in zip(rules, precise, strict=True)]
    facts = _facts(
        rules, right, held, evidence, taken, np.array(category, dtype=np.intp), bench.settings.cascade
    )
    return rules, held_out, facts | {"source": "file"}


def _measured(right: Floats, taken: Floats) -> Floats:
    return np.clip(Proof(right, taken).mean(), _LEAST, _MOST)


def _once_per_group(examples: Examples) -> Floats:
    """Weights with which a group of near-duplicates counts as one text, shape [n]."""
    weights = np.asarray(examples.weights, dtype=np.float64)
    sizes = Counter(group for group, weight in zip(examples.groups, weights, strict=True) if weight > 0)
    return weights / np.array([max(sizes[group], 1) for group in examples.groups])


def _facts(
    rules: Sequence[Rule],
    right: Floats,
    taken: Floats,
    evidence: Evidence,
    takes: Bools,
    category: np.ndarray[Any, np.dtype[np.intp]],
    settings: Cascade,
) -> dict[str, Any]:
    """What the report says: every rule, and how many texts all of them take."""
    proof = Proof(right, taken)
    used = evidence.weights > 0
    hits = takes & (evidence.targets[:, category] >= 0.5)
    rows = zip(rules, taken, right, proof.mean(), proof.bound(settings.confidence), strict=True)
    return {
        "rules": [
            {
                "rule": str(rule),
                "category": rule.category,
                "taken": round(float(held), 1),
                "right": round(float(hit), 1),
                "precision": round(float(mean), 4),
                "at_least": round(float(bound), 4),
            }
            for rule, held, hit, mean, bound in rows
        ],
        "texts": int(used.sum()),
        "taken": int(takes[used].any(axis=1).sum()),
        "given": int(takes[used].sum()),
        "given_right": int(hits[used].sum()),
        "bar": settings.precision,
        "confidence": settings.confidence,
    }


def _nearest(
    found: Admitted, category: np.ndarray[Any, np.dtype[np.intp]], settings: Cascade
) -> dict[str, Any]:
    """Where no rule passes: what the best one reaches, and how many texts would prove the bar."""
    if settings.precision == "auto":
        return {}
    best = int(found.best_bound.argmax()) if len(found.best_bound) else 0
    return {
        "texts_that_prove": texts_needed(settings.precision, settings.confidence),
        "best_bound": round(float(found.best_bound[best]), 4),
        "best_category": int(category[best]),
    }
