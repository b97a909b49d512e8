"""Cells of feature columns as they are found, read as what their column holds."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from types import MappingProxyType

from rubricator.config.kinds import ColumnKind
from rubricator.records import Feature
from rubricator.times import parse_time

Value = float | datetime | str

_MISSING = {"", "nan", "nat", "null", "n/a", "<na>"}
_YES = {"true", "yes", "y", "да", "иә", "1"}
_NO = {"false", "no", "n", "нет", "жоқ", "0"}
_GROUPED = re.compile(r"[+-]?\d{1,3}(?:,\d{3})+(?:\.\d+)?")
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?", re.IGNORECASE)
_ISO_DURATION = re.compile(
    r"P(?=.)(?:(\d+(?:\.\d+)?)D)?(?:T(?=.)(?:(\d+(?:\.\d+)?)H)?(?:(\d+(?:\.\d+)?)M)?(?:(\d+(?:\.\d+)?)S)?)?"
)
_CLOCK = re.compile(r"(?:(\d{1,3}):)?(\d{1,3}):(\d{2}(?:\.\d+)?)")
_UNITS = re.compile(
    r"(?:(\d+)\s*(?:d|days?|дн?\.?|дней|дня|день)\s*)?"
    r"(?:(\d+)\s*(?:h|hr|hrs|hours?|ч\.?|час(?:а|ов)?)\s*)?"
    r"(?:(\d+)\s*(?:m|min|mins|minutes?|м\.?|мин\.?|минут[аы]?)\s*)?"
    r"(?:(\d+(?:\.\d+)?)\s*(?:s|sec|secs|seconds?|с\.?|сек\.?|секунд[аы]?))?",
    re.IGNORECASE,
)
_SECONDS = (86400, 3600, 60, 1)
_LONGEST = 200  # characters of a number or a length of time, spaces and all


def is_missing(value: Feature) -> bool:
    """True of an empty cell: None, NaN, blank, or a word for nothing (`null`, `n/a`)."""
    if isinstance(value, float):
        return math.isnan(value)
    return value is None or (isinstance(value, str) and value.strip().lower() in _MISSING)


def as_number(value: Feature) -> float | None:
    """A finite number: `12`, `-0.5`, `1e6`, `1 234`, `1,234`, `0,5`, `12%`; else None."""
    if isinstance(value, str):
        if len(value) > _LONGEST:
            return None
        text = re.sub(r"[\s\u00a0\u202f_]", "", value).removesuffix("%")
        text = text.replace(",", "") if _GROUPED.fullmatch(text) else text.replace(",", ".", 1)
        value = float(text) if _NUMBER.fullmatch(text) else None
    return float(value) if value is not None and math.isfinite(value) else None


def as_seconds(value: Feature) -> float | None:
    """A length of time in seconds: `PT8M47S`, `8:47`, `00:08:47`, `527 s`, `1 h 5 min`, or a number."""
    if not isinstance(value, str):
        return as_number(value)
    if len(value) > _LONGEST:
        return None
    text = value.strip()
    if match := _CLOCK.fullmatch(text):
        return _sum((None, *match.groups()))
    for pattern in (_ISO_DURATION, _UNITS):
        if text and (match := pattern.fullmatch(text)):
            return _sum(match.groups())
    return as_number(text)


def as_boolean(value: Feature) -> float | None:
    """1 for yes, 0 for no, in English, Russian or Kazakh words or as a number; else None."""
    word = as_level(value)
    return 1.0 if word in _YES else 0.0 if word in _NO else None


def as_level(value: Feature) -> str:
    """The name of a level: without case and outer spaces, whole numbers without a decimal point."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return " ".join(str(value).split()).casefold()


READERS: Mapping[ColumnKind, Callable[[Feature], Value | None]] = MappingProxyType(
    {
        "boolean": as_boolean,
        "numeric": as_number,
        "duration": as_seconds,
        "date": parse_time,
        "categorical": as_level,
    }
)
"""What reads the cells of each kind of column; None where a cell is of another kind."""


def _sum(parts: tuple[str | None, ...]) -> float | None:
    total = sum(float(part) * seconds for part, seconds in zip(parts, _SECONDS, strict=True) if part)
    return total if math.isfinite(total) else None
