"""Rules first, a model for what no rule takes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Literal, Self

import numpy as np
from scipy.special import logit, logsumexp

from rubricator.dataset.inputs import Features, Inputs
from rubricator.errors import ArtifactError
from rubricator.models.base import Model
from rubricator.models.serialization import ABOUT, ARRAYS, FIX, About, Files, Layout, part, within
from rubricator.stats.arrays import Bools, Floats
from rubricator.text_rules.rules import Rule, RuleSet

REST = "rest"


class _About(About):
    kind: Literal["cascade"]
    single: bool
    rules: tuple[Rule, ...]


_LAYOUT = Layout(_About, {"slope": ("categories",), "intercept": ("categories",)})


@dataclass(frozen=True, slots=True)
class CascadeModel(Model):
    """A decision list (Rivest, "Learning decision lists", 1987) that ends in a model.

    Single-label the first rule that holds takes the text, multi-label the first of each category takes it
    for its category. There the logit of the category is raised so far that the category is at least as
    probable as the rule is precise. A text that the model is surer of keeps its logit, and so does every
    text that no rule takes.
    """

    kind: ClassVar[str] = "cascade"
    rules: tuple[Rule, ...]
    rest: Model
    slope: Floats  # with the intercept it makes log-odds of the model's logits, [categories]
    intercept: Floats  # [categories]
    single: bool
    _set: RuleSet = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_set", RuleSet(self.rules))

    @property
    def categories(self) -> int:
        """How many categories it knows."""
        return len(self.intercept)

    @property
    def encoders(self) -> Mapping[str, int]:
        """The encoders of the model."""
        return self.rest.encoders

    @property
    def columns(self) -> tuple[str, ...]:
        """The feature columns of the rules and of the model."""
        of_rules = [column for rule in self.rules for column in rule.columns]
        return tuple(dict.fromkeys([*of_rules, *self.rest.columns]))

    def logits(self, inputs: Inputs) -> Floats:
        """Logits on the scale of the model, shape [texts, categories]."""
        logits = self.rest.logits(inputs)
        granted = precisions(self.rules, self.takes(inputs), self.categories)
        return apply_rule_floors(logits, granted, self.slope, self.intercept, single=self.single)

    def takes(self, inputs: Inputs) -> Bools:
        """Which rule takes which text, shape [texts, rules]."""
        return self._set.takes(inputs.contents, inputs.features, single=self.single)

    def evidence(self, content: str, features: Features, rule: int) -> list[tuple[int, int]]:
        """Where in a text stands what makes one of the rules hold; nowhere, if columns do."""
        return self._set.evidence(content, features, rule)

    def files(self) -> Files:
        """`model.json` with the rules, the scales, and the model in a folder."""
        about = _About(kind="cascade", single=self.single, rules=self.rules)
        own = _LAYOUT.write(about, {"slope": self.slope, "intercept": self.intercept})
        return own | within(REST, self.rest.files())

    @classmethod
    def of_files(cls, files: Files, read_member: Callable[[Files], Model]) -> Self:
        """The inverse of `files`; `read_member` reads the model for the rest, which may be of any kind."""
        about = _LAYOUT.read_about(files, folders=(REST,))
        rest = read_member(part(files, REST))
        count = rest.categories
        arrays = _LAYOUT.read_arrays(files, categories=count)
        if not (arrays["slope"] > 0).all():
            raise ArtifactError(f"{ARRAYS}: slope holds numbers that are not positive.", fix=FIX)
        unknown = sorted({rule.category for rule in about.rules if rule.category >= count})
        if unknown:
            raise ArtifactError(
                f"{ABOUT}: rules give category {unknown[0]}, but the model knows {count} categories.", fix=FIX
            )
        return cls(about.rules, rest, arrays["slope"], arrays["intercept"], about.single)


def precisions(rules: Sequence[Rule], taken: Bools, categories: int) -> Floats:
    """Precision of the rule that gives a text a category, shape [texts, categories]; 0 where none does.

    `taken` says which rule, in order, takes which text, shape [texts, rules].
    """
    granted = np.zeros((len(taken), categories))
    for place, rule in enumerate(rules):
        granted[taken[:, place], rule.category] = rule.precision
    return granted


def apply_rule_floors(
    logits: Floats, granted: Floats, slope: Floats, intercept: Floats, *, single: bool
) -> Floats:
    """Logits with the categories that rules give raised to the precision of the rules.

    `granted` is what `precisions` gives; slope and intercept [categories] make log-odds of the logits. If
    `single`, the categories share one softmax and a rule gives a text one category.
    """
    result = np.array(logits, dtype=np.float64)
    rows, columns = np.nonzero(granted)
    scaled = result[rows] * slope + intercept
    own = scaled[np.arange(len(rows)), columns]
    floor = logit(granted[rows, columns])
    if single and len(rows):
        scaled[np.arange(len(rows)), columns] = -np.inf
        floor += logsumexp(scaled, axis=1)
    below = own < floor
    rows, columns = rows[below], columns[below]
    result[rows, columns] = (floor[below] - intercept[columns]) / slope[columns]
    return result


@dataclass(frozen=True, slots=True)
class RuleFigures:
    """How one rule does."""

    rule: str  # as a person reads it
    category: int
    taken: int  # texts that it takes
    right: int  # those of them that have the category

    @property
    def precision(self) -> float | None:
        """Share of the texts taken that is right; None of nothing."""
        return self.right / self.taken if self.taken else None


def rule_figures(model: CascadeModel, inputs: Inputs, truth: Bools) -> list[RuleFigures]:
    """How many texts, not trained on, each rule takes and how right it is, in order.

    `truth` says which categories the texts have, shape [texts, categories].
    """
    taken = model.takes(inputs)
    return [
        RuleFigures(
            str(rule),
            rule.category,
            taken=int(taken[:, place].sum()),
            right=int((taken[:, place] & truth[:, rule.category]).sum()),
        )
        for place, rule in enumerate(model.rules)
    ]
