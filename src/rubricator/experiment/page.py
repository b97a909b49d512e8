"""The report as one HTML page for people and as one JSON file for programs."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rubricator.dataset.files import save_json
from rubricator.experiment.conclusion import chance, change, conclusion, day, decision, may_stop, progress
from rubricator.experiment.notes import notes
from rubricator.experiment.report import MISMATCH, ExperimentReport
from rubricator.experiment.size import planned_size
from rubricator.pages.formatting import NONE
from rubricator.pages.page import render_page, write_page


def write_report(path: Path, report: ExperimentReport) -> None:
    """Write the page: no script, no request to anywhere.

    Raises:
        DataError: The file cannot be written.
    """
    from rubricator.experiment.plots import draw_looks, draw_metrics, draw_segments  # matplotlib: a second

    valid = not report.mismatch
    context = {
        "kind": "A/A test" if report.plan.mode == "aa" else "A/B test",
        "data": {
            "name": report.plan.name,
            "created": datetime.now(UTC).astimezone().strftime("%Y-%m-%d %H:%M"),
        },
        "report": report,
        "plan": report.plan,
        "size": planned_size(report.plan),
        "conclusion": conclusion(report),
        "progress": progress(report),
        "notes": notes(report),
        "mismatch": MISMATCH,
        "looks": _image(draw_looks(report)) if valid else None,
        "forest": _image(draw_metrics(report)) if valid else None,
        "segments": _image(draw_segments(report.segments)) if valid else None,
    }
    filters: dict[str, Callable[..., str]] = {
        "change": change,
        "day": day,
        "value": _value,
        "chance": chance,
        "signed": _signed,
    }
    write_page(path, render_page("rubricator.experiment", "report.html.jinja", context, filters))


def write_report_json(path: Path, report: ExperimentReport) -> None:
    """Write every figure, with the decision and its sentence.

    Raises:
        DataError: The file cannot be written.
    """
    plain: dict[str, Any] = {
        "decision": decision(report),
        "conclusion": conclusion(report),
        "progress": progress(report),
        "may_stop": may_stop(report),
        "mismatch": report.mismatch,
        "notes": notes(report),
        **asdict(report),
        "plan": report.plan.model_dump(mode="json"),
        "digest": report.plan.digest,
    }
    for result in (plain["goal"], *plain["metrics"], *plain["guardrails"]):
        result["metric"] = result["metric"].name
    save_json(path, plain)


def _image(png: bytes | None) -> str | None:
    return None if png is None else f"data:image/png;base64,{b64encode(png).decode()}"


def _value(value: float | None) -> str:
    return NONE if value is None else f"{value:.4g}"


def _signed(share: float) -> str:
    return f"{share:+.3g}" if abs(share) >= 1e4 else f"{100 * share:+.3g}%"
