"""The profile as one HTML page: no script, no request to anywhere."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from rubricator.explore.cautions import Caution
from rubricator.explore.closeness import CONFUSED, OVERLAPPING
from rubricator.explore.profile import Profile
from rubricator.explore.rare import FEW
from rubricator.pages.formatting import excerpt
from rubricator.pages.page import render_page

_LINES, _PAIRS = 40, 15
_PLACES = {
    "line": "a line by itself",
    "beginning": "beginning of lines",
    "end": "end of lines",
    "inside": "inside lines",
}
_STEPS = {
    "unicode": "broken or invisible characters",
    "html": "HTML",
    "markdown": "Markdown",
    "urls": "web addresses",
    "emails": "e-mail addresses",
    "phones": "telephone numbers",
    "emoji": "emoji",
}


def explore_page(profile: Profile, cautions: Sequence[Caution]) -> str:
    """The page: what will hurt first, then texts, duplicates and categories."""
    labels = profile.categories
    context: dict[str, Any] = {
        "kind": "Exploration of texts",
        "data": profile,
        "cautions": cautions,
        "titles": {one.key: one.title for one in labels.counts} if labels else {},
        "lines": profile.boilerplate[:_LINES],
        "places": _PLACES,
        "steps": _STEPS,
        "pairs": [pair for number, pair in enumerate(profile.close) if pair.close >= 1 or number < _PAIRS],
        "limits": (CONFUSED, OVERLAPPING),
        "few": FEW,
    }
    filters: dict[str, Callable[..., str]] = {"width": _width, "short": excerpt, "named": _named}
    return render_page("rubricator.explore", "explore.html.jinja", context, filters)


def _width(number: float, largest: float) -> str:
    """The style of a bar."""
    return f"width: {100 * number / max(largest, 1e-9):.1f}%"


def _named(labels: Sequence[str] | None) -> str:
    return "not labelled" if labels is None else ", ".join(labels) or "no category"
