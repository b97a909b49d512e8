"""The map as HTML: a section that needs nothing but its own style and script, for any page that allows it."""

from __future__ import annotations

import base64
import hashlib
import json
from datetime import UTC, datetime
from functools import cache
from importlib import resources
from typing import Any

import numpy as np
from markupsafe import Markup

from rubricator.explore.map.points import MapColumn, MapPoints
from rubricator.pages.formatting import excerpt, plural
from rubricator.pages.page import render_page
from rubricator.stats.arrays import Floats, Indices

_SPAN = 65_535  # positions are whole numbers up to it: a sixteenth of a pixel on most screens
_MOST_POINTS = 100_000
_CHARACTERS = 6_000_000  # of all texts together, for the size of the page …
_SHORTEST, _LONGEST = 60, 400  # … and of each
_KEYS = (
    "Arrows move, plus and minus zoom, 0 shows the whole map, n and p go through the texts, Enter selects "
    "one, l draws a selection, Escape ends it"
)
_FLAT = (
    "Two principal components show little of what texts have in common; UMAP, in the extra `explore`, puts "
    "those alike side by side."
)
_FAR = (
    "How far groups lie apart, and how large they look, means little; that texts lie side by side means much."
)


def map_section(points: MapPoints, *, note: str = "") -> Markup:
    """One map, to be put into a page that has `map_assets` once, after it, and allows `map_policy`.

    Of more than 100,000 points so many, spread evenly over the rows, are drawn. Of each text the beginning is
    shown and searched, up to 400 characters; the more texts, the fewer. Whatever texts hold is escaped.
    """
    rows = _thinned(len(points))
    length = int(np.clip(_CHARACTERS / max(len(rows), 1), _SHORTEST, _LONGEST))
    said = [f"{plural(len(rows), 'text')}, by {points.method}."]
    if len(rows) < len(points):
        said.append(f"So many of {len(points):,} are drawn, spread evenly.")
    said += [
        _FLAT if points.method == "PCA" else _FAR,
        "A text with several groups has the colour of its first; choose one in the legend to see all.",
    ]
    said += [f"Search looks at the first {length} characters.", _KEYS + ".", note]
    return Markup(_asset("section.html")).format(  # noqa: S704 - a file of this package
        name=points.name,
        described=plural(len(rows), "text"),
        keys=_KEYS,
        note=" ".join(filter(None, said)),
        data=Markup(_embedded(_payload(points, rows, length))),  # noqa: S704 - no `<` is left in it
    )


@cache
def map_assets() -> Markup:
    """Style and script of all maps of a page."""
    return Markup(f"<style>{_asset('map.css')}</style>\n<script>{_asset('map.js')}</script>")  # noqa: S704


@cache
def map_policy() -> str:
    """What a page's Content-Security-Policy must say besides: this one script, by its hash, and no other."""
    digest = base64.b64encode(hashlib.sha256(_asset("map.js").encode()).digest()).decode()
    return f"script-src 'sha256-{digest}'"


def map_page(points: MapPoints) -> str:
    """A page that is nothing but a map."""
    context = {
        "kind": "Map of texts",
        "data": {"name": points.name, "created": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"},
        "section": map_section(points),
        "assets": map_assets(),
        "policy": Markup(map_policy()),  # noqa: S704
    }
    return render_page(__package__, "map_page.html.jinja", context, {})


@cache
def _asset(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8")


def _embedded(data: object) -> str:
    """JSON within HTML: without `<`, nothing in it ends the element or begins a comment."""
    return json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False).replace(
        "<", "\\u003c"
    )


def _thinned(count: int) -> Indices:
    return np.unique(np.linspace(0, count - 1, min(count, _MOST_POINTS)).round().astype(np.intp))


def _payload(points: MapPoints, rows: Indices, length: int) -> dict[str, Any]:
    corner, scale = _frame(points.positions[rows])
    places = (points.positions[rows] - corner) * scale
    places[:, 1] = places[:, 1].max(initial=0.0) - places[:, 1]  # screens count downwards
    tall = (points.positions[rows, 1].max(initial=corner[1]) - corner[1]) * scale
    payload: dict[str, Any] = {
        "xy": base64.b64encode(places.round().astype("<u2").tobytes()).decode(),
        "box": _box(places),
        "ids": [points.ids[row] for row in rows],
        "texts": [excerpt(points.contents[row], length) for row in rows],
        "columns": [_column(column, rows) for column in points.offered],
        "labels": [
            {
                "title": one.title,
                "x": round((one.x - corner[0]) * scale),
                "y": round(tall - (one.y - corner[1]) * scale),
            }
            for one in sorted(points.labels, key=lambda one: -one.texts)
        ],
    }
    if points.selectable is not None:
        payload["unselectable"] = np.flatnonzero(~points.selectable[rows]).tolist()
    return payload


def _frame(positions: Floats) -> tuple[Floats, float]:
    """The lower left corner, and how much to enlarge both sides alike to fill the span."""
    if not len(positions):
        return np.zeros(2), 1.0
    corner = positions.min(axis=0)
    return corner, float(_SPAN / max(float((positions - corner).max()), 1e-9))


def _box(places: Floats) -> dict[str, float]:
    """What the map shows at first: everything but a few points far out."""
    if not len(places):
        return {"left": 0, "top": 0, "right": _SPAN, "bottom": _SPAN}
    low, high = np.percentile(places, (0.2, 99.8), axis=0)
    (left, top), (right, bottom) = low.round().tolist(), high.round().tolist()
    return {"left": left, "top": top, "right": right, "bottom": bottom}


def _column(column: MapColumn, rows: Indices) -> dict[str, Any]:
    shared = {"name": column.name, "kind": column.kind}
    if column.values is None:
        groups = [column.groups[row] for row in rows]
        short = [own[0] if len(own) == 1 else list(own) if own else -1 for own in groups]
        return {**shared, "levels": column.levels, "nothing": column.nothing, "groups": short}
    values = column.values[rows]
    # A few strange values must not take all the colours.
    low, high = np.nanpercentile(values, (1, 99)).tolist()
    digits = 0 if column.kind == "time" else 4
    return {
        **shared,
        "low": low,
        "high": high,
        "from": _written(low, column.kind),
        "to": _written(high, column.kind),
        "values": [None if np.isnan(value) else round(value, digits) for value in values.tolist()],
    }


def _written(value: float, kind: str) -> str:
    return f"{datetime.fromtimestamp(value, UTC):%Y-%m-%d}" if kind == "time" else f"{value:.4g}"
