"""The figures of the page: what was known after each day, and every metric beside its limit."""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from rubricator.evaluate.plots import style
from rubricator.experiment.plan import Guardrail
from rubricator.experiment.report import ExperimentReport, Look, Result, Segment
from rubricator.stats.bootstrap import Estimate

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_DASHED = (0, (4, 3))


def draw_looks(report: ExperimentReport) -> bytes | None:
    """The goal's change after each day with its always-valid interval, as PNG; None without any."""
    relative = all(look.relative.value is not None for look in report.looks)
    estimates = [look.relative if relative else look.difference for look in report.looks]
    if not estimates:
        return None
    goal = report.plan.goal
    worth = goal.difference / goal.baseline if relative else goal.difference
    with style.styled():
        figure, axes = style.new_figure(6.9, 3.0)
        _draw_looks(axes, report.looks, estimates, worth, report.started)
        if relative:
            _percent(axes, "y")
        axes.set_ylabel("change of the goal" if relative else "treatment less control")
        return _png(figure)


def draw_metrics(report: ExperimentReport) -> bytes | None:
    """Every metric's relative change, and what it must reach or not pass; None without any."""
    results = [report.goal, *report.metrics, *report.guardrails]
    rows = [one for one in results if one.relative.value is not None]
    names, limits = [_named(one) for one in rows], [_limit(one) for one in rows]
    return _forest(names, [one.relative for one in rows], limits)


def draw_segments(segments: Sequence[Segment]) -> bytes | None:
    """The goal's relative change by segment; None where none has one."""
    rows = [one for one in segments if one.relative.value is not None]
    names = [f"{one.column}: {one.value} ({one.units:,})" for one in rows]
    return _forest(names, [one.relative for one in rows], [None] * len(rows))


def _draw_looks(
    axes: Axes, looks: Sequence[Look], estimates: Sequence[Estimate], worth: float, started: float
) -> None:
    days = np.array([(look.at - started) / 86_400 for look in looks])
    value = np.array([one.value for one in estimates], dtype=float)
    low = np.array([one.low for one in estimates], dtype=float)
    high = np.array([one.high for one in estimates], dtype=float)
    axes.axhline(0, color=style.INK, linewidth=0.8)
    axes.axhline(worth, color=style.MARK, linewidth=0.8, linestyle=_DASHED)
    look: dict[str, Any] = {"xycoords": ("axes fraction", "data"), "textcoords": "offset points"}
    axes.annotate("worth\nhaving", (1, worth), (4, 0), va="center", fontsize=7, color=style.MARK, **look)
    if len(days) == 1:
        axes.vlines(days, low, high, color=style.HAS, alpha=0.4, linewidth=3)
    axes.fill_between(days, low, high, color=style.HAS, alpha=0.16, linewidth=0)
    axes.plot(days, value, color=style.HAS, marker="o", markersize=2.6, linewidth=1.4)
    # The first days are so wide that the later ones would be a line.
    reach = max(3 * float(high[-1] - low[-1]), 1.3 * abs(worth), 1.3 * float(np.abs(value[-1])))
    axes.set_ylim(max(float(low.min()), -reach) * 1.05, min(float(high.max()), reach) * 1.05)
    first = datetime.fromtimestamp(started, UTC).strftime("%Y-%m-%d")
    axes.set_xlabel(f"days since {first}")
    axes.grid(visible=True, axis="y")


def _forest(names: list[str], estimates: list[Estimate], limits: list[float | None]) -> bytes | None:
    if not names:
        return None
    with style.styled():
        figure, axes = style.new_figure(6.9, 0.7 + 0.36 * len(names))
        axes.axvline(0, color=style.INK, linewidth=0.8)
        for row, (one, limit) in enumerate(zip(estimates, limits, strict=True)):
            value, low, high = np.array([one.value, one.low, one.high], dtype=float)
            axes.plot([low, high], [row, row], color=style.HAS, linewidth=2.2, alpha=0.5)
            axes.plot(value, row, "o", color=style.HAS, markersize=6)
            if limit is not None:
                look: dict[str, Any] = {"color": style.MARK, "markersize": 13, "markeredgewidth": 1.4}
                axes.plot(limit, row, "|", **look)
        axes.set_yticks(range(len(names)), [style.wrapped(name, 34) for name in names])
        axes.set_ylim(len(names) - 0.5, -0.5)
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
        _percent(axes, "x")
        axes.set_xlabel("relative change, treatment against control")
        axes.grid(visible=True, axis="x")
        return _png(figure)


def _named(result: Result) -> str:
    return f"{result.metric.name} ({result.role})" if result.role != "metric" else result.metric.name


def _limit(result: Result) -> float | None:
    """Where a guardrail is broken; what would be worth having, of the goal."""
    metric = result.metric
    sign = 1 if metric.direction == "up" else -1
    if isinstance(metric, Guardrail):
        return -sign * metric.worst
    return sign * metric.smallest_change if hasattr(metric, "smallest_change") else None


def _percent(axes: Axes, name: str) -> None:
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    axis = axes.xaxis if name == "x" else axes.yaxis
    axis.set_major_locator(MaxNLocator(nbins=6, steps=[1, 2, 2.5, 5, 10]))
    axis.set_major_formatter(FuncFormatter(lambda share, _: f"{100 * share:+.3g}%" if share else "0"))


def _png(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()
