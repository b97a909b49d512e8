"""The curve of a two-speed model: texts a second against what they cost."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from rubricator.evaluate.plots import style
from rubricator.stats.bootstrap import Estimate

Point = tuple[float, Estimate]
"""Texts a second, and how much the metric falls, with a bound above."""


def draw_speed(
    points: Sequence[Point], chosen: Point, alone: float, image: Path, *, metric: str, max_drop: float
) -> None:
    """Draw how far the metric falls the more texts a second are answered, and the bar in force.

    Args:
        points: The curve, from slow to quick.
        chosen: The point in force.
        alone: Texts a second of the encoder alone, with which nothing falls.
        image: Where the PNG goes.
        metric: What falls, in words.
        max_drop: By how much it may.

    Raises:
        DataError: The file cannot be written.
    """
    rates = [alone, *(rate for rate, _ in points)]
    falls = [0.0, *(fall.value or 0.0 for _, fall in points)]
    bounds = [0.0, *(fall.high or 0.0 for _, fall in points)]
    with style.styled():
        figure, axes = style.new_figure(5.2, 3.0)
        axes.plot(rates, [-fall for fall in falls], color=style.HAS, linewidth=1.6, label="expected")
        axes.plot(
            rates,
            [-bound for bound in bounds],
            color=style.HAS,
            linewidth=0.9,
            linestyle=(0, (4, 2)),
            label="95 % bound",
        )
        axes.axhline(-max_drop, color=style.QUIET, linewidth=0.8, linestyle=(0, (1, 2)), label="allowed")
        axes.plot(alone, 0.0, "s", color=style.INK, markersize=4, label="encoder alone", clip_on=False)
        axes.plot(chosen[0], -(chosen[1].value or 0.0), "o", color=style.MARK, markersize=5, label="in force")
        axes.set_xscale("log")
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda rate, _: f"{rate:,.0f}"))
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.set_xlabel("texts a second")
        axes.set_ylabel(f"change of {metric}")
        axes.grid(visible=True, axis="y")
        axes.legend(loc="lower left")
        style.save(figure, image)
