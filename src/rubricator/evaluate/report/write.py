"""One self-contained HTML page that shows what a model is worth, made to be read and to be printed."""

from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path

from markupsafe import Markup, escape

from rubricator.errors import DataError
from rubricator.evaluate.metrics.errors import PredictionError
from rubricator.evaluate.plots.plot import Plot
from rubricator.evaluate.report.report_data import Cell, ReportData
from rubricator.evaluate.report.summary import FEW, cautions, headline, summary, whose
from rubricator.pages.formatting import count, excerpt, figure, series
from rubricator.pages.page import render_page, write_page

_EXCERPT = 700  # characters of a text
_CELL = 100  # characters of a cell: rules may be long, and rules.yaml holds them whole


def write_report(path: Path, data: ReportData) -> None:
    """Write the report: images inside, no request to anywhere, no script; replaced only once it is whole.

    Raises:
        DataError: The file cannot be written, or a plot cannot be read.
    """
    try:
        page = _render(data)
    except OSError as error:
        raise DataError(f"A plot of the report {path} cannot be read: {error}.", fix="Run again.") from error
    write_page(path, page)


def _render(data: ReportData) -> str:
    head = data.metrics[0] if data.metrics else None
    candidates = data.models.candidates if data.models else ()
    context = {
        "kind": "Evaluation report",
        "data": data,
        "head": head,
        "headline": headline(head) if head else None,
        "summary": summary(data),
        "titles": lambda keys: series([data.titles[key] for key in keys]),
        "cautions": cautions(data),
        "few": FEW,
        "whole": [plot for plot in data.plots if plot.category is None],
        "plots": {key: [plot for plot in data.plots if plot.category == key] for key in data.titles},
        "costs": any(c.texts_per_second is not None for c in candidates),
        "score_names": list(dict.fromkeys(name for c in candidates for name in c.scores)),
    }
    return render_page("rubricator.evaluate.report", "report.html.jinja", context, _FILTERS)


def _excerpt(text: str) -> str:
    return excerpt(text, _EXCERPT)


def _marked(error: PredictionError) -> str:
    """The beginning of a text, with marks on the words that weigh most."""
    shown, end = _excerpt(error.content), 0
    pieces: list[Markup] = []
    for word in sorted(error.words, key=lambda word: word.start):
        if end <= word.start and word.end <= min(len(shown), _EXCERPT):
            side = "for" if word.weight > 0 else "against"
            mark = Markup('<mark class="{}" title="{:+.2f}">{}</mark>').format(side, word.weight, word.word)
            pieces += [escape(shown[end : word.start]), mark]
            end = word.end
    return Markup("").join([*pieces, escape(shown[end:])])


def _cell(value: Cell) -> str:
    if isinstance(value, str):
        return excerpt(value, _CELL)
    return count(value) if isinstance(value, int) else figure(value, 3)


def _inlined(plot: Plot) -> str:
    return "data:image/png;base64," + base64.b64encode(plot.path.read_bytes()).decode("ascii")


_FILTERS: dict[str, Callable[..., str]] = {
    "marked": _marked,
    "cell": _cell,
    "inlined": _inlined,
    "whose": whose,
}
