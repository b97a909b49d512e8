"""What columns are worth to a model, as bars."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from rubricator.evaluate.metrics.importance import TEXT, Importance
from rubricator.evaluate.plots import style


def draw_importance(importances: Sequence[Importance], path: Path, *, metric: str) -> None:
    """Draw bars with intervals in the order of `importances`; `metric` is its name for people.

    Raises:
        DataError: The file cannot be written.
    """
    with style.styled():
        figure, axes = style.new_figure(6.0, 0.8 + 0.26 * len(importances))
        places = np.arange(len(importances))[::-1]
        drops = np.array([one.drop for one in importances])
        colors = [style.HAS_NOT if one.column == TEXT else style.HAS for one in importances]
        axes.barh(places, drops, height=0.62, color=colors)
        for place, one in zip(places, importances, strict=True):
            if one.low is not None and one.high is not None:
                axes.plot([one.low, one.high], [place, place], color=style.INK, linewidth=1.0)
        axes.set_yticks(places, [style.shortened(one.column, 36) for one in importances])
        axes.axvline(0.0, color=style.QUIET, linewidth=0.6)
        axes.set_xlabel(f"{metric} lost when the column is shuffled")
        axes.grid(visible=True, axis="x")
        style.save(figure, path)
