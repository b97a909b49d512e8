"""The figures of a part, written as PNG files."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from matplotlib.axes import Axes

from rubricator.dataset.metrics import CategoryMetrics, PartMetrics
from rubricator.evaluate.metrics.scored_predictions import ScoredPredictions
from rubricator.evaluate.plots import panels as drawing
from rubricator.evaluate.plots import style
from rubricator.evaluate.plots.plot import Plot
from rubricator.label_space import LabelSpace
from rubricator.stats.coverage import precision_by_coverage


def write_plots(
    scored: ScoredPredictions, metrics: PartMetrics, titles: Mapping[str, str], folder: Path
) -> tuple[Plot, ...]:
    """Draw every figure that the part allows, with the names that people know the categories by.

    ROC, precision-recall and reliability need texts with and without the category; where one kind
    is missing, those figures are left out.

    Raises:
        DataError: The folder cannot be written.
    """
    with style.styled():
        return (*_whole(scored, metrics, titles, folder), *_per_category(scored, metrics, titles, folder))


def _whole(
    scored: ScoredPredictions, metrics: PartMetrics, titles: Mapping[str, str], folder: Path
) -> Iterator[Plot]:
    keys = [category.key for category in metrics.categories]
    # Past ten categories a line each must do, or the figure outgrows a printed page.
    roomy = len(keys) <= 10
    figure, axes = style.new_figure(6.9, 0.75 + (0.42 if roomy else 0.26) * len(keys))
    names = [
        f"{style.wrapped(titles[c.key], 30)}\n{c.support:,} texts"
        if roomy
        else f"{style.shortened(titles[c.key], 36)} ({c.support:,})"
        for c in metrics.categories
    ]
    drawing.draw_overview(axes, metrics.categories, names, confidence=metrics.confidence)
    style.save(figure, folder / "overview.png")
    spoken = "; ".join(
        f"{titles[c.key]} {'not measured' if c.f1.value is None else format(c.f1.value, '.2f')}"
        for c in metrics.categories
    )
    yield Plot(category=None, kind="overview", path=folder / "overview.png", alt=f"F1 by category: {spoken}")
    space = LabelSpace.of_size(len(keys), single=metrics.single)
    sure = space.confidence(scored.probabilities, scored.decisions)
    coverage, precision, _ = precision_by_coverage(sure, (scored.truth == scored.decisions).all(axis=1))
    figure, axes = style.new_figure(4.6, 2.7)
    drawing.draw_coverage(axes, coverage, precision, metrics.coverage)
    style.save(figure, folder / "coverage.png")
    alt = "Share of the surest texts that is right, against how many texts these are"
    yield Plot(category=None, kind="coverage", path=folder / "coverage.png", alt=alt)
    if metrics.single:
        side = min(2.2 + 0.42 * len(keys), 9.4)
        figure, axes = style.new_figure(side + 0.6, side)
        names = [style.wrapped(titles[key], 22) for key in keys]
        drawing.draw_matrix(axes, scored.truth, scored.decisions, names)
        style.save(figure, folder / "matrix.png")
        alt = "Confusion matrix of all categories: rows are the truth, columns the model's decision"
        yield Plot(category=None, kind="matrix", path=folder / "matrix.png", alt=alt)


def _per_category(
    scored: ScoredPredictions, metrics: PartMetrics, titles: Mapping[str, str], folder: Path
) -> Iterator[Plot]:
    for column, category in enumerate(metrics.categories):
        title = titles[category.key]
        # Keys may hold signs that no file name can; the number keeps the names apart.
        stem = f"{column + 1:02d}-" + re.sub(r"[^\w.-]", "_", category.key)
        for kind, heading, note, alt, draw in _panels(scored, column, category):
            figure, axes = style.new_panel()
            draw(axes)
            style.head(figure, heading, subject=title, note=note)
            path = folder / f"{stem}-{kind}.png"
            style.save(figure, path)
            yield Plot(category=category.key, kind=kind, path=path, alt=f"{title}: {alt}")


def _panels(
    scored: ScoredPredictions, column: int, category: CategoryMetrics
) -> Iterator[tuple[str, str, str, str, Callable[[Axes], None]]]:
    """Kind, heading, note on the right, what is shown in words, and what draws it."""
    truth, decided = scored.truth[:, column], scored.decisions[:, column]
    stated = scored.probabilities[:, column]
    both = 0 < category.support < len(truth)
    yield (
        "histogram",
        "Probabilities",
        "" if category.threshold is None else f"threshold {category.threshold:.2f}",
        "histogram of the probabilities of texts with and without the category",
        lambda axes: drawing.draw_histogram(axes, truth, stated, category),
    )
    if both:
        yield (
            "roc",
            "ROC",
            f"area {category.roc_auc:.3f}",
            f"ROC curve, area {category.roc_auc:.3f}",
            lambda axes: drawing.draw_roc(axes, truth, stated, category),
        )
        yield (
            "precision-recall",
            "Precision, recall",
            f"average {category.average_precision:.3f}",
            f"precision-recall curve, average precision {category.average_precision:.3f}",
            lambda axes: drawing.draw_precision_recall(axes, truth, stated, category),
        )
    yield (
        "confusion",
        "Decisions",
        "" if category.f1.value is None else f"F1 {category.f1.value:.3f}",
        f"confusion matrix: {category.hits} of {category.support} found, {category.predicted} given",
        lambda axes: drawing.draw_confusion(axes, truth, decided),
    )
    if both:
        yield (
            "reliability",
            "Reliability",
            f"error {category.calibration_error:.3f}",
            f"reliability diagram, calibration error {category.calibration_error:.3f}",
            lambda axes: drawing.draw_reliability(axes, truth, stated),
        )
