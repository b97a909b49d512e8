"""What windows come to, drawn over time."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from io import BytesIO

from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

from rubricator.evaluate.plots import style
from rubricator.monitor.judge import Judged
from rubricator.stats.bootstrap import Estimate

_MOST_LINES = 8
_COLOURS = ("#0072B2", "#E69F00", "#009E73", "#B2182B", "#56B4E9", "#CC79A7", "#F0E442", "#6b7280")


def performance_plot(judged: Sequence[Judged], before: float | None) -> str:
    """F1 by window: expected, corrected by reviews, and by reviews alone; a data URI."""

    def draw(axes: Axes) -> None:
        moments = [one.start for one in judged if one.performance]
        found = [one.performance for one in judged if one.performance]
        if before is not None:
            axes.axhline(before, color=style.QUIET, linewidth=0.8, linestyle=(0, (4, 3)), label="reference")
        ways: tuple[tuple[str, str, list[Estimate | None]], ...] = (
            ("expected", style.HAS, [one.shifted.macro for one in found]),
            (
                "corrected by reviews",
                style.MARK,
                [one.corrected.macro if one.corrected else None for one in found],
            ),
            ("reviews alone", style.HAS_NOT, [one.reviewed.macro if one.reviewed else None for one in found]),
        )
        for label, colour, estimates in ways:
            known = [
                (at, e.value, e.low, e.high)
                for at, e in zip(moments, estimates, strict=True)
                if e is not None and e.value is not None and e.low is not None and e.high is not None
            ]
            if not known:
                continue
            at, value, low, high = zip(*known, strict=True)
            axes.vlines(at, low, high, color=colour, alpha=0.5, linewidth=1.6)
            axes.plot(at, value, "o-", color=colour, markersize=3.5, linewidth=1, label=label)
        axes.set_ylim(-0.02, 1.02)
        axes.grid(visible=True, axis="y")
        axes.set_ylabel("macro-F1")
        axes.legend(loc="lower left")

    return _drawn(draw)


def labels_plot(judged: Sequence[Judged], titles: Mapping[str, str]) -> str:
    """Share of each category by window, the commonest eight; a data URI."""

    def draw(axes: Axes) -> None:
        shares: dict[str, list[tuple[object, float]]] = {}
        for one in judged:
            for check in one.checks:
                if check.name == "none" or check.name.startswith("labels:"):
                    shares.setdefault(check.name, []).append((one.start, check.now or 0.0))
        common = sorted(shares, key=lambda name: -sum(share for _, share in shares[name]))[:_MOST_LINES]
        for name, colour in zip(common, _COLOURS, strict=False):
            at, share = zip(*shares[name], strict=True)
            key = name.partition(":")[2]
            label = style.shortened(titles.get(key, key) or "no category", 30)
            axes.plot(at, share, "o-", color=colour, markersize=3, linewidth=1.1, label=label)
        style.percent_axis(axes, "share of predictions")
        axes.set_ylim(bottom=0)
        axes.legend(loc="center left", bbox_to_anchor=(1.01, 0.5))

    return _drawn(draw)


def _drawn(draw: Callable[[Axes], None]) -> str:
    with style.styled():
        figure, axes = style.new_figure(6.9, 2.4)
        draw(axes)
        locator = AutoDateLocator()  # type: ignore[no-untyped-call]
        axes.xaxis.set_major_locator(locator)
        axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]
        data = BytesIO()
        figure.savefig(data, format="png", metadata={"Software": None})
    return f"data:image/png;base64,{base64.b64encode(data.getvalue()).decode()}"
