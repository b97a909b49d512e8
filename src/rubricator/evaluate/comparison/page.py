"""The comparison as one HTML page for people and as one JSON file for programs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rubricator.dataset.files import save_json
from rubricator.evaluate.comparison.compare import (
    CONFIDENCE,
    DRAWS,
    Against,
    Comparison,
    Kind,
    compared_figures,
)
from rubricator.evaluate.comparison.verdict import chance, figure_name, signed, verdict
from rubricator.pages.formatting import NONE, series
from rubricator.pages.page import render_page, write_page
from rubricator.stats.bootstrap import Estimate
from rubricator.stats.significance import Difference

# Texts that the page lists of each comparison: more than people read, few enough for a browser.
_LISTED = 500


def write_comparison(path: Path, comparison: Comparison) -> None:
    """Write the page: no script, no request to anywhere; the lists are filtered by style alone.

    Raises:
        DataError: The file cannot be written.
    """
    context = {
        "kind": "Comparison of runs",
        "data": {
            "name": f"{series([new.side.name for new in comparison.new])} against {comparison.old.name}",
            "created": datetime.now(UTC).astimezone().strftime("%Y-%m-%d %H:%M"),
        },
        "compared": comparison,
        "verdicts": [verdict(comparison, against) for against in comparison.new],
        "names": {name: figure_name(name, comparison.space) for name in comparison.old.figures},
        "headline": compared_figures(comparison.space)[0],
        "kinds": list(Kind),
        "words": {"fixed": "fixed", "broken": "broken", "otherwise": "wrong otherwise"},
        "counts": [Counter(change.kind for change in against.changes) for against in comparison.new],
        "concerned": [_concerned(against) for against in comparison.new],
        "listed": _LISTED,
        "draws": DRAWS,
        "confidence": CONFIDENCE,
    }
    filters: dict[str, Callable[..., str]] = {
        "change": change,
        "change_interval": change_interval,
        "signed": signed_figure,
        "signed_interval": signed_interval,
        "chance": chance,
    }
    write_page(path, render_page("rubricator.evaluate.comparison", "compare.html.jinja", context, filters))


def write_comparison_json(path: Path, comparison: Comparison) -> None:
    """Write every figure and every changed text.

    Raises:
        DataError: The file cannot be written.
    """
    plain: dict[str, Any] = {"confidence": CONFIDENCE, "draws": DRAWS, **asdict(comparison)}
    plain["single"] = plain.pop("space")["single"]
    save_json(path, plain)


def change(difference: Difference) -> str:
    """`+0.021`, or a dash where it is undefined."""
    return signed_figure(difference.change)


def change_interval(difference: Difference) -> str:
    """`−0.003 to +0.040`, or a dash."""
    return signed_interval(difference.change)


def signed_figure(estimate: Estimate) -> str:
    """`+0.021`, or a dash where it is undefined."""
    return NONE if estimate.value is None else signed(estimate.value)


def signed_interval(estimate: Estimate) -> str:
    """`−0.003 to +0.040`, or a dash."""
    if estimate.low is None or estimate.high is None:
        return NONE
    return f"{signed(estimate.low)} to {signed(estimate.high)}"


def _concerned(against: Against) -> set[str]:
    """Categories that some listed text has, had or was given: the ones worth a filter."""
    return {key for change in against.changes[:_LISTED] for key in (*change.truth, *change.old, *change.new)}
