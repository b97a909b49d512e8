"""The newest judgement as figures for Prometheus, in a file that its node exporter reads."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rubricator.errors import MissingExtraError
from rubricator.monitor.judge import Judged
from rubricator.store.alerts import Alert
from rubricator.whole_files import requested_file

FIGURES = {
    "rubricator_monitor_effect": "How far a check of the newest window lies from the reference.",
    "rubricator_monitor_moved": "1 where a check of the newest window moved beyond chance.",
    "rubricator_monitor_expected_f1": "Macro-F1 that calibrated probabilities promise, corrected by reviews.",
    "rubricator_monitor_predictions": "Predictions in the newest window.",
    "rubricator_monitor_window_end_seconds": "When the newest judged window ended, in seconds since 1970.",
    "rubricator_monitor_alerts": "Alerts that are not over.",
}


def write_figures(path: Path, judged: Sequence[Judged], lasting: Sequence[Alert]) -> None:
    """Write the figures of the newest window of each model, whole or not at all.

    Raises:
        MissingExtraError: prometheus-client is not installed.
        DataError: The file cannot be written.
    """
    try:
        from prometheus_client import CollectorRegistry, Gauge, generate_latest
    except ImportError as error:
        raise MissingExtraError(
            "prometheus-client", extra="serve", purpose="Writing figures for Prometheus"
        ) from error
    registry = CollectorRegistry()
    labels = {name: ["model"] for name in FIGURES} | {
        "rubricator_monitor_effect": ["model", "check"],
        "rubricator_monitor_moved": ["model", "check"],
    }
    gauges = {name: Gauge(name, about, labels[name], registry=registry) for name, about in FIGURES.items()}
    for one in {one.model: one for one in judged if one.checks}.values():
        for check in one.checks:
            gauges["rubricator_monitor_effect"].labels(one.model, check.name).set(check.effect)
            gauges["rubricator_monitor_moved"].labels(one.model, check.name).set(check.moved)
        gauges["rubricator_monitor_predictions"].labels(one.model).set(one.rows)
        gauges["rubricator_monitor_window_end_seconds"].labels(one.model).set(one.end.timestamp())
        if one.performance is not None:
            best = one.performance.corrected or one.performance.shifted
            if best.macro.value is not None:
                gauges["rubricator_monitor_expected_f1"].labels(one.model).set(best.macro.value)
    for model in {one.model for one in judged if one.model}:
        count = sum(alert.model == model for alert in lasting)
        gauges["rubricator_monitor_alerts"].labels(model).set(count)
    with requested_file(path, called="The figures", fix="Name another file.") as part:
        part.write_bytes(generate_latest(registry))
