"""Times as people and machines write them."""

from __future__ import annotations

import math
import re
from datetime import UTC, date, datetime, time
from email.utils import parsedate_to_datetime
from typing import Any

_DAY_FIRST = re.compile(
    r"(\d{1,2})\.(\d{1,2})\.(\d{4})"
    r"(?:,?\s+(\d{1,2}):(\d{2})(?::(\d{2}))?)?"
)
_EPOCH = re.compile(r"\d{9,10}(?:\.\d+)?|\d{12,13}")
_ZONE_NAME = re.compile(r"\s*(?:UTC|GMT|Z)$", re.IGNORECASE)
_ZONE_APART = re.compile(r"\s+(?=[+-]\d{2}:?\d{2}$)")
_MILLISECONDS = 1e11


def parse_time(value: Any) -> datetime | None:
    """A moment in UTC, or None where the value is no time.

    Understood: ISO 8601 in its variants (also with a space or with slashes between the numbers),
    `DD.MM.YYYY` with an optional `HH:MM[:SS]`, seconds or milliseconds since 1970, RFC 2822, and the
    time types of Parquet and Excel. Times without a zone are taken as UTC.
    """
    try:
        moment = _parse(value)
        if moment is None:
            return None
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _parse(value: Any) -> datetime | None:
    if isinstance(value, datetime):
        return value
    if isinstance(value, date):
        return datetime.combine(value, time())
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int | float):
        return _epoch(float(value))
    return _written(str(value).strip())


def _epoch(seconds: float) -> datetime | None:
    """Seconds from 1973 on (or milliseconds); smaller numbers are years, counts or ids."""
    if math.isfinite(seconds) and seconds >= 1e8:
        return datetime.fromtimestamp(seconds / 1000 if seconds >= _MILLISECONDS else seconds, UTC)
    return None


def _written(text: str) -> datetime | None:
    if _EPOCH.fullmatch(text):
        return _epoch(float(text))
    if match := _DAY_FIRST.fullmatch(text):
        day, month, year, hour, minute, second = (int(number) for number in match.groups("0"))
        return datetime(year, month, day, hour, minute, second)
    iso = _ZONE_APART.sub("", _ZONE_NAME.sub("+00:00", text)).replace("/", "-")
    try:
        return datetime.fromisoformat(iso)
    except ValueError:
        return parsedate_to_datetime(text)
