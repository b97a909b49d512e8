"""Explains what a model makes of texts, in the log-odds that are calibrated."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rubricator.dataset.inputs import Inputs
from rubricator.label_space import DecisionRule
from rubricator.models.base import Model
from rubricator.models.cascade import CascadeModel, apply_rule_floors, precisions
from rubricator.models.columns import ColumnsModel
from rubricator.models.ensemble import EnsembleModel
from rubricator.models.explanation.linear import linear_effects
from rubricator.models.explanation.occlusion import occlusion_effects
from rubricator.models.explanation.words import Explanation, Span, heaviest, word_spans
from rubricator.models.linear import LinearModel
from rubricator.models.two_speed import TwoSpeedModel
from rubricator.stats.arrays import Bools, Floats

PASSES = 64
"""How often a text goes through a model that does not add up words."""

_Spans = Sequence[Sequence[Span]]


def explain(
    model: Model, rule: DecisionRule, inputs: Inputs, wanted: Bools, *, words: int = 10, passes: int = PASSES
) -> list[Explanation]:
    """The words of each text that weigh most for the categories that are wanted, shape [texts, categories].

    A weight is what the log-odds of a category gain by a word: exactly, where a model adds up words or rules
    take texts, and elsewhere by leaving the word out. Where categories share one softmax it is what the
    category gains more than all categories do on average.
    """
    spans = [word_spans(content) for content in inputs.contents]
    effects = word_effects(model, rule, inputs, spans, wanted, passes=passes)
    return [
        heaviest(content, places, weights, rule.space.keys, row.tolist(), words)
        for content, places, weights, row in zip(inputs.contents, spans, effects, wanted, strict=True)
    ]


def word_effects(
    model: Model,
    rule: DecisionRule,
    inputs: Inputs,
    spans: _Spans,
    wanted: Bools,
    *,
    passes: int = PASSES,
) -> list[Floats]:
    """What each word of each text adds to the log-odds of categories, [words, categories]; NaN: unknown."""
    scaled = [one * rule.slope for one in _effects(model, inputs, spans, wanted, passes)]
    if rule.space.single:
        # The softmax does not see what all categories gain.
        return [one - one.mean(axis=1, keepdims=True) for one in scaled]
    return scaled


def _effects(model: Model, inputs: Inputs, spans: _Spans, wanted: Bools, passes: int) -> list[Floats]:
    if is_exact(model):
        return _exact(model, inputs, spans)
    if isinstance(model, TwoSpeedModel):
        return _by_route(model, inputs, spans, wanted, passes)
    return occlusion_effects(model, inputs, spans, wanted, passes=passes)


def _by_route(
    model: TwoSpeedModel, inputs: Inputs, spans: _Spans, wanted: Bools, passes: int
) -> list[Floats]:
    """What weighs for whoever answers the text."""
    settled = model.settled(inputs)
    effects: dict[int, Floats] = {}
    for answering, rows, slope in (
        (model.student, np.flatnonzero(settled), model.slope[0]),
        (model.rest, np.flatnonzero(~settled), model.slope[1]),
    ):
        places = [spans[row] for row in rows.tolist()]
        some = _effects(answering, inputs.subset(rows), places, wanted[rows], passes) if len(rows) else []
        effects |= {row: one * slope for row, one in zip(rows.tolist(), some, strict=True)}
    return [effects[row] for row in range(len(spans))]


def is_exact(model: Model) -> bool:
    """Whether what each word weighs can be read off the model, which costs little."""
    match model:
        case LinearModel():
            return True
        case EnsembleModel() | ColumnsModel():
            return all(map(is_exact, model.members))
        case CascadeModel():
            return is_exact(model.rest)
        case _:
            return False


def _exact(model: Model, inputs: Inputs, spans: _Spans) -> list[Floats]:
    match model:
        case EnsembleModel():
            members = [_exact(member, inputs, spans) for member in model.members]
            scales = model.weight[:, None] * model.slope
            return [
                np.asarray(sum(one * scale for one, scale in zip(of_text, scales, strict=True)))
                for of_text in zip(*members, strict=True)
            ]
        case ColumnsModel():
            members = [_exact(member, inputs, spans) for member in model.members]
            return [np.hstack(of_text)[:, list(model.picked)] for of_text in zip(*members, strict=True)]
        case CascadeModel():
            return _with_rules(model, inputs, spans)
        case LinearModel():
            return linear_effects(model, inputs, spans)
    raise TypeError(f"{model.kind} does not add up words")


def _with_rules(model: CascadeModel, inputs: Inputs, spans: _Spans) -> list[Floats]:
    """The rest's own, and what a rule raises a logit by, shared among the words that make it hold."""
    effects = _exact(model.rest, inputs, spans)
    logits, taken = model.rest.logits(inputs), model.takes(inputs)
    granted = precisions(model.rules, taken, model.categories)
    raised = apply_rule_floors(logits, granted, model.slope, model.intercept, single=model.single) - logits
    for row, place in np.argwhere(taken).tolist():
        column = model.rules[place].category
        evidence = model.evidence(inputs.contents[row], inputs.features[row], place)
        words = [
            number
            for number, (start, end) in enumerate(spans[row])
            if any(start < last and first < end for first, last in evidence)
        ]
        if words:
            effects[row][words, column] += raised[row, column] / len(words)
    return effects
