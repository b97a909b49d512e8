"""Times as people and machines write them."""

from __future__ import annotations

import math
import re
from contextlib import suppress
from datetime import UTC, date, datetime, time
from email.utils import parsedate_to_datetime
from typing import Any

_MONTHS = {
    month: number
    for number, month in enumerate(
        ["янв", "фев", "мар", "апр", "май", "июн", "июл", "авг", "сен", "окт", "ноя", "дек"], start=1
    )
} | {"мая": 5}
_DAY_FIRST = re.compile(
    rf"^(\d{{1,2}})(?:\.(\d{{1,2}})\.|\s+({'|'.join(_MONTHS)})[а-я]*\.?\s+)(\d{{4}}|\d\d)(?:\s*(?:г\.|года|г))?(?=[\s,]|$)"
    r"(?:,?\s+(?:в\s+)?(\d{1,2})(?=:))?",
    re.IGNORECASE,
)
_EPOCH = re.compile(r"\d{9,10}(?:\.\d+)?|\d{12,13}")
_ZONES = {"utc": " +0000", "gmt": " +0000", "z": " +0000", "msk": " +0300", "мск": " +0300"}
_ZONE_NAME = re.compile(rf"(?<=[\d\s])\s*({'|'.join(_ZONES)})$", re.IGNORECASE)
_ZONE_APART = re.compile(r"\s+(?=[+-]\d{2}:?\d{2}$)")
_MILLISECONDS = 1e11
_LONGEST = 200  # characters of a time, with the spaces and comments that RFC 2822 allows


def parse_time(value: Any) -> datetime | None:
    """A moment in UTC, or None where the value is no time.

    Understood: ISO 8601 in its variants (also with a space or with slashes between the numbers),
    `DD.MM.YYYY`, `DD.MM.YY` and `12 марта 2026 г.` with an optional time of day, seconds or milliseconds
    since 1970, RFC 2822, and the time types of Parquet and Excel. Times without a zone are taken as UTC.
    `12/03/2026` is no time: it is in March in one country and in December in another.
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
    if len(text) > _LONGEST:
        return None
    if _EPOCH.fullmatch(text):
        return _epoch(float(text))
    with suppress(ValueError):
        return datetime.fromisoformat(text)
    text = _ZONE_NAME.sub(lambda match: _ZONES[match[1].casefold()], text)
    iso = _ZONE_APART.sub("", _DAY_FIRST.sub(_year_first, text)).replace("/", "-")
    try:
        return datetime.fromisoformat(iso)
    except ValueError:
        return parsedate_to_datetime(text)


def _year_first(match: re.Match[str]) -> str:
    day, number, name, year, hour = match.groups()
    month = int(number or _MONTHS[name.casefold()])
    # Two digits mean 1969 to 2068, as in POSIX.
    full = int(year) if len(year) == 4 else int(year) + (2000 if int(year) < 69 else 1900)
    return f"{full:04}-{month:02}-{int(day):02}" + (f" {int(hour):02}" if hour else "")
