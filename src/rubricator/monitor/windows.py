"""What was served, cut into windows, each judged once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from rubricator.config.monitor import Monitor
from rubricator.store.predictions import LoggedPrediction, PredictionLog

FUTURE = timedelta(minutes=5)
"""By how much a clock may be ahead; what is logged as later than that is left till its time."""
_LENGTHS = {"day": timedelta(days=1), "week": timedelta(weeks=1)}
_MONDAY = datetime(1970, 1, 5, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Window:
    """Predictions of a stretch of time; `end` does not belong to it."""

    start: datetime
    end: datetime
    rows: list[LoggedPrediction]

    def by_model(self) -> dict[str, list[LoggedPrediction]]:
        """The rows of each model."""
        rows: dict[str, list[LoggedPrediction]] = defaultdict(list)
        for row in self.rows:
            rows[row.model].append(row)
        return dict(rows)


def read_windows(
    log: PredictionLog, settings: Monitor, now: datetime, since: datetime | None = None
) -> Iterator[Window]:
    """The windows that are over, the oldest first; of those by time also the empty ones between others.

    Days and weeks begin at midnight UTC, weeks on Monday. `since` leaves out windows that ended before.
    """
    if isinstance(settings.window, int):
        yield from _by_count(log, settings.window, now, since)
        return
    span = log.span()
    if span is None:
        return
    length = _LENGTHS[settings.window]
    start = _begin(span[0] if since is None else max(since, span[0]), length)
    last = min(span[1], now + FUTURE)
    while start <= last and start + length <= now:
        rows = [row for _, row in log.read(start, start + length)]
        yield Window(start, start + length, rows)
        start += length


def _begin(moment: datetime, length: timedelta) -> datetime:
    return moment - (moment - _MONDAY) % length


def _by_count(log: PredictionLog, count: int, now: datetime, since: datetime | None) -> Iterator[Window]:
    """In the order in which predictions were logged, which is that of time unless a clock jumped."""
    rows: list[LoggedPrediction] = []
    for _, row in log.read(until=now + FUTURE):
        rows.append(row)
        if len(rows) == count:
            moments = [one.at for one in rows]
            end = max(moments) + timedelta(microseconds=1)
            if since is None or end > since:
                yield Window(min(moments), end, rows)
            rows = []


def clock_notes(log: PredictionLog, now: datetime) -> list[str]:
    """What is wrong with the times in a log, as sentences: they lie in the future, or ran backwards."""
    ahead = back = 0
    latest: datetime | None = None
    farthest = timedelta()
    for _, row in log.read():
        if row.at > now + FUTURE:
            ahead += 1
        elif latest is not None and latest - row.at > FUTURE:
            back += 1
            farthest = max(farthest, latest - row.at)
        else:
            latest = row.at
    notes = []
    if ahead:
        notes.append(
            f"{ahead:,} predictions are logged at times that are still to come: a clock was ahead. They are "
            "looked at when their time has come."
        )
    if back:
        notes.append(
            f"{back:,} predictions are logged earlier than others before them, by up to {_span(farthest)}: a "
            "clock was set back, or clocks of several machines differ. Each counts in the window of its time."
        )
    return notes


def _span(length: timedelta) -> str:
    hours = length.total_seconds() / 3600
    return (
        f"{hours / 24:.0f} days"
        if hours >= 48
        else f"{hours:.0f} hours"
        if hours >= 2
        else f"{hours * 60:.0f} min"
    )


def spoken_window(start: datetime, end: datetime) -> str:
    """`2026-11-02 – 2026-11-08`, with times where it is no whole days."""
    if (end - start) % timedelta(days=1) or start.time() != datetime.min.time():
        return f"{start:%Y-%m-%d %H:%M} – {end:%Y-%m-%d %H:%M}"
    last = end - timedelta(days=1)
    return f"{start:%Y-%m-%d}" if last.date() == start.date() else f"{start:%Y-%m-%d} – {last:%Y-%m-%d}"
