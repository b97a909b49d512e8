"""The model card: what a model is for, what it was measured at, and where it must not be trusted.

Sections follow Mitchell et al., "Model Cards for Model Reporting", 2019.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from jinja2 import Environment, PackageLoader, StrictUndefined

from rubricator.label_space import DecisionRule
from rubricator.taxonomy import Taxonomy


@dataclass(frozen=True, slots=True)
class Figure:
    """A measured figure with its interval; None where it is undefined."""

    value: float | None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CategoryFigures:
    """How one category fared in the evaluation.

    Attributes:
        support: Texts that truly have the category.
        f1: F1 at the threshold.
        precision: Share of its assignments that are right.
        recall: Share of its texts that were found.
    """

    support: int
    f1: Figure
    precision: float | None
    recall: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CardFacts:
    """What the card tells.

    Attributes:
        name: Name of the run.
        created: When the model was made.
        kind: What the model is called among those that were tried.
        about: What it is, as a clause.
        encoder: The encoder in a few words; empty where there is none.
        taxonomy: The categories.
        rule: Calibration and thresholds.
        training: Plain sentences about the texts and labels trained on, and the split.
        measured: Sentence that says what the figures stand on and how predictions were made.
        texts: How many texts that were.
        confidence: Share of bootstrap samples inside an interval.
        headline: Figures of the whole by their names, the most important first.
        categories: Figures of each category by its key; those not measured are absent.
        limits: Sentences about what this model in particular cannot do.
    """

    name: str
    created: datetime
    kind: str
    about: str
    encoder: str
    taxonomy: Taxonomy
    rule: DecisionRule
    training: tuple[str, ...]
    measured: str
    texts: int
    confidence: float
    headline: Mapping[str, Figure]
    categories: Mapping[str, CategoryFigures] = field(default_factory=dict)
    limits: tuple[str, ...] = ()


def render_card(facts: CardFacts) -> str:
    """The card in Markdown."""
    # Markdown is no HTML: cells are escaped by the filter `plain`, where Markdown needs it.
    environment = Environment(  # noqa: S701
        loader=PackageLoader("rubricator.artifact", package_path=""),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"plain": _plain, "figure": _figure, "share": _share}
    return environment.get_template("card.md.jinja").render(facts=facts)


def _plain(text: str) -> str:
    """Text on one line that Markdown and HTML show as it is."""
    line = " ".join(text.split())
    escaped = re.sub(r"([\\`*_\[\]|~#])", r"\\\1", line)
    return escaped.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _share(value: float | None) -> str:
    return "—" if value is None else f"{value:.3f}"


def _figure(figure: Figure) -> str:
    if figure.low is None or figure.high is None:
        return _share(figure.value)
    return f"{_share(figure.value)} ({figure.low:.3f}–{figure.high:.3f})"
