"""The model card: what a model is for, what it was measured at, and where it must not be trusted.

Sections follow Mitchell et al., "Model Cards for Model Reporting", 2019.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from jinja2 import Environment, PackageLoader, StrictUndefined

from rubricator.dataset.metrics import PartMetrics
from rubricator.label_space import DecisionRule
from rubricator.pages.formatting import series
from rubricator.stats.bootstrap import Estimate
from rubricator.taxonomy import Taxonomy

# The most important first; what the metrics hold as None is left out.
_FIGURES = ("macro_f1", "micro_f1", "weighted_f1", "accuracy", "subset_accuracy", "hamming_loss")


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
        metrics: What it is worth on the part that counts.
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
    metrics: PartMetrics
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
    metrics, taxonomy = facts.metrics, facts.taxonomy
    return environment.get_template("card.md.jinja").render(
        facts=facts,
        metrics=metrics,
        figures={
            name.replace("_", " "): getattr(metrics, name) for name in _FIGURES if getattr(metrics, name)
        },
        categories=[(taxonomy[category.key].title, category) for category in metrics.categories],
        unmeasured=series([taxonomy[key].title for key in metrics.unmeasured]),
    )


def _plain(text: str) -> str:
    """Text on one line that Markdown and HTML show as it is."""
    line = " ".join(text.split())
    escaped = re.sub(r"([\\`*_\[\]|~#])", r"\\\1", line)
    return escaped.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _share(value: float | None) -> str:
    return "—" if value is None else f"{value:.3f}"


def _figure(estimate: Estimate) -> str:
    if estimate.low is None or estimate.high is None:
        return _share(estimate.value)
    return f"{_share(estimate.value)} ({estimate.low:.3f}–{estimate.high:.3f})"
