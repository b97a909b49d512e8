"""What monitoring has to say, in sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rubricator.monitor.checks import Check
from rubricator.pages.formatting import percent, plural

NAMES = {
    "none": "texts without a category",
    "confidence": "confidence (median)",
    "length": "length in characters (median)",
    "language": "languages",
    "unknown": "unknown words (median share)",
    "source": "sources",
    "vectors": "vectors of the texts",
    "reviewed": "right where people looked",
}
_FEW = 4


def check_name(name: str, titles: Mapping[str, str]) -> str:
    """What a check is called."""
    kind, _, rest = name.partition(":")
    if kind == "labels":
        return f"share of {titles.get(rest, rest)}"
    return f"column {rest}" if kind == "features" else NAMES.get(name, name)


def check_change(check: Check) -> str:
    """From what to what, as `12% → 31%`."""
    if check.values:
        return "; ".join(
            f"{name} {percent(old)} → {percent(new)}" for name, (old, new) in check.values.items()
        )
    if check.kind == "vectors":
        return f"told apart from the reference with AUC {check.now:.2f}" if check.now is not None else ""
    if check.before is None or check.now is None:
        return ""
    if check.kind == "share" or check.name in ("confidence", "unknown"):
        return f"{percent(check.before)} → {percent(check.now)}"
    return f"{check.before:,.0f} → {check.now:,.0f}"


def moved_sentence(checks: Sequence[Check], titles: Mapping[str, str]) -> str:
    """What changed, the most certain first: `share of Sport 12% → 31%, … and 2 more`."""
    said = [f"{check_name(one.name, titles)} ({check_change(one)})" for one in checks[:_FEW]]
    more = f", and {plural(len(checks) - _FEW, 'more check')}" if len(checks) > _FEW else ""
    return ", ".join(said) + more
