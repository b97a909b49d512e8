"""Conditions that rules may be made of, and the texts they hold of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_array, hstack

from rubricator.dataset.examples import Examples
from rubricator.dataset.inputs import Features
from rubricator.stats.arrays import Bools, Floats, Indices
from rubricator.text_rules.rules import ColumnCondition, Condition, Matcher, Rule, number_of
from rubricator.text_rules.values import as_level
from rubricator.train.kinds.cascade.words import occurrences

_PATTERNS = (
    r"\d",
    r"(?<!\d)\d{4}(?!\d)",
    r"\d\s*%",
    r"\d:\d",
    r"[$€£₽]",
    r"[?]",
    r"!",
    r"#\w",
    r"@\w",
    r"[a-z]{3}",
)
_MOST_LEVELS = 20
_CUTS = 5  # a number is cut into so many ranges
_MOST_JOINED = 20_000
_COMMONEST = 3_000  # words that are joined with other conditions


@dataclass(frozen=True, slots=True)
class Candidates:
    """Conditions that may become part of rules, with the texts they hold of."""

    conditions: Sequence[Condition]
    holds: csc_array  # 0 or 1, [texts, conditions]
    category: NDArray[np.int64] | None = None  # what each is proposed for; None: the data are to tell

    def subset(self, places: Indices) -> Candidates:
        """Those at these places, without their categories."""
        conditions = [self.conditions[place] for place in places.tolist()]
        return Candidates(conditions, csc_array(self.holds[:, places]))


def minable(examples: Examples, *, at_least: int) -> Candidates:
    """Words, patterns, feature values, and words with either, that hold in enough texts with weight."""
    used = examples.weights > 0
    names, holds = occurrences(examples.contents, used, at_least=at_least)
    words = Candidates([Condition(words=(name,)) for name in names], holds)
    patterns = [Condition(pattern=pattern) for pattern in _PATTERNS]
    others = _matched([*patterns, *_demands(examples.features, used, at_least)], examples)
    others = others.subset(np.flatnonzero(_counts(others.holds, used) >= at_least))
    parts = words, others, _joined(words, others, used, at_least)
    conditions = [condition for part in parts for condition in part.conditions]
    return Candidates(conditions, csc_array(hstack([part.holds for part in parts], format="csc")))


def proposed(rules: Sequence[Rule], examples: Examples) -> Candidates:
    """The conditions of rules that people proposed, silenced by what their rules are silenced by."""
    unless = [rule.unless for rule in rules for _ in rule.any]
    category = np.array([rule.category for rule in rules for _ in rule.any], dtype=np.int64)
    return replace(
        _matched([part for rule in rules for part in rule.any], examples, unless), category=category
    )


def _matched(
    conditions: Sequence[Condition], examples: Examples, unless: Sequence[Sequence[str]] = ()
) -> Candidates:
    matcher, features = Matcher(conditions, unless), examples.features or [{}] * len(examples)
    matches = [matcher.holds(*row) for row in zip(examples.contents, features, strict=True)]
    rows = np.repeat(np.arange(len(matches)), [len(places) for places in matches])
    columns = np.array([place for places in matches for place in places], dtype=np.int64)
    shape = len(examples), len(conditions)
    return Candidates(conditions, csc_array((np.ones(len(rows)), (rows, columns)), shape=shape))


def _demands(features: Sequence[Features], used: Bools, at_least: int) -> list[Condition]:
    """For every column its levels, or ranges of its numbers, and that it is missing."""
    names = sorted({name for columns in features for name in columns})
    conditions = []
    for name in names:
        values = [columns.get(name) for columns, use in zip(features, used, strict=True) if use]
        there = [value for value in values if not ColumnCondition(missing=True).holds(value)]
        numbers = [number for number in map(number_of, there) if number is not None]
        demands = _ranges(numbers) if len(numbers) > 0.9 * len(there) else []
        levels = Counter(map(as_level, there)).most_common(_MOST_LEVELS)
        if not demands:
            demands = [ColumnCondition(equals=level) for level, count in levels if count >= at_least]
        if at_least <= len(values) - len(there):
            demands.append(ColumnCondition(missing=True))
        conditions += [Condition(where={name: demand}) for demand in demands]
    return conditions


def _ranges(numbers: Sequence[float]) -> list[ColumnCondition]:
    if len(set(numbers)) < 3:
        return []
    inner = np.quantile(numbers, np.arange(1, _CUTS) / _CUTS, method="nearest").tolist()
    cuts = sorted(set(inner) - {min(numbers)})
    whole = [ColumnCondition(below=cut) for cut in cuts] + [ColumnCondition(at_least=cut) for cut in cuts]
    return whole + [ColumnCondition(at_least=low, below=high) for low, high in pairwise(cuts)]


def _joined(words: Candidates, others: Candidates, used: Bools, at_least: int) -> Candidates:
    """A word and another condition, where both together hold less often than the word alone."""
    joined: list[Condition] = []
    blocks = [csc_array((len(used), 0))]
    words = words.subset(np.sort(np.argsort(-_counts(words.holds, used), kind="stable")[:_COMMONEST]))
    alone, most = _counts(words.holds, used), _MOST_JOINED // max(len(others.conditions), 1)
    for place, condition in enumerate(others.conditions):
        both = csc_array(words.holds * others.holds[:, [place]].toarray())
        counts = _counts(both, used)
        chosen = np.flatnonzero((counts >= at_least) & (counts < alone))
        chosen = chosen[np.argsort(-counts[chosen], kind="stable")[:most]]
        pairs = [words.conditions[word].words for word in chosen.tolist()]
        joined += [condition.model_copy(update={"words": pair}) for pair in pairs]
        blocks.append(csc_array(both[:, chosen]))
    return Candidates(joined, csc_array(hstack(blocks, format="csc")))


def _counts(holds: csc_array, used: Bools) -> Floats:
    return np.asarray(holds[used].sum(axis=0), dtype=np.float64).ravel()
