"""Figures of models themselves: learning curves, and what columns are worth to one."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from rubricator.errors import DataError
from rubricator.evaluate.metrics.importance import TEXT, Importance
from rubricator.evaluate.plots import style

Lines = Mapping[str, Mapping[int, Mapping[str, float]]]
"""By fold and by epoch: the columns."""

_LOSSES = {"train_loss": ("train", style.HAS_NOT), "validation_loss": ("validation", style.HAS)}
_SCORES = {
    "weighted_f1": ("weighted F1", style.HAS),
    "macro_f1": ("macro-F1", style.MARK),
    "accuracy": ("accuracy", style.QUIET),
}


def draw_curves(table: Path, image: Path, *, chosen: int | None = None) -> str:
    """Draw losses and scores by epoch, and say what the figure shows, for those who cannot see it.

    Each fold is drawn faintly, their mean boldly. The table is `epochs.csv`, as training writes it: `fold`,
    `epoch`, `train_loss`, `validation_loss`, `weighted_f1`, `macro_f1`, `accuracy`. A line marks after how
    many epochs the texts held out were judged (`chosen`).

    Raises:
        DataError: The table cannot be read, or the figure cannot be written.
    """
    lines = _read(table)
    if not lines:
        raise DataError(f"{table} holds no epoch.", fix="Train again.")
    with style.styled():
        figure, axes = style.new_figure(6.9, 2.7)
        figure.delaxes(axes)
        left, right = figure.subplots(1, 2)
        _panel(left, lines, _LOSSES, chosen)
        left.set_ylabel("loss")
        left.set_ylim(bottom=0)
        _panel(right, lines, _SCORES, chosen)
        style.percent_axis(right, "on texts held out")
        style.save(figure, image)
    means = dict(_mean(lines, "weighted_f1"))
    last = chosen if chosen in means else max(means)
    return (
        f"Losses and scores over {max(means)} epochs, mean of {len(lines)} folds: "
        f"weighted F1 {means[last]:.2f} after {last}"
    )


def _panel(axes: Axes, lines: Lines, columns: Mapping[str, tuple[str, str]], chosen: int | None) -> None:
    for column, (name, colour) in columns.items():
        for epochs in lines.values():
            values = [cells[column] for cells in epochs.values()]
            axes.plot(list(epochs), values, color=colour, linewidth=0.6, alpha=0.3)
        mean = _mean(lines, column)
        # Folds may stop at different epochs: the mean goes as far as all of them.
        axes.plot(*zip(*mean, strict=True), color=colour, linewidth=1.8, marker="o", markersize=3, label=name)
    if chosen is not None:
        axes.axvline(chosen, color=style.INK, linewidth=0.8, linestyle=(0, (4, 3)))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel("epoch" if chosen is None else f"epoch (judged after {chosen})")
    axes.grid(visible=True, axis="y")
    axes.legend(loc="lower left", bbox_to_anchor=(-0.03, 0.985), ncols=len(columns), borderaxespad=0.0)


def _mean(lines: Lines, column: str) -> list[tuple[int, float]]:
    """Epochs that all folds reached, with the mean of a column."""
    common = sorted(set.intersection(*(set(epochs) for epochs in lines.values())))
    return [(epoch, float(np.mean([epochs[epoch][column] for epochs in lines.values()]))) for epoch in common]


def _read(table: Path) -> dict[str, dict[int, dict[str, float]]]:
    columns = [*_LOSSES, *_SCORES]
    lines: dict[str, dict[int, dict[str, float]]] = {}
    try:
        with table.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                cells = {column: float(row[column]) for column in columns}
                lines.setdefault(row["fold"], {})[int(row["epoch"])] = cells
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{table} is no table of epochs: {error}.", fix="Train again.") from error
    return lines


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
