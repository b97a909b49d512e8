"""One function per figure of a category: what is drawn, without where it is kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.ticker import PercentFormatter
from numpy.typing import NDArray

from rubricator.dataset.metrics import CategoryMetrics
from rubricator.evaluate.plots import style
from rubricator.stats.arrays import Bools, Floats
from rubricator.stats.coverage import CoveragePoint
from rubricator.stats.shares import wilson

_BINS = 10


def draw_roc(axes: Axes, truth: Bools, probabilities: Floats, category: CategoryMetrics) -> None:
    """Share of right texts found against share of wrong texts let in, the decisions marked."""
    from sklearn.metrics import roc_curve  # a second to import, and most commands never need it

    false_rate, true_rate, _ = roc_curve(truth, probabilities, drop_intermediate=False)
    axes.plot([0, 1], [0, 1], color=style.QUIET, linewidth=0.8, linestyle=(0, (4, 3)))
    axes.plot(false_rate, true_rate, color=style.HAS, linewidth=1.6, solid_joinstyle="miter")
    axes.fill_between(false_rate, true_rate, color=style.HAS, alpha=0.08, linewidth=0)
    without = len(truth) - category.support
    let_in = (category.predicted - category.hits) / without
    recall = category.hits / category.support
    _mark(axes, let_in, recall, _decided(category))
    style.unit_axis(axes, x=f"false positive rate (of {without:,})", y=f"recall (of {category.support:,})")


def draw_precision_recall(axes: Axes, truth: Bools, probabilities: Floats, category: CategoryMetrics) -> None:
    """Precision against recall over all thresholds, the chosen one marked."""
    from sklearn.metrics import precision_recall_curve  # a second to import, and most commands never need it

    precision, recall, _ = precision_recall_curve(truth, probabilities)
    # The last point (recall 0, precision 1) is a convention, no threshold reaches it.
    axes.step(recall[:-1], precision[:-1], where="post", color=style.HAS, linewidth=1.6)
    share = category.support / len(truth)
    axes.axhline(share, color=style.QUIET, linewidth=0.8, linestyle=(0, (4, 3)))
    if category.precision is not None and category.recall is not None:
        _mark(axes, category.recall, category.precision, _decided(category))
    style.unit_axis(axes, x="recall", y="precision")


def draw_coverage(axes: Axes, coverage: Floats, precision: Floats, points: Sequence[CoveragePoint]) -> None:
    """Share of the surest texts that is right, and how far each precision reaches."""
    axes.step(coverage, precision, where="pre", color=style.HAS, linewidth=1.6)
    for point in points:
        if point.confidence is not None:
            axes.plot(point.coverage, point.precision, "o", color=style.MARK, markersize=4, clip_on=False)
    axes.set_xlim(0, 1)
    axes.set_ylim(max(0.0, min(float(precision.min()) - 0.05, 0.75)), 1.01)
    axes.xaxis.set_major_formatter(PercentFormatter(xmax=1, decimals=0))
    axes.set_xlabel("texts, the surest first")
    style.percent_axis(axes, "right among them")


def draw_histogram(axes: Axes, truth: Bools, probabilities: Floats, category: CategoryMetrics) -> None:
    """How the probabilities of texts with and without the category spread.

    Each kind is drawn as shares of itself, or a rare category would vanish beside the rest.
    """
    edges = np.linspace(0, 1, 21)
    kinds = ((~truth, style.HAS_NOT, "////", "class 0"), (truth, style.HAS, None, "class 1"))
    for rows, colour, hatch, name in kinds:
        if not rows.any():
            continue
        shares = np.histogram(probabilities[rows], edges)[0] / rows.sum()
        look: dict[str, Any] = {"edgecolor": colour, "linewidth": 1.4, "hatch": hatch}
        label = f"{name} ({int(rows.sum()):,})"
        axes.stairs(shares, edges, fill=True, facecolor=to_rgba(colour, 0.28), label=label, **look)
    if category.threshold is not None:
        axes.axvline(category.threshold, color=style.MARK, linewidth=1.2, linestyle=(0, (4, 2)))
    axes.legend(
        loc="lower left", bbox_to_anchor=(-0.03, 0.985), ncols=2, borderaxespad=0.0, columnspacing=0.9
    )
    axes.set_xlim(0, 1)
    axes.set_ylim(bottom=0)
    axes.set_xlabel("probability given by the model")
    style.percent_axis(axes, "share of the class")


def draw_confusion(axes: Axes, truth: Bools, decisions: Bools) -> None:
    """Counts of right and wrong decisions, shaded by the share of each row."""
    counts = np.array(
        [
            [np.sum(truth & decisions), np.sum(truth & ~decisions)],
            [np.sum(~truth & decisions), np.sum(~truth & ~decisions)],
        ]
    )
    shares = _shade(axes, counts)
    axes.set_aspect("auto")
    names = (("hits", "misses"), ("false alarms", "rightly left out"))
    for (row, column), count in np.ndenumerate(counts):
        ink = "white" if shares[row, column] > 0.62 else style.INK
        axes.text(column, row - 0.06, f"{count:,}", ha="center", va="center", fontsize=15, color=ink)
        of_row = f"\n{shares[row, column]:.0%} of the row" if counts[row].any() else ""
        axes.text(
            column, row + 0.12, names[row][column] + of_row, ha="center", va="top", fontsize=7, color=ink
        )
    axes.set_xticks([0, 1], ["given", "not given"])
    axes.set_yticks([0, 1], ["class\n1", "class\n0"])


def draw_reliability(axes: Axes, truth: Bools, probabilities: Floats) -> None:
    """How often texts given a probability truly have the category, with 95% Wilson intervals."""
    bins = np.minimum((probabilities * _BINS).astype(int), _BINS - 1)
    counts = np.bincount(bins, minlength=_BINS)
    some = counts > 0
    stated = np.bincount(bins, weights=probabilities, minlength=_BINS)[some] / counts[some]
    hits = np.bincount(bins, weights=truth, minlength=_BINS)[some]
    shares = [wilson(int(hit), int(count)) for hit, count in zip(hits, counts[some], strict=True)]
    observed, low, high = np.array([(share.value, share.low, share.high) for share in shares], dtype=float).T
    axes.plot([0, 1], [0, 1], color=style.QUIET, linewidth=0.8, linestyle=(0, (4, 3)))
    axes.vlines(stated, low, high, color=style.HAS, linewidth=1.2, alpha=0.55)
    sizes = 14 + 80 * counts[some] / counts.max()
    axes.scatter(stated, observed, s=sizes, color=style.HAS, edgecolor="white", clip_on=False, zorder=3)
    style.unit_axis(axes, x="probability given by the model", y="share that truly has it")


def draw_overview(
    axes: Axes, categories: tuple[CategoryMetrics, ...], names: list[str], *, confidence: float
) -> None:
    """F1 of every category with its interval; where no skill at all would be is ticked."""
    for row, category in enumerate(categories):
        if category.f1.value is None:
            axes.text(0.01, row, "no text has it: not measured", va="center", fontsize=8, color=style.QUIET)
            continue
        value, low, high = category.f1.value, category.f1.low, category.f1.high
        if low is not None and high is not None:
            axes.plot([low, high], [row, row], color=style.HAS, linewidth=2.2, alpha=0.5)
        axes.plot(value, row, "o", color=style.HAS, markersize=6.5)
        axes.text(1.035, row, f"{value:.2f}", va="center", fontsize=9, fontweight="bold")
        if category.baseline_f1 is not None:
            axes.plot(category.baseline_f1, row, "|", color=style.QUIET, markersize=11, markeredgewidth=1.4)
    axes.set_yticks(range(len(names)), names, fontsize=8.5)
    axes.set_ylim(len(categories) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    label = f"F1 and its {confidence:.0%} interval; grey tick: no skill at all"
    style.unit_axis(axes, x=label)


def draw_matrix(axes: Axes, truth: Bools, decisions: Bools, names: list[str]) -> None:
    """Single-label: which category is taken for which, counts shaded by the share of each row."""
    size = len(names)
    counts = np.zeros((size, size), dtype=int)
    np.add.at(counts, (truth.argmax(axis=1), decisions.argmax(axis=1)), 1)
    shares = _shade(axes, counts)
    for (row, column), count in np.ndenumerate(counts):
        if count:
            ink = "white" if shares[row, column] > 0.62 else style.INK
            axes.text(column, row, f"{count:,}", ha="center", va="center", fontsize=8, color=ink)
    axes.set_xticks(range(size), names, rotation=40, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(size), names)


def _decided(category: CategoryMetrics) -> str:
    return "decided" if category.threshold is None else f"threshold {category.threshold:.2f}"


def _mark(axes: Axes, x: float, y: float, label: str) -> None:
    axes.plot(x, y, "D", color=style.MARK, markersize=5.5, markeredgecolor="white", zorder=5, clip_on=False)
    side, offset = ("left", 8) if x < 0.55 else ("right", -8)
    place: dict[str, Any] = {"xytext": (offset, -10 if y > 0.2 else 8), "textcoords": "offset points"}
    axes.annotate(label, (x, y), ha=side, va="center", fontsize=7.5, color=style.MARK, zorder=6, **place)


def _shade(axes: Axes, counts: NDArray[np.int_]) -> Floats:
    """Cells shaded by the share of each row, with white lines between them; the shares come back."""
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1.25)
    axes.set_xlabel("the model's decision")
    axes.set_ylabel("the truth")
    for spine in axes.spines.values():
        spine.set_visible(False)
    axes.set_xticks(np.arange(len(counts) - 1) + 0.5, minor=True)
    axes.set_yticks(np.arange(len(counts) - 1) + 0.5, minor=True)
    axes.tick_params(which="both", length=0)
    axes.grid(visible=True, which="minor", color="white", linewidth=2)
    return np.asarray(shares)
