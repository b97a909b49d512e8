"""The map in files: a picture of each column as PNG, all of them as one PDF, and the points as JSON."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rubricator.errors import DataError
from rubricator.explore.map.colours import NONE, SCALE, SCALE_ENDS, colour, shape
from rubricator.explore.map.points import MapColumn, MapPoints
from rubricator.pages.formatting import plural
from rubricator.whole_files import whole_file

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_INCHES, _DPI = (9.0, 7.5), 150
_MOST_VECTORS = 2_000  # points in a PDF; more are one picture in it, which any viewer opens


def write_map(points: MapPoints, folder: Path) -> list[Path]:
    """Write `map.json`, `map.pdf` with a page for each column, and `map-<number>.png` of each.

    Raises:
        DataError: The folder cannot be written.
    """
    written = [folder / "map.json", folder / "map.pdf"]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with whole_file(written[0]) as part:
            part.write_text(json.dumps(map_facts(points), ensure_ascii=False), encoding="utf-8")
        from matplotlib.backends.backend_pdf import PdfPages

        with whole_file(written[1]) as part, PdfPages(part) as pages:
            for number, column in enumerate(points.offered or [None], 1):
                figure = draw_map(points, column)
                pages.savefig(figure)
                written.append(folder / f"map-{number}.png")
                with whole_file(written[-1]) as picture:
                    figure.savefig(picture, dpi=_DPI, format="png")
    except OSError as error:
        raise DataError(
            f"The map cannot be written to {folder}: {error}.", fix="Name a folder that you can write."
        ) from error
    return written


def map_facts(points: MapPoints) -> dict[str, Any]:
    """The map as plain values: where each text lies, and what the labels on the map stand for."""
    return {
        "name": points.name,
        "method": points.method,
        "labels": [{"title": one.title, "x": one.x, "y": one.y, "texts": one.texts} for one in points.labels],
        "columns": [column.name for column in points.offered],
        "points": [
            {"id": text_id, "x": round(x, 4), "y": round(y, 4)}
            for text_id, (x, y) in zip(points.ids, points.positions.tolist(), strict=True)
        ],
    }


def draw_map(points: MapPoints, column: MapColumn | None) -> Figure:
    """One picture, coloured by a column."""
    from matplotlib.figure import Figure  # a second to import

    figure = Figure(figsize=_INCHES, layout="constrained")
    axes = figure.subplots()
    axes.set_axis_off()
    axes.set_aspect("equal", adjustable="datalim")
    named = "" if column is None else f"{column.name} · "
    axes.set_title(
        f"{points.name}\n{named}{plural(len(points), 'text')}, {points.method}", fontsize=11, loc="left"
    )
    size = float(np.clip(24_000 / max(len(points), 1), 2, 30))
    if column is None:
        _scatter(axes, points, np.ones(len(points), dtype=bool), size, color=NONE)
    elif column.values is None:
        _draw_groups(axes, points, column, size)
    else:
        _draw_numbers(figure, axes, points, column, size)
    _write_labels(axes, points)
    return figure


def _scatter(axes: Axes, points: MapPoints, rows: Any, size: float, **style: Any) -> Any:
    places = points.positions[rows]
    return axes.scatter(
        places[:, 0], places[:, 1], s=size, linewidths=0, rasterized=len(points) > _MOST_VECTORS, **style
    )


def _draw_groups(axes: Axes, points: MapPoints, column: MapColumn, size: float) -> None:
    first = np.array([own[0] if own else -1 for own in column.groups], dtype=np.intp)
    for level in range(-1, len(column.levels)):
        rows = first == level
        if rows.any():
            name = column.nothing if level < 0 else column.levels[level]
            style = {"color": NONE} if level < 0 else {"color": colour(level), "marker": shape(level)}
            _scatter(axes, points, rows, size, label=f"{name} ({rows.sum():,})", **style)
    scale = float(np.sqrt(30 / size))  # signs of the legend are readable however small the points are
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False, fontsize=8, markerscale=scale)


def _draw_numbers(figure: Figure, axes: Axes, points: MapPoints, column: MapColumn, size: float) -> None:
    assert column.values is not None
    from matplotlib import colormaps
    from matplotlib.colors import ListedColormap

    scale = ListedColormap(colormaps[SCALE](np.linspace(0, SCALE_ENDS, 256)))
    known = ~np.isnan(column.values)
    _scatter(axes, points, ~known, size, color=NONE)
    values = column.values[known]
    low, high = np.percentile(values, (1, 99))
    drawn = _scatter(axes, points, known, size, c=values, cmap=scale, vmin=low, vmax=high)
    bar = figure.colorbar(drawn, ax=axes, shrink=0.6)
    if column.kind == "time":
        ticks = np.linspace(low, high, 5).tolist()
        bar.set_ticks(ticks, labels=[f"{datetime.fromtimestamp(tick, UTC):%Y-%m-%d}" for tick in ticks])


def _write_labels(axes: Axes, points: MapPoints) -> None:
    from matplotlib.patheffects import withStroke

    for one in points.labels:
        axes.text(
            one.x,
            one.y,
            one.title.replace("$", r"\$"),
            fontsize=8,
            weight="bold",
            ha="center",
            va="center",
            path_effects=[withStroke(linewidth=2.5, foreground="white")],
        )
