"""What monitoring knows, as one HTML page for people and one JSON file for programs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import TypeAdapter

from rubricator.dataset.files import save_json
from rubricator.dataset.goals import GoalStanding
from rubricator.monitor.alerts import cause_sentence
from rubricator.monitor.checks import Check
from rubricator.monitor.judge import Judged, smallest
from rubricator.monitor.performance import F1, Performance, reviewed_f1
from rubricator.monitor.report.plots import labels_plot, performance_plot
from rubricator.monitor.run import Monitoring, alert_payload, reviewed_truth
from rubricator.monitor.sample import sample_of
from rubricator.monitor.windows import clock_notes, spoken_window
from rubricator.monitor.words import check_change, check_name
from rubricator.pages.formatting import percent, plural
from rubricator.pages.page import render_page, write_page
from rubricator.review.feedback import read_decisions
from rubricator.store.alerts import Alert, MonitorMemory
from rubricator.store.predictions import PredictionLog

PAGE = "monitor.html"
_SHOWN = 26  # windows of the table: half a year of weeks
_JUDGED = TypeAdapter(list[Judged])


def write_report(
    folder: Path, monitoring: Monitoring, *, goals: Sequence[GoalStanding] = (), json: Path | None = None
) -> Path:
    """Write `monitor.html` into a folder, and everything as JSON where a file is named.

    `goals` are shown as the last evaluation left them.

    Raises:
        DataError: Nothing was judged yet, or a file cannot be written.
        StoreError: The database refused.
    """
    judged, alerts = monitoring.judged(), MonitorMemory(monitoring.store).alerts()
    notes = _notes(monitoring)
    page = folder / PAGE
    write_page(page, _page(monitoring, judged, alerts, notes, goals))
    if json is not None:
        _write_json(json, monitoring, judged, alerts, notes)
    return page


def _page(
    monitoring: Monitoring,
    judged: list[Judged],
    alerts: list[Alert],
    notes: list[str],
    goals: Sequence[GoalStanding],
) -> str:
    titles = {key: title for one in monitoring.references for key, title in one.titles.items()}
    lasting = [alert for alert in alerts if alert.over is None]
    told = [one for one in judged if one.checks]
    models = [
        _model(monitoring, reference.model, [one for one in told if one.model == reference.model])
        for reference in monitoring.references
    ]
    context = {
        "kind": "Monitoring",
        "data": {
            "name": ", ".join(one.model for one in monitoring.references),
            "created": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        },
        "settings": monitoring.settings,
        "summary": _summary(judged, lasting, monitoring.settings.false_alarms),
        "notes": notes,
        "alerts": [*lasting, *sorted((one for one in alerts if one.over), key=lambda one: one.since)[::-1]],
        "models": [one for one in models if one],
        "windows": judged[::-1][:_SHOWN],
        "predictions": sum(one.rows for one in judged),
        "lasting": len(lasting),
        "alarms": sum(one.state == "alarm" for one in judged),
        "last": told[-1] if told else None,
        "titles": titles,
        "goals": goals,
    }
    filters: dict[str, Callable[..., str]] = {
        "spoken": lambda one: spoken_window(one.start, one.end),
        "named": lambda name: check_name(name, titles),
        "change": check_change,
        "cause": cause_sentence,
    }
    return render_page("rubricator.monitor.report", "monitor.html.jinja", context, filters)


def _model(monitoring: Monitoring, model: str, judged: list[Judged]) -> dict[str, Any] | None:
    """Everything of one model that the page shows; None where no window of it was judged."""
    if not judged:
        return None
    (reference,) = (one for one in monitoring.references if one.model == model)
    shown, last = judged[-_SHOWN:], judged[-1]
    names = list(dict.fromkeys(check.name for one in shown for check in one.checks))
    known = reference.labelled
    before = (
        reviewed_f1(reference.truth[known], reference.sample.decided[known], reference.space)
        if known.any()
        else None
    )
    return {
        "model": model,
        "about": reference.about,
        "rows": len(reference.sample),
        "last": last,
        "checks": sorted(last.checks, key=lambda one: (not one.moved, one.p_value)),
        "grid": [(name, [_cell(monitoring, one, name) for one in shown]) for name in names],
        "columns": [f"{one.start:%d %b}" for one in shown],
        "performance_plot": performance_plot(judged, before.macro.value if before else None),
        "labels_plot": labels_plot(judged, reference.titles),
        "before": before,
        "best": _best(last.performance) if last.performance else None,
        "reviewed": _reviewed(monitoring, model, shown),
        "titles": reference.titles,
    }


def _cell(monitoring: Monitoring, one: Judged, name: str) -> tuple[float | None, bool, str]:
    """How far a check is from the effect that matters (1), whether it moved, and its words."""
    check: Check | None = next((check for check in one.checks if check.name == name), None)
    if check is None:
        return None, False, ""
    limit = smallest(check, monitoring.settings) or 1.0
    return check.effect / limit / 2, check.moved, check_change(check)


def _best(performance: Performance) -> tuple[F1, str]:
    if performance.corrected is not None:
        return performance.corrected, f"corrected by {plural(performance.reviews, 'blind review')}"
    return performance.shifted, "by calibrated probabilities alone, adjusted to the mix of the window"


def _reviewed(monitoring: Monitoring, model: str, judged: Sequence[Judged]) -> list[tuple[Judged, int, F1]]:
    """True F1 of each window with blind reviews, the newest first."""
    (reference,) = (one for one in monitoring.references if one.model == model)
    decisions = read_decisions(monitoring.reviews or monitoring.store)
    rows = []
    for one in reversed(judged):
        if not one.performance or not one.performance.reviews:
            continue
        logged = [
            row for _, row in PredictionLog(monitoring.store).read(one.start, one.end) if row.model == model
        ]
        truth = reviewed_truth(logged, decisions, reference)
        if truth:
            sample = sample_of(logged, reference.space)
            known = np.array(list(truth.values()), dtype=bool)
            rows.append((one, len(truth), reviewed_f1(known, sample.decided[list(truth)], reference.space)))
    return rows


def _summary(judged: Sequence[Judged], lasting: Sequence[Alert], rate: float) -> list[str]:
    told = [one for one in judged if one.checks]
    if not told:
        return ["No window with enough predictions is over yet: nothing can be told."]
    alarms = sum(one.state == "alarm" for one in told)
    stated = f"at most {percent(rate)} of windows alarm, over all checks together"
    said = [f"{plural(len(told), 'window')} judged, {alarms} with an alarm. Where nothing changes, {stated}."]
    if not lasting:
        said.append("No alert lasts: by all that can be seen, the newest window is like the reference.")
    said += [f"Since {alert.since:%Y-%m-%d}: {alert.about['what']}" for alert in lasting]
    return said


def _notes(monitoring: Monitoring) -> list[str]:
    log = PredictionLog(monitoring.store)
    notes = clock_notes(log, datetime.now(UTC))
    notes += [
        f"{count:,} predictions were served and could not be logged ({reason}); they are missing here."
        for reason, count in sorted(log.losses().items())
    ]
    return notes


def _write_json(
    path: Path, monitoring: Monitoring, judged: list[Judged], alerts: list[Alert], notes: list[str]
) -> None:
    content: Mapping[str, Any] = {
        "false_alarms": monitoring.settings.false_alarms,
        "references": [
            {"model": one.model, "rows": len(one.sample), "about": one.about} for one in monitoring.references
        ],
        "windows": _JUDGED.dump_python(judged, mode="json"),
        "alerts": [alert_payload(alert) for alert in alerts],
        "notes": notes,
    }
    save_json(path, content)
