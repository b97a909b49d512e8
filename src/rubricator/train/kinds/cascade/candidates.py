"""Conditions that rules may be made of, and the texts they hold of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_array, hstack

from rubricator.dataset.examples import Examples
from rubricator.dataset.inputs import Features
from rubricator.stats.arrays import Bools
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
    """Conditions with the texts they hold of.

    Attributes:
        conditions: What may become part of a rule.
        holds: 0 or 1, shape [texts, conditions].
        category: What each condition is proposed for, shape [conditions]; None where data are to tell.
    """

    conditions: Sequence[Condition]
    holds: csc_array
    category: NDArray[np.int64] | None = None


def minable(examples: Examples, *, at_least: int) -> Candidates:
    """Words, patterns, feature values, and words together with either.

    Args:
        examples: Only those with weight are asked how common a condition is.
        at_least: In how many texts a condition must hold.
    """
    used = examples.weights > 0
    words, said = occurrences(examples.contents, used, at_least=at_least)
    spoken = [Condition(words=(word,)) for word in words]
    patterns = [Condition(pattern=pattern) for pattern in _PATTERNS]
    features = examples.features or [{}] * len(examples)
    demands = _demands(features, used, at_least)
    beside = _matched([*patterns, *demands], examples.contents, features)
    kept = np.flatnonzero(_counts(beside, used) >= at_least)
    beside, conditions = csc_array(beside[:, kept]), [[*patterns, *demands][place] for place in kept.tolist()]
    joined, together = _joined(spoken, said, conditions, beside, used, at_least)
    everything = [*spoken, *conditions, *joined]
    holds = csc_array(hstack([said, beside, together], format="csc"))
    return Candidates(everything, holds)


def given(rules: Sequence[Rule], examples: Examples) -> Candidates:
    """The conditions of rules that people proposed, silenced by what their rules are silenced by."""
    pairs = [(rule, condition) for rule in rules for condition in rule.any]
    holds = _matched(
        [condition for _, condition in pairs],
        examples.contents,
        examples.features or [{}] * len(examples),
        [rule.unless for rule, _ in pairs],
    )
    category = np.array([rule.category for rule, _ in pairs], dtype=np.int64)
    return Candidates([condition for _, condition in pairs], holds, category)


def _matched(
    conditions: Sequence[Condition],
    contents: Sequence[str],
    features: Sequence[Features],
    unless: Sequence[Sequence[str]] = (),
) -> csc_array:
    matcher = Matcher(conditions, unless)
    found = [matcher.holds(content, columns) for content, columns in zip(contents, features, strict=True)]
    rows = np.repeat(np.arange(len(found)), [len(places) for places in found])
    columns = np.array([place for places in found for place in places], dtype=np.int64)
    return csc_array((np.ones(len(rows)), (rows, columns)), shape=(len(contents), len(conditions)))


def _demands(features: Sequence[Features], used: Bools, at_least: int) -> list[Condition]:
    """For every column its levels, or ranges of its numbers, and that it is missing."""
    names = sorted({name for columns in features for name in columns})
    found = []
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
        found += [Condition(where={name: demand}) for demand in demands]
    return found


def _ranges(numbers: Sequence[float]) -> list[ColumnCondition]:
    if len(set(numbers)) < 3:
        return []
    inner = np.quantile(numbers, np.arange(1, _CUTS) / _CUTS, method="nearest").tolist()
    cuts = sorted(set(inner) - {min(numbers)})
    whole = [ColumnCondition(below=cut) for cut in cuts] + [ColumnCondition(at_least=cut) for cut in cuts]
    return whole + [ColumnCondition(at_least=low, below=high) for low, high in pairwise(cuts)]


def _joined(
    words: Sequence[Condition],
    said: csc_array,
    conditions: Sequence[Condition],
    holds: csc_array,
    used: Bools,
    at_least: int,
) -> tuple[list[Condition], csc_array]:
    """A word and another condition, where both together hold less often than the word alone."""
    joined: list[Condition] = []
    blocks = [csc_array((said.shape[0], 0))]
    commonest = np.sort(np.argsort(-_counts(said, used), kind="stable")[:_COMMONEST])
    words, said = [words[place] for place in commonest.tolist()], csc_array(said[:, commonest])
    alone = _counts(said, used)
    for place, condition in enumerate(conditions):
        both = csc_array(said * holds[:, [place]].toarray())
        counts = _counts(both, used)
        kept = np.flatnonzero((counts >= at_least) & (counts < alone))
        kept = kept[np.argsort(-counts[kept], kind="stable")[: _MOST_JOINED // max(len(conditions), 1)]]
        joined += [condition.model_copy(update={"words": words[word].words}) for word in kept.tolist()]
        blocks.append(csc_array(both[:, kept]))
    return joined, csc_array(hstack(blocks, format="csc"))


def _counts(holds: csc_array, used: Bools) -> NDArray[np.float64]:
    return np.asarray(holds[used].sum(axis=0), dtype=np.float64).ravel()
