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
    last: int = 0  # number of the last row

    def by_model(self) -> dict[str, list[LoggedPrediction]]:
        """The rows of each model."""
        rows: dict[str, list[LoggedPrediction]] = defaultdict(list)
        for row in self.rows:
            rows[row.model].append(row)
        return dict(rows)


@dataclass(frozen=True, slots=True)
class Seen:
    """How far windows were judged: the end of the last one, and the number of its last row."""

    end: datetime
    last: int


def read_windows(
    log: PredictionLog, settings: Monitor, now: datetime, seen: Seen | None = None
) -> Iterator[Window]:
    """The windows that are over and not seen yet, the oldest first.

    Days and weeks begin at midnight UTC, weeks on Monday; a stretch without predictions is one empty window,
    however long (a clock may have stood at 1970). What is logged late, for a window that was seen, is
    in no other.
    """
    if isinstance(settings.window, int):
        yield from _by_count(log, settings.window, now, 0 if seen is None else seen.last)
        return
    span = log.span(None if seen is None else seen.end, now + FUTURE)
    if span is None:
        return
    length = _LENGTHS[settings.window]
    start = _begin(span[0], length) if seen is None else _begin(seen.end, length)
    while start + length <= now:
        rows = dict(log.read(start, start + length))
        end = start + length
        if not rows:
            following = log.span(start, now + FUTURE)
            if following is None:
                return
            end = _begin(following[0], length)
        yield Window(start, end, list(rows.values()), max(rows, default=0))
        start = end


def _begin(moment: datetime, length: timedelta) -> datetime:
    return moment - (moment - _MONDAY) % length


def _by_count(log: PredictionLog, count: int, now: datetime, after: int) -> Iterator[Window]:
    """In the order in which predictions were logged, which is that of time unless a clock jumped."""
    rows: list[LoggedPrediction] = []
    for number, row in log.read(until=now + FUTURE, after=after):
        rows.append(row)
        if len(rows) == count:
            moments = [one.at for one in rows]
            yield Window(min(moments), max(moments) + timedelta(microseconds=1), rows, number)
            rows = []


def clock_notes(log: PredictionLog, now: datetime) -> list[str]:
    """What is wrong with the times in a log, as sentences: they lie in the future, or ran backwards."""
    ahead = back = 0
    latest: datetime | None = None
    farthest = timedelta()
    for at in log.moments():
        if at > now + FUTURE:
            ahead += 1
        elif latest is not None and latest - at > FUTURE:
            back += 1
            farthest = max(farthest, latest - at)
        else:
            latest = at
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
