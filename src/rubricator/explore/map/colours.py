"""Colours that people of any colour vision tell apart; `map.js` has the same."""

from __future__ import annotations

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#6b4c9a", "#404040")
"""Okabe and Ito, "Color universal design", 2008, with violet for its yellow, which white swallows."""
SHAPES = ("o", "s", "^", "D")
"""Matplotlib's names; the next one where colours begin again."""
NONE = "#b9bdc4"
SCALE, SCALE_ENDS = "cividis", 0.83
"""Nuñez, Anderton and Renslow, 2018: reads the same with any colour vision; without its last yellow."""


def colour(level: int) -> str:
    """Of a group by its place in the legend."""
    return COLOURS[level % len(COLOURS)]


def shape(level: int) -> str:
    """Of a group by its place in the legend."""
    return SHAPES[level // len(COLOURS) % len(SHAPES)]
