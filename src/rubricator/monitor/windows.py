"""What was served, cut into windows, each judged once."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from rubricator.config.monitor import Monitor
from rubricator.store.predictions import LoggedPrediction, PredictionLog

FUTURE = timedelta(minutes=5)
"""By how much a clock may be ahead; what is logged as later than that is left till its time."""
_LENGTHS = {"day": timedelta(days=1), "week": timedelta(weeks=1)}
_LEFT = 20  # windows of other models, after which the rest of a model is judged as it is
_MONDAY = datetime(1970, 1, 5, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Window:
    """Predictions of a stretch of time; `end` does not belong to it.

    Attributes:
        seen: Where to go on after it.
        alone: The one model that it is of, where others served meanwhile; else None, and it holds all.
        leaving: Whether that model seems to serve no more.
    """

    start: datetime
    end: datetime
    rows: list[LoggedPrediction]
    seen: Seen
    alone: str | None = None
    leaving: bool = False

    def by_model(self) -> dict[str, list[LoggedPrediction]]:
        """The rows of each model."""
        rows: dict[str, list[LoggedPrediction]] = defaultdict(list)
        for row in self.rows:
            rows[row.model].append(row)
        return dict(rows)


@dataclass(frozen=True, slots=True)
class Seen:
    """How far windows were judged.

    Attributes:
        end: Of the last one.
        last: Number of the last row before the first that was not judged.
        beyond: By model, the last row judged, where it lies behind rows of other models that were not.
    """

    end: datetime
    last: int
    beyond: Mapping[str, int] = field(default_factory=dict)


def read_windows(
    log: PredictionLog, settings: Monitor, now: datetime, seen: Seen | None = None
) -> Iterator[Window]:
    """The windows that are over and not seen yet, the oldest first.

    Days and weeks begin at midnight UTC, weeks on Monday; a stretch without predictions is one empty window,
    however long (a clock may have stood at 1970). What is logged late, for a window that was seen, is
    in no other.
    """
    if isinstance(settings.window, int):
        yield from _by_count(log, settings.window, now, seen)
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
        last = max(rows, default=0 if seen is None else seen.last)
        seen = Seen(end, last)
        yield Window(start, end, list(rows.values()), seen)
        start = end


def _begin(moment: datetime, length: timedelta) -> datetime:
    return moment - (moment - _MONDAY) % length


def _by_count(log: PredictionLog, count: int, now: datetime, seen: Seen | None) -> Iterator[Window]:
    """Of one model each: of two that share the requests, neither hides the other or keeps it too few.

    In the order in which predictions were logged, which is that of time unless a clock jumped.
    """
    beyond = {} if seen is None else dict(seen.beyond)
    end = datetime.min.replace(tzinfo=UTC) if seen is None else seen.end
    waiting: dict[str, dict[int, LoggedPrediction]] = {}
    for number, row in _unjudged(log, now, seen):
        waiting.setdefault(row.model, {})[number] = row
        full = [row.model] if len(waiting[row.model]) == count else []
        left = [model for model, some in waiting.items() if next(iter(some)) <= number - _LEFT * count]
        for model in full + left:
            rows = waiting.pop(model)
            beyond[model] = next(reversed(rows))
            last = min((next(iter(some)) for some in waiting.values()), default=number + 1) - 1
            moments = [one.at for one in rows.values()]
            end = max(end, max(moments) + timedelta(microseconds=1))
            seen = Seen(end, last, {name: at for name, at in beyond.items() if at > last})
            start, over = min(moments), max(moments) + timedelta(microseconds=1)
            yield Window(start, over, list(rows.values()), seen, alone=model, leaving=model not in full)


def waiting_note(log: PredictionLog, count: int, now: datetime, seen: Seen | None) -> str:
    """How far the windows of a number of predictions are that are not full yet, as a sentence."""
    waiting = Counter(row.model for _, row in _unjudged(log, now, seen))
    models = ", ".join(f"{model} has {rows:,}" for model, rows in sorted(waiting.items()))
    return f"Of the {count:,} predictions of a window {models}." if models else ""


def _unjudged(log: PredictionLog, now: datetime, seen: Seen | None) -> Iterator[tuple[int, LoggedPrediction]]:
    after, beyond = (0, {}) if seen is None else (seen.last, seen.beyond)
    rows = log.read(until=now + FUTURE, after=after)
    return ((number, row) for number, row in rows if number > beyond.get(row.model, 0))


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
