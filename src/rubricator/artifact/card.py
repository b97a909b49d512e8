"""The model card: what a model is for, what it was measured at, and where it must not be trusted.

Sections follow Mitchell et al., "Model Cards for Model Reporting", 2019.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING

from rubricator.dataset.metrics import CategoryMetrics
from rubricator.dataset.precision_table import PrecisionTable
from rubricator.label_space import DecisionRule
from rubricator.pages.formatting import series
from rubricator.stats.bootstrap import Estimate
from rubricator.taxonomy import Taxonomy

if TYPE_CHECKING:
    from jinja2 import Template


@dataclass(frozen=True, slots=True, kw_only=True)
class CardFacts:
    """What the card tells.

    Attributes:
        kind: What the model is called among those that were tried.
        about: What it is, as a clause.
        encoder: The encoder in a few words; empty where there is none.
        training: Plain sentences about the texts and labels trained on, and the split.
        measured: Sentence that says what the figures stand on and how predictions were made.
        texts: How many texts that were.
        confidence: Share of bootstrap samples inside an interval.
        headline: Figures of the whole by their names, the most important first.
        limits: Sentences about what this model in particular cannot do.
        taxonomy_version: How predictions name the list of categories; by default its hash.
        precision: How the encoders may be computed and what each way costs; None where nobody measured.
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
    headline: Mapping[str, Estimate]
    categories: Sequence[CategoryMetrics] = ()
    limits: tuple[str, ...] = ()
    taxonomy_version: str = ""
    precision: PrecisionTable | None = None


def render_card(facts: CardFacts) -> str:
    """The card in Markdown."""
    titles = {category.key: category.title for category in facts.taxonomy.categories}
    unmeasured = series([titles[category.key] for category in facts.categories if not category.support])
    return _template().render(facts=facts, titles=titles, unmeasured=unmeasured)


@cache
def _template() -> Template:
    from jinja2 import Environment, PackageLoader, StrictUndefined  # reading an artifact needs none of it

    # Markdown is no HTML: cells are escaped by the filter `plain`, where Markdown needs it.
    environment = Environment(  # noqa: S701
        loader=PackageLoader("rubricator.artifact", package_path=""),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"plain": _plain, "figure": _figure, "share": _share, "mebibytes": _mebibytes}
    return environment.get_template("card.md.jinja")


def _plain(text: str) -> str:
    """Text on one line that Markdown and HTML show as it is."""
    line = " ".join(text.split())
    escaped = re.sub(r"([\\`*_\[\]|~#])", r"\\\1", line)
    return escaped.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _share(value: float | None) -> str:
    return "—" if value is None else f"{value:.3f}"


def _mebibytes(size: int | None) -> str:
    return "—" if size is None else f"{size / 2**20:,.0f} MiB"


def _figure(estimate: Estimate) -> str:
    if estimate.low is None or estimate.high is None:
        return _share(estimate.value)
    return f"{_share(estimate.value)} ({estimate.low:.3f}–{estimate.high:.3f})"
