"""Where a model stands against what the business wants: what `evaluate` measures, and pages read."""

from __future__ import annotations

from dataclasses import dataclass

from rubricator.stats.bootstrap import Estimate

OFFLINE_NAMES = {
    "precision": "precision",
    "recall": "recall",
    "f1": "macro-F1",
    "accuracy": "accuracy",
    "override_rate": "override rate",
}
"""What offline figures are called for people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GoalStanding:
    """One goal's offline figure.

    Attributes:
        offline: Which figure: `precision`, `recall`, `f1`, `accuracy` or `override_rate`.
        categories: Keys it is of; empty for all.
        figure: The figure with its interval.
        target: What it should reach, where that was written.
        texts: How many texts it stands on; `unchecked` of them have labels that no person checked.
    """

    name: str
    about: str
    offline: str
    categories: tuple[str, ...]
    figure: Estimate
    target: float | None
    texts: int
    unchecked: int

    @property
    def offline_name(self) -> str:
        """What the figure is called for people."""
        return OFFLINE_NAMES[self.offline]

    @property
    def state(self) -> str:
        """`reached` or `missed` where the whole interval says so, `unsure` where it does not; else ``."""
        low, high = self.figure.low, self.figure.high
        if self.target is None or low is None or high is None:
            return ""
        ahead, behind = low >= self.target, high < self.target
        if self.offline == "override_rate":  # the only one that should be low
            ahead, behind = high <= self.target, low > self.target
        return "reached" if ahead else "missed" if behind else "unsure"


@dataclass(frozen=True, slots=True, kw_only=True)
class CategoryCost:
    """Mistakes about one category, how many and what they cost on 1,000 texts."""

    key: str
    wrong: int
    missed: int
    per_thousand: float


@dataclass(frozen=True, slots=True, kw_only=True)
class MistakeCosts:
    """What the model's mistakes cost on 1,000 texts, in the unit of `decision.cost`.

    Attributes:
        per_thousand: All of them, with the interval.
        without_model: What the cheapest fixed answer would cost: each category to all texts or to none, or
            single-label, one category to all.
    """

    currency: str
    per_thousand: Estimate
    without_model: float
    texts: int
    categories: tuple[CategoryCost, ...]
