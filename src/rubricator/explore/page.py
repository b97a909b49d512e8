"""The profile as one HTML page that asks nothing of anywhere; only its map, if there is one, has a script."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from markupsafe import Markup

from rubricator.explore.cautions import Caution
from rubricator.explore.closeness import CONFUSED, OVERLAPPING
from rubricator.explore.map.points import MapPoints
from rubricator.explore.map.section import map_assets, map_policy, map_section
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


def explore_page(profile: Profile, cautions: Sequence[Caution], points: MapPoints | None = None) -> str:
    """The page: what will hurt, then texts, duplicates, categories, themes and, if there is one, a map."""
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
        "map": map_section(points) if points else "",
        "assets": map_assets() if points else "",
        "policy": Markup(f"; {map_policy()}") if points else "",  # noqa: S704 - a hash
    }
    filters: dict[str, Callable[..., str]] = {"width": _width, "short": excerpt, "named": _named}
    return render_page("rubricator.explore", "explore.html.jinja", context, filters)


def _width(number: float, largest: float) -> str:
    """The style of a bar."""
    return f"width: {100 * number / max(largest, 1e-9):.1f}%"


def _named(labels: Sequence[str] | None) -> str:
    return "not labelled" if labels is None else ", ".join(labels) or "no category"
