"""What the texts are like: how long, in which languages, from where and when, and what is missing."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import numpy as np

from rubricator.explore.known import Known
from rubricator.records import Text
from rubricator.stats.arrays import Indices

_AT = (0, 5, 25, 50, 75, 95, 100)
_EDGES = (0, 10, 30, 100, 300, 1_000, 3_000, 10_000, 30_000, 100_000)
_SOURCES = 25
_MOST_BARS = 60
_FIRST_WEB_PAGE = datetime(1991, 8, 6, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lengths:
    """How long texts are.

    Attributes:
        characters: Length of cleaned texts at some percentiles, by percentile.
        histogram: Number of texts by length in characters, as rows of (from, to, texts).
        tokens: Length in tokens at the same percentiles; empty if nothing can count them.
        max_tokens: What models read of a text.
        cut_off: Texts that have more.
        unread: Share of all tokens that nobody reads.
    """

    characters: dict[int, int]
    histogram: list[tuple[int, int, int]]
    tokens: dict[int, int]
    max_tokens: int
    cut_off: int
    unread: float


def lengths(known: Known) -> Lengths:
    """Measure the cleaned texts."""
    characters = np.array([len(text.content) for text in known.texts])
    tokens = known.tokens
    edges = (*_EDGES, max(int(characters.max(initial=0)), _EDGES[-1]) + 1)
    counts = np.histogram(characters, edges)[0]
    bars = [(low, high - 1, int(count)) for (low, high), count in zip(pairwise(edges), counts, strict=True)]
    filled = [place for place, bar in enumerate(bars) if bar[2]]
    over = np.zeros(0) if tokens is None else np.maximum(tokens - known.max_tokens, 0)
    return Lengths(
        characters=_percentiles(characters),
        histogram=bars[filled[0] : filled[-1] + 1] if filled else [],
        tokens={} if tokens is None else _percentiles(tokens),
        max_tokens=known.max_tokens,
        cut_off=int((over > 0).sum()),
        unread=float(over.sum() / max(tokens.sum(), 1)) if tokens is not None else 0.0,
    )


def _percentiles(numbers: Indices) -> dict[int, int]:
    if not len(numbers):
        return {}
    found = np.percentile(numbers, _AT, method="nearest").tolist()
    return dict(zip(_AT, map(int, found), strict=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """The texts of one source; `first` and `last` are dates, empty where no text has a time."""

    name: str
    texts: int
    labelled: int
    characters: int  # median
    first: str
    last: str


def sources(known: Known) -> list[Source]:
    """The sources with most texts; texts of no known source are left out."""
    rows: dict[str, list[int]] = defaultdict(list)
    for row, text in enumerate(known.texts):
        if text.source:
            rows[text.source].append(row)
    largest = sorted(rows.items(), key=lambda item: (-len(item[1]), item[0]))[:_SOURCES]
    return [_source(name, own, known) for name, own in largest]


def _source(name: str, rows: list[int], known: Known) -> Source:
    texts = [known.texts[row] for row in rows]
    times = sorted(text.time for text in texts if text.time)
    return Source(
        name=name,
        texts=len(rows),
        labelled=int(known.human[rows].sum()),
        characters=int(np.median([len(text.content) for text in texts])),
        first=times[0].date().isoformat() if times else "",
        last=times[-1].date().isoformat() if times else "",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeLine:
    """Texts over time.

    Attributes:
        unit: `hour`, `day`, `week`, `month` or `year`.
        bars: Beginning of each stretch of time → number of texts; stretches without texts are there, too.
        strange: Texts whose time lies in the future or before there were web pages.
    """

    unit: str
    bars: dict[str, int]
    strange: int


def time_line(texts: Sequence[Text]) -> TimeLine | None:
    """Count texts by the shortest unit that gives a picture; None where no text has a time."""
    times = [text.time for text in texts if text.time]
    if not times:
        return None
    now = datetime.now(UTC) + timedelta(days=1)
    sound = [time for time in times if _FIRST_WEB_PAGE <= time <= now] or times
    unit = _unit(min(sound), max(sound))
    counts = Counter(stretch(time, unit) for time in sound)
    strange = len(times) - sum(_FIRST_WEB_PAGE <= time <= now for time in times)
    return TimeLine(unit=unit, bars=_without_gaps(counts, unit), strange=strange)


def _unit(first: datetime, last: datetime) -> str:
    days = (last - first).total_seconds() / 86_400
    for unit, length in (("hour", 1 / 24), ("day", 1), ("week", 7), ("month", 30.5)):
        if days / length < _MOST_BARS:
            return unit
    return "year"


def stretch(time: datetime, unit: str) -> str:
    """The beginning of the hour, day, week, month or year that a time lies in."""
    if unit == "hour":
        return time.strftime("%Y-%m-%d %H:00")
    if unit == "week":
        time -= timedelta(days=time.weekday())
    return time.strftime({"month": "%Y-%m", "year": "%Y"}.get(unit, "%Y-%m-%d"))


def _without_gaps(counts: Counter[str], unit: str) -> dict[str, int]:
    """All stretches from the first to the last, in order."""
    step = timedelta(hours=1) if unit == "hour" else timedelta(days=1)
    form = {"hour": "%Y-%m-%d %H:00", "month": "%Y-%m", "year": "%Y"}.get(unit, "%Y-%m-%d")
    moment, last = datetime.strptime(min(counts), form), max(counts)
    bars: dict[str, int] = {}
    while (name := stretch(moment, unit)) <= last:
        bars[name] = counts[name]
        moment += step
    return bars


@dataclass(frozen=True, slots=True)
class Missing:
    """A field that some texts lack."""

    field: str
    texts: int


def missing_fields(texts: Sequence[Text]) -> list[Missing]:
    """Which texts lack a title, a body, a source, a time or a column beside the text, most first.

    A field that no text has is no column of the data, and is left out.
    """
    lacking = {
        "title": sum(not text.title.strip() for text in texts),
        "body": sum(not text.body.strip() for text in texts),
        "source": sum(not text.source for text in texts),
        "time": sum(text.time is None for text in texts),
    }
    for name in texts[0].features if texts else ():
        lacking[name] = sum(text.features.get(name) in (None, "") for text in texts)
    some = [Missing(name, count) for name, count in lacking.items() if 0 < count < len(texts)]
    return sorted(some, key=lambda one: -one.texts)


@dataclass(frozen=True, slots=True)
class Change:
    """What cleaning did to one text, around the first place where it changed something."""

    id: str
    before: str
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Cleaning:
    """What cleaning did.

    Attributes:
        changed: Texts that lost or changed more than spaces.
        shorter: Share of all characters that went.
        steps: In how many texts of a sample each step changes something by itself, by its name.
        sample: Number of texts in the sample.
    """

    changed: int
    shorter: float
    steps: dict[str, int]
    sample: int
    examples: list[Change]


def cleaning(known: Known) -> Cleaning:
    """Compare the texts as found with what is left of them."""
    changed = []
    before = after = 0
    for text in known.texts:
        original = text.original
        before, after = before + len(original), after + len(text.content)
        if original.split() != text.content.split():
            changed.append(text)
    # Spread evenly over what cleaning took away: the heaviest, the lightest and those between.
    changed.sort(key=lambda text: len(text.content) - len(text.original))
    places = sorted({round(share * (len(changed) - 1)) for share in (0.01, 0.2, 0.5, 0.9)} if changed else ())
    return Cleaning(
        changed=len(changed),
        shorter=1 - after / before if before else 0.0,
        steps=dict(known.steps),
        sample=known.steps_sample,
        examples=[_change(changed[place]) for place in places],
    )


_AROUND, _SHOWN = 40, 260


def _change(text: Text) -> Change:
    before, after = " ".join(text.original.split()), " ".join(text.content.split())
    same = next(
        (place for place, (one, other) in enumerate(zip(before, after, strict=False)) if one != other),
        min(len(before), len(after)),
    )
    start = max(0, same - _AROUND)
    return Change(text.id, _window(before, start), _window(after, start))


def _window(text: str, start: int) -> str:
    end = start + _SHOWN
    return ("… " if start else "") + text[start:end] + (" …" if end < len(text) else "")
