"""Values of feature columns as rules compare them: numbers, durations, levels."""

from __future__ import annotations

import math
import re

from rubricator.records import Feature

_DURATION = re.compile(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?", re.IGNORECASE)
_SECONDS = (86_400, 3_600, 60, 1)


def number_of(value: Feature) -> float | None:
    """The value as a number: ISO 8601 durations in seconds; None where it is none."""
    if value is None or isinstance(value, bool):
        return None
    if isinstance(value, str):
        return _number_in(value.strip())
    return float(value) if math.isfinite(value) else None


def _number_in(written: str) -> float | None:
    duration = _DURATION.fullmatch(written) if len(written) > 2 else None
    if duration and any(duration.groups()):
        pairs = zip(duration.groups(), _SECONDS, strict=True)
        return sum(float(amount) * seconds for amount, seconds in pairs if amount)
    try:
        number = float(written)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def same_value(one: Feature, other: Feature) -> bool:
    """True if two values are the same level: whatever the case, however a number is written."""
    return level_of(one) == level_of(other)


def level_of(value: Feature) -> str:
    """The value as a level."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip().casefold()
