"""The page on synthetic texts: what each arm reaches, what is kept and why, and how it came about."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from rubricator.augment.drafts import DROPPED
from rubricator.dataset.augmentation import Arm, Augmentation, CategoryEvidence
from rubricator.dataset.synthetic import SyntheticText
from rubricator.pages.formatting import excerpt
from rubricator.pages.page import render_page
from rubricator.stats.bootstrap import Estimate
from rubricator.stats.two_sample import TwoSampleTest

ARMS: Mapping[Arm, str] = {
    "none": "Nothing done",
    "weights": "Class weights",
    "cheap": "Changes by rule",
    "llm": "Language model",
    "kept": "What is kept",
}
"""What each arm is called."""
_LONGEST = 400
_SHOWN = 3  # examples of each category and making


@dataclass(frozen=True, slots=True, kw_only=True)
class Distance:
    """How well synthetic texts are told from real ones of the same categories.

    `equal` is the same after length and punctuation were made equal; either is None where texts are too few.
    """

    making: str
    plain: TwoSampleTest | None
    equal: TwoSampleTest | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Map:
    """A picture of real and synthetic texts as PNG; `alt` says what it shows."""

    png: bytes
    alt: str

    @property
    def source(self) -> str:
        """As an address that holds the picture."""
        return f"data:image/png;base64,{b64encode(self.png).decode()}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A synthetic text with the first of its parents."""

    category: str
    making: str
    stage: str
    content: str
    parent: str
    kept: bool


def examples_of(
    texts: Sequence[SyntheticText], found: Augmentation, contents: Mapping[str, str]
) -> list[Example]:
    """The first few of each category and making, in the order of the evidence; contents are by id."""
    return [
        Example(
            category=one.key,
            making=making,
            stage=text.stage,
            content=excerpt(text.content, _LONGEST),
            parent=excerpt(contents.get(text.parents[0], ""), _LONGEST),
            kept=found.keeps(text),
        )
        for one in found.categories
        for making in ("llm", "cheap")
        for text in [each for each in texts if one.key in each.categories and each.making == making][:_SHOWN]
    ]


def augment_page(
    found: Augmentation,
    *,
    name: str,
    titles: Mapping[str, str],
    stages: Sequence[Mapping[str, Any]],
    distances: Sequence[Distance],
    maps: Sequence[Map],
    examples: Sequence[Example],
) -> str:
    """The evidence as one HTML page.

    Args:
        found: What the arms do for each category.
        name: Of the run.
        titles: Category key to name for people.
        stages: What every stage of the language models made, kept and dropped, a row per category and stage.
        distances: Between real and synthetic texts, by what made them.
        maps: Pictures of both.
        examples: Some texts.
    """
    context = {
        "kind": "Synthetic texts",
        "data": {"name": name, "created": datetime.now(UTC).astimezone().strftime("%Y-%m-%d %H:%M")},
        "found": found,
        "titles": titles,
        "arms": [arm for arm in ARMS if arm in found.macro_f1],
        "arm_names": ARMS,
        "stages": list(_stage_rows(stages)),
        "distances": distances,
        "maps": maps,
        "examples": examples,
        "kept": [one for one in found.categories if one.kept],
        "trained": sum(one.made.get(one.kept, 0) for one in found.categories if one.kept),
    }
    filters: dict[str, Callable[..., str]] = {
        "between": _between,
        "ahead": _ahead,
        "told": _told,
        "apart": _apart,
    }
    return render_page("rubricator.augment.report", "report.html.jinja", context, filters)


def _stage_rows(stages: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    for row in stages:
        reasons = row["dropped"].items()
        yield {**row, "why": "; ".join(f"{DROPPED.get(why, why)} ({number:,})" for why, number in reasons)}


def _between(interval: Estimate) -> str:
    return "–" if interval.low is None or interval.high is None else f"{interval.low:.2f}–{interval.high:.2f}"


def _ahead(one: CategoryEvidence, arm: str) -> str:
    chance = one.chances.get(f"{arm} over none")
    return "" if chance is None else f"ahead in {chance:.0%}"


def _told(test: TwoSampleTest | None) -> str:
    return "–" if test is None else f"{test.auc:.2f}"


def _apart(test: TwoSampleTest | None) -> str:
    if test is None:
        return "too few texts"
    return "p < 0.005" if test.p_value < 0.005 else f"p = {test.p_value:.2g}"
