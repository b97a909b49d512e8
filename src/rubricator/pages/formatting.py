"""How figures are written for people: the same everywhere in the report."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rubricator.errors import plural as plural

if TYPE_CHECKING:  # numpy, which the command line need not wait for
    from rubricator.stats.bootstrap import Estimate

NONE = "–"


def figure(value: float | None, digits: int = 2) -> str:
    """`0.83`, or a dash for what is undefined."""
    return NONE if value is None else f"{value:.{digits}f}"


def interval(estimate: Estimate, digits: int = 2) -> str:
    """`0.77–0.87`, or a dash where there is none."""
    if estimate.low is None or estimate.high is None:
        return NONE
    return f"{estimate.low:.{digits}f}–{estimate.high:.{digits}f}"


def count(number: int) -> str:
    """`12,345`."""
    return f"{number:,}"


def percent(share: float) -> str:
    """`93%`; never rounded to 0% or 100% where it is neither."""
    if 0 < share < 0.01:
        return "<1%"
    if 0.99 < share < 1:
        return ">99%"
    return f"{share:.0%}"


def duration(seconds: float) -> str:
    """`0.4 ms`, `27 ms`, `1.3 s`, `4 min`, `2 h 5 min`."""
    if seconds < 0.0001:
        return "<0.1 ms"
    if seconds < 0.00995:
        return f"{seconds * 1000:.1f} ms"
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 90:
        return f"{seconds:.1f}".removesuffix(".0") + " s"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours:,} h {minutes} min" if hours else f"{minutes} min"


def excerpt(text: str, length: int) -> str:
    """The beginning of a text that is longer, followed by ` …`."""
    return text if len(text) <= length else text[:length].rstrip() + " …"


def shade(share: float | None) -> str:
    """Background and ink of a cell of a heat map; white letters where it is dark."""
    depth = min(max(share or 0.0, 0.0), 1.0)
    return f"background: rgb(0 114 178 / {depth:.2f}); color: {'white' if depth > 0.6 else 'inherit'}"


def series(words: list[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return " and ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else "".join(words)
