"""How every figure looks: one palette, one font, nothing that does not carry a number."""

from __future__ import annotations

import functools
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import findfont
from matplotlib.ft2font import FT2Font
from matplotlib.ticker import MaxNLocator, MultipleLocator, PercentFormatter

from rubricator.errors import DataError

# Okabe & Ito, "Color Universal Design", 2008: told apart with every kind of colour blindness; blue
# is also clearly the darker of the two in greyscale print.
HAS = "#0072B2"
HAS_NOT = "#E69F00"
MARK = "#B2182B"
INK = "#1f2328"
QUIET = "#6b7280"
FAINT = "#d9dce1"

_DOTS = 220
_FONT = "DejaVu Sans"  # ships with matplotlib and has Cyrillic letters
_SETTINGS: dict[Any, Any] = {
    "font.family": [_FONT],
    "font.size": 8.0,
    "axes.edgecolor": QUIET,
    "axes.labelcolor": INK,
    "axes.labelsize": 7.5,
    "axes.linewidth": 0.6,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.axisbelow": True,
    "grid.color": FAINT,
    "grid.linewidth": 0.5,
    "hatch.linewidth": 0.6,
    "legend.frameon": False,
    "legend.fontsize": 6.8,
    "legend.handlelength": 1.4,
    "text.color": INK,
    # a dollar sign in a category's name is no formula
    "text.parse_math": False,
    "xtick.color": QUIET,
    "ytick.color": QUIET,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.labelsize": 7.0,
    "ytick.labelsize": 7.0,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
}


@contextmanager
def styled() -> Iterator[None]:
    """Draw in the house style whatever settings the user's own matplotlib has."""
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(_SETTINGS)
        yield


def new_panel() -> tuple[Figure, Axes]:
    """One of the small figures of a category; all have their axes at the same place, to line up."""
    figure = Figure(figsize=(2.75, 2.4), dpi=_DOTS)
    FigureCanvasAgg(figure)
    return figure, figure.add_axes((0.175, 0.17, 0.795, 0.61))


def new_figure(width: float, height: float) -> tuple[Figure, Axes]:
    """A figure of its own size, in inches, with room for long names."""
    figure = Figure(figsize=(width, height), dpi=_DOTS, layout="constrained")
    FigureCanvasAgg(figure)
    return figure, figure.add_subplot()


def save(figure: Figure, path: Path) -> None:
    """Write a PNG that is the same, byte for byte, for the same figure.

    Raises:
        DataError: The file cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, metadata={"Software": None})
    except OSError as error:
        raise DataError(
            f"The plots cannot be written: {error}.", fix="Name a folder that you can write."
        ) from error


def head(figure: Figure, title: str, *, subject: str, note: str) -> None:
    """Head a panel: what it is about, what it shows and, on the right, its one figure."""
    figure.text(0.035, 0.94, shortened(subject, 44), color=QUIET, fontsize=6.8)
    figure.text(0.035, 0.88, title, fontsize=8.5, fontweight="bold")
    figure.text(0.97, 0.88, note, ha="right", fontsize=8)


def unit_axis(axes: Axes, *, x: str = "", y: str = "") -> None:
    """Give the named axes the range 0 to 1 with equal ticks and a faint grid."""
    for axis, label in ((axes.xaxis, x), (axes.yaxis, y)):
        if not label:
            continue
        axis.set_major_locator(MultipleLocator(0.2))
        axis.set_label_text(label)
        axis.grid(visible=True)
    if x:
        axes.set_xlim(-0.02, 1.02)
    if y:
        axes.set_ylim(-0.02, 1.02)


def percent_axis(axes: Axes, label: str) -> None:
    """Give the vertical axis shares as per cent."""
    axes.yaxis.set_major_locator(MaxNLocator(nbins=5, steps=[1, 2, 5, 10]))
    axes.yaxis.set_major_formatter(PercentFormatter(xmax=1, decimals=0))
    axes.set_ylabel(label)
    axes.grid(visible=True, axis="y")


def shortened(text: str, width: int) -> str:
    """A title that fits and that the font can draw (an emoji or a Chinese sign becomes `?`)."""
    drawn = "".join(sign if ord(sign) in _drawable() else "?" for sign in " ".join(text.split()))
    return drawn if len(drawn) <= width else drawn[: width - 1].rstrip() + "…"


def wrapped(text: str, width: int) -> str:
    """The same over at most two lines."""
    first, *others = textwrap.wrap(shortened(text, 2 * width), width) or [""]
    return "\n".join([first, shortened(" ".join(others), width)]) if others else first


@functools.cache
def _drawable() -> dict[int, int]:
    return dict(FT2Font(findfont(_FONT)).get_charmap())
