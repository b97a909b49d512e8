"""One self-contained HTML page that shows what a model is worth, made to be read and to be printed."""

from __future__ import annotations

import base64
import re
from functools import partial
from importlib import resources
from pathlib import Path

from jinja2 import Environment, StrictUndefined

from rubricator.errors import DataError
from rubricator.evaluate import wording
from rubricator.evaluate.facts import (
    Candidate,
    DataFacts,
    ModelFacts,
    ReportData,
    Reproduction,
    TeacherFacts,
)
from rubricator.evaluate.plots import Plot
from rubricator.evaluate.summary import FEW, cautions, headline, summary, whose

__all__ = [
    "Candidate",
    "DataFacts",
    "ModelFacts",
    "ReportData",
    "Reproduction",
    "TeacherFacts",
    "write_report",
]

_EXCERPT = 700
# HTML has no way to write these, escaped or not.
_UNWRITABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]|[\ud800-\udfff]")


def write_report(path: Path, data: ReportData) -> None:
    """Write the report: images inside, no request to anywhere, no script.

    Args:
        path: The HTML file; its folder is made if it is missing. Replaced only once it is whole.
        data: What to tell.

    Raises:
        DataError: The file cannot be written, or a plot cannot be read.
    """
    half = path.with_name(path.name + ".part")
    try:
        page = _render(data)
        path.parent.mkdir(parents=True, exist_ok=True)
        half.write_text(_UNWRITABLE.sub("\ufffd", page), encoding="utf-8")
        half.replace(path)
    except OSError as error:
        raise DataError(
            f"The report {path} cannot be written: {error}.", fix="Name a file that you can write."
        ) from error


def _render(data: ReportData) -> str:
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {
        "figure": wording.figure,
        "interval": wording.interval,
        "count": wording.count,
        "percent": wording.percent,
        "duration": wording.duration,
        "plural": wording.plural,
        "excerpt": partial(_excerpt, limit=_EXCERPT),
        "inlined": _inlined,
        "whose": whose,
    }
    source = resources.files(__package__).joinpath("report.html.jinja").read_text(encoding="utf-8")
    head = data.metrics[0] if data.metrics else None
    return environment.from_string(source).render(
        data=data,
        head=head,
        headline=headline(head) if head else None,
        summary=summary(data),
        cautions=cautions(data),
        few=FEW,
        whole=[plot for plot in data.plots if plot.category is None],
        plots={key: [plot for plot in data.plots if plot.category == key] for key in data.titles},
        score_names=list(dict.fromkeys(n for c in data.models.candidates for n in c.scores))
        if data.models
        else [],
    )


def _excerpt(content: str, *, limit: int) -> str:
    return content if len(content) <= limit else content[:limit].rstrip() + " …"


def _inlined(plot: Plot) -> str:
    return "data:image/png;base64," + base64.b64encode(plot.path.read_bytes()).decode("ascii")
