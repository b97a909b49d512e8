"""Rules: a category is given where any of some conditions holds, and no excluded word occurs."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Self

import numpy as np
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from rubricator.records import Feature
from rubricator.stats.arrays import Bools
from rubricator.taxonomy import sound_word
from rubricator.text_rules.matcher import WordMatcher, fold
from rubricator.text_rules.patterns import Patience, compiled, sound_pattern
from rubricator.text_rules.values import as_level, as_seconds, is_missing

Features = Mapping[str, Feature]


def number_of(value: Feature) -> float | None:
    """The value as a number, a duration in seconds; None where it is neither."""
    return None if isinstance(value, bool) else as_seconds(value)


def _as_demand(value: Any) -> Any:
    return {"equals": value} if isinstance(value, str | float | int | bool) else value


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class ColumnCondition(_Part):
    """What a feature column must hold; a value that is missing fulfils nothing but `missing`."""

    equals: str | float | bool | None = None
    at_least: float | None = None
    below: float | None = None
    missing: bool | None = None

    @model_validator(mode="after")
    def _asks_something(self) -> Self:
        if all(value is None for value in (self.equals, self.at_least, self.below, self.missing)):
            raise ValueError("say `equals`, `at_least`, `below` or `missing`")
        return self

    def __str__(self) -> str:
        if self.missing is not None:
            return "is missing" if self.missing else "is there"
        parts = [f"is {self.equals}"] if self.equals is not None else []
        parts += [f"≥ {self.at_least:g}"] if self.at_least is not None else []
        parts += [f"< {self.below:g}"] if self.below is not None else []
        return " and ".join(parts)

    def holds(self, value: Feature) -> bool:
        """True if a value fulfils everything that is asked."""
        absent = is_missing(value)
        if absent or self.missing:
            return absent and self.missing is True
        if self.equals is not None and as_level(value) != as_level(self.equals):
            return False
        if self.at_least is None and self.below is None:
            return True
        number = number_of(value)
        low = -math.inf if self.at_least is None else self.at_least
        return number is not None and number >= low and (self.below is None or number < self.below)


Word = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(sound_word)]
Words = Annotated[tuple[Word, ...], Field(strict=False)]


class Condition(_Part):
    """All of it must hold: `words` occur, `without` do not, `pattern` is found, columns fit `where`."""

    words: Words = ()
    without: Words = ()
    pattern: Annotated[str, AfterValidator(sound_pattern)] | None = None
    where: Mapping[str, Annotated[ColumnCondition, BeforeValidator(_as_demand)]] = {}

    @model_validator(mode="after")
    def _asks_something(self) -> Self:
        if not (self.words or self.pattern or self.where):
            raise ValueError("a condition is empty: say `words`, `pattern` or `where`")
        return self

    def __str__(self) -> str:
        parts = [f"/{self.pattern}/"] if self.pattern else []
        parts += [*self.words, *(f"{column} {demand}" for column, demand in self.where.items())]
        return " and ".join([*parts, *(f"not {word}" for word in self.without)])


def _as_condition(value: Any) -> Any:
    return {"words": (value,)} if isinstance(value, str) else value


class Rule(_Part):
    """A category for every text of which a condition holds.

    One of the conditions in `any` is enough, and a word of `unless` keeps the rule silent. `precision` is the
    share of the texts it takes that have the category, as measured.
    """

    category: int = Field(ge=0)
    any: Annotated[
        tuple[Annotated[Condition, BeforeValidator(_as_condition)], ...], Field(min_length=1, strict=False)
    ]
    unless: Words = ()
    precision: float = Field(default=0.5, gt=0, lt=1)

    def __str__(self) -> str:
        conditions = "any of " * (len(self.any) > 1) + ", ".join(map(str, self.any))
        return f"{conditions}, unless {', '.join(self.unless)}" if self.unless else conditions

    @property
    def columns(self) -> tuple[str, ...]:
        """The feature columns it looks at."""
        return tuple(dict.fromkeys(column for condition in self.any for column in condition.where))


class Matcher:
    """Tells which conditions hold of a text, all of them in one pass over its words."""

    def __init__(self, conditions: Sequence[Condition], unless: Sequence[Sequence[str]] = ()) -> None:
        silencing = unless or [()] * len(conditions)
        words = {word for c in conditions for word in (*c.words, *c.without)}
        words |= {word for some in silencing for word in some}
        number = {word: place for place, word in enumerate(sorted(words))}
        self._vocabulary = WordMatcher(sorted(words))
        self._conditions = conditions
        self._needed = [frozenset(number[w] for w in c.words) for c in conditions]
        self._barred = [
            frozenset(number[w] for w in (*c.without, *some))
            for c, some in zip(conditions, silencing, strict=True)
        ]
        self._patterns = [None if c.pattern is None else compiled(fold(c.pattern)) for c in conditions]
        self._of_word: dict[int, list[int]] = defaultdict(list)
        self._always = [place for place, c in enumerate(conditions) if not c.words]
        for place, condition in enumerate(conditions):
            if condition.words:
                self._of_word[number[condition.words[0]]].append(place)

    def holds(self, content: str, features: Features) -> list[int]:
        """Places of the conditions that hold of one text, ascending."""
        words = self._vocabulary.words_in(content)
        folded, patience = fold(content), Patience()
        likely = [place for word in words for place in self._of_word.get(word, ())]
        return sorted(
            place
            for place in (*self._always, *likely)
            if self._fits(place, words, features) and self._speaks(place, folded, patience)
        )

    def spans(self, content: str, place: int) -> list[tuple[int, int]]:
        """Where the words and the pattern of a condition that holds stand in a text."""
        needed, pattern = self._needed[place], self._patterns[place]
        spans = [(start, end) for word, start, end in self._vocabulary.occurrences(content) if word in needed]
        found = None if pattern is None else Patience().match(pattern, fold(content))
        return spans if found is None else [*spans, found.span()]

    def _fits(self, place: int, words: set[int], features: Features) -> bool:
        if not self._needed[place] <= words or self._barred[place] & words:
            return False
        where = self._conditions[place].where
        return all(demand.holds(features.get(column)) for column, demand in where.items())

    def _speaks(self, place: int, folded: str, patience: Patience) -> bool:
        pattern = self._patterns[place]
        return pattern is None or patience.holds(pattern, folded)


class RuleSet:
    """Rules in order, ready to be applied."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self.rules = tuple(rules)
        pairs = [(place, condition) for place, rule in enumerate(rules) for condition in rule.any]
        self._of_condition = [place for place, _ in pairs]
        self._matcher = Matcher([c for _, c in pairs], [rules[place].unless for place, _ in pairs])

    def holds(self, contents: Sequence[str], features: Sequence[Features]) -> Bools:
        """Which rules hold of which texts, shape [texts, rules]."""
        holding = np.zeros((len(contents), len(self.rules)), dtype=bool)
        for row, (content, columns) in enumerate(zip(contents, features, strict=True)):
            holding[row, [self._of_condition[c] for c in self._matcher.holds(content, columns)]] = True
        return holding

    def evidence(self, content: str, features: Features, rule: int) -> list[tuple[int, int]]:
        """Where in a text stands what makes a rule hold; nowhere where it does not, or columns alone do."""
        holding = self._matcher.holds(content, features)
        conditions = [place for place in holding if self._of_condition[place] == rule]
        return [span for place in conditions for span in self._matcher.spans(content, place)]

    def takes(self, contents: Sequence[str], features: Sequence[Features], *, single: bool) -> Bools:
        """Which rule takes which text, shape [texts, rules].

        Single-label: the first that holds. Multi-label: the first of each category.
        """
        return first_of(self.holds(contents, features), [rule.category for rule in self.rules], single=single)


def first_of(holding: Bools, categories: Sequence[int], *, single: bool) -> Bools:
    """Of the rules that hold, shape [texts, rules], the first one per text or per text and category."""
    taken = np.zeros_like(holding)
    done: dict[int, Bools] = defaultdict(lambda: np.zeros(len(holding), dtype=bool))
    for place, category in enumerate(categories):
        before = done[0 if single else category]
        taken[:, place] = holding[:, place] & ~before
        before |= holding[:, place]
    return taken
