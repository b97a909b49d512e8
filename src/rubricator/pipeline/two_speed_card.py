"""The curve of a two-speed artifact: as JSON values, in sentences, and as a section of the model card."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from rubricator.config import Metric
from rubricator.models.training_result import WORDS
from rubricator.pages.formatting import figure, percent
from rubricator.train.two_speed.bars import SpeedPoint
from rubricator.train.two_speed.distillation import Distillation, Material


def stands_on(material: Material) -> tuple[str, ...]:
    """What the figures stand on, in sentences."""
    cross_fitted = np.array_equal(material.judging, material.learning)
    labelled = len(material.labelled)
    who = "the same, each by a student that did not learn from its fold" if cross_fitted else "of validation"
    people = (
        f"{labelled:,} of them were labelled by people, whose labels may only forbid a bar."
        if labelled
        else "None of them was labelled by a person who may measure: nothing checks the encoder's model."
    )
    taught = (
        f"{len(material.learning):,} texts of the training part taught the student what the encoder's model "
        "thinks of them. No label was used, and no text of validation or test."
    )
    judged = (
        f"The bar was set on {len(material.judging):,} texts ({who}), where the calibrated probabilities of "
        "the encoder's model stand for the truth; the bound is one of 95 %, over groups of near-duplicates."
    )
    return taught, judged, people


def curve_values(done: Distillation, metric: Metric, max_drop: float, about: Sequence[str]) -> dict[str, Any]:
    """The curve as JSON values."""
    return {
        "student": done.model.student.kind,
        "metric": metric,
        "max_drop": max_drop,
        "about": list(about),
        "texts_per_second": {"student": done.rates.student, "encoder": done.rates.rest},
        "chosen": asdict(done.chosen),
        "points": [asdict(point) for point in done.points],
    }


def shown(done: Distillation) -> list[SpeedPoint]:
    """The points that a table shows: those nearest to every tenth of the texts, and the one in force."""
    tenths = [min(done.points, key=lambda point: abs(point.share - step / 10)) for step in range(1, 11)]
    return [point for point in done.points if point in (*tenths, done.chosen)]


def card_section(done: Distillation, metric: Metric, about: Sequence[str]) -> str:
    """The curve as a section in Markdown."""
    summary = (
        f"A student ({done.model.student.kind}) answers a text if it surely decides as the model described "
        f"above, which answers the others. At the bar in force the student answers "
        f"{percent(done.chosen.share)} of texts, and both together {done.chosen.texts_per_second:,.0f} "
        f"texts/s where the encoder alone answers {done.rates.rest:,.0f}."
    )
    lines = [
        "## Two speeds",
        "",
        summary,
        "",
        *(f"- {sentence}" for sentence in about),
        "",
        f"| by the student | texts/s | decided otherwise | fall of {WORDS[metric]} | at most |",
        "| ---: | ---: | ---: | ---: | ---: |",
        *(_row(point, in_force=point is done.chosen) for point in shown(done)),
        "",
    ]
    return "\n".join(lines)


def _row(point: SpeedPoint, *, in_force: bool) -> str:
    cells = (
        percent(point.share) + (" (in force)" if in_force else ""),
        f"{point.texts_per_second:,.0f}",
        f"{point.flips:.1%}",
        figure(point.fall.value, 4),
        figure(point.fall.high, 4),
    )
    return f"| {' | '.join(cells)} |"
