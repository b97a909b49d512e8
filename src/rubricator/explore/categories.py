"""How labels are spread over categories, over sources and over time."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rubricator.explore.known import Known
from rubricator.explore.texts import stretch, time_line
from rubricator.stats.arrays import Bools

_COLUMNS = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """One category: labels by people, labels that teachers agree on, and whether it is described."""

    key: str
    title: str
    people: int
    teachers: int
    described: bool

    @property
    def all(self) -> int:
        """Labels, whoever gave them."""
        return self.people + self.teachers


@dataclass(frozen=True, slots=True)
class Spread:
    """Labels by category (rows) and something else (columns, each with the number of its labelled texts)."""

    columns: dict[str, int]
    counts: dict[str, list[int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Categories:
    """How labels are spread.

    Attributes:
        people: Texts that people labelled; `teachers`: others that teachers agree on.
        bare: Labelled texts without any category, by people and by teachers.
        several: Labelled texts with more than one.
        imbalance: Texts of the largest category for each of the smallest that has any; None of nothing.
        together: Pairs of categories with the number of texts that have both, most first.
        by_source: The sources with most labelled texts; None without several sources.
        over_time: Stretches of time; None without times.
    """

    single: bool
    people: int
    teachers: int
    bare: tuple[int, int]
    several: int
    counts: list[Count]
    imbalance: float | None
    together: list[tuple[str, str, int]]
    by_source: Spread | None
    over_time: Spread | None


def categories(known: Known) -> Categories | None:
    """Count labels; None where there are no categories."""
    taxonomy = known.taxonomy
    if taxonomy is None:
        return None
    human, labelled = known.human, known.labelled
    agreed = labelled & ~human
    marks = known.categories
    per_text = marks.sum(axis=1)
    counts = [
        Count(
            key=category.key,
            title=category.title,
            people=int(marks[human, column].sum()),
            teachers=int(marks[agreed, column].sum()),
            described=bool(category.description.strip() or category.keywords or category.patterns),
        )
        for column, category in enumerate(taxonomy.categories)
    ]
    some = [count.all for count in counts if count.all]
    sources = [text.source for text in known.texts]
    line = time_line(known.texts)
    times = [stretch(text.time, line.unit) if text.time and line else "" for text in known.texts]
    return Categories(
        single=taxonomy.single,
        people=int(human.sum()),
        teachers=int(agreed.sum()),
        bare=(int((human & (per_text == 0)).sum()), int((agreed & (per_text == 0)).sum())),
        several=int((labelled & (per_text > 1)).sum()),
        counts=counts,
        imbalance=max(some) / min(some) if some else None,
        together=_together(marks[labelled], taxonomy.keys),
        by_source=_spread(known, sources, _largest(sources, labelled)),
        over_time=_over_time(known, times),
    )


def _together(marks: Bools, keys: Sequence[str]) -> list[tuple[str, str, int]]:
    both = marks.astype(np.int64).T @ marks.astype(np.int64)
    pairs = [
        (keys[one], keys[other], int(both[one, other]))
        for one in range(len(keys))
        for other in range(one + 1, len(keys))
        if both[one, other]
    ]
    return sorted(pairs, key=lambda pair: -pair[2])


def _largest(values: Sequence[str], labelled: Bools) -> list[str]:
    counts = Counter(value for value, has in zip(values, labelled, strict=True) if has and value)
    return [value for value, _ in counts.most_common(_COLUMNS)]


def _spread(known: Known, values: Sequence[str], columns: Sequence[str]) -> Spread | None:
    if len(columns) < 2 or known.taxonomy is None:
        return None
    rows: dict[str, list[int]] = defaultdict(list)
    for row, value in enumerate(values):
        if known.labelled[row]:
            rows[value].append(row)
    table = np.stack([known.categories[rows[column]].sum(axis=0) for column in columns], axis=1)
    return Spread(
        {column: len(rows[column]) for column in columns},
        dict(zip(known.taxonomy.keys, table.tolist(), strict=True)),
    )


def _over_time(known: Known, times: Sequence[str]) -> Spread | None:
    """Up to a dozen stretches with about as many labelled texts each, named by their first and last time."""
    own = sorted(time for time, has in zip(times, known.labelled, strict=True) if has and time)
    distinct = sorted(set(own))
    if len(distinct) < 2:
        return None
    bounds = sorted({own[number * len(own) // _COLUMNS] for number in range(_COLUMNS)})
    names: dict[str, str] = {}
    for number, start in enumerate(bounds):
        end = bounds[number + 1] if number + 1 < len(bounds) else None
        within = [time for time in distinct if time >= start and (end is None or time < end)]
        for time in within:
            names[time] = within[0] if within[0] == within[-1] else f"{within[0]} – {within[-1]}"
    return _spread(known, [names.get(time, "") for time in times], list(dict.fromkeys(names.values())))


def source_dependence(known: Known) -> list[tuple[str, str, float, float]]:
    """Categories most of whose labels by people come from a source that holds far fewer of all such labels.

    Rows are category key, source, share of the category's labels there, share of all labels there.
    """
    rows = np.flatnonzero(known.human)
    sources = np.array([known.texts[row].source for row in rows.tolist()])
    names, places = np.unique(sources, return_inverse=True)
    if known.taxonomy is None or len(names) < 2:
        return []
    marks = known.categories[rows].astype(np.int64)
    inside = np.zeros((len(names), marks.shape[1]), dtype=np.int64)
    np.add.at(inside, places, marks)
    base = np.bincount(places, minlength=len(names)) / len(rows)
    found = []
    for column, key in enumerate(known.taxonomy.keys):
        total, place = int(inside[:, column].sum()), int(inside[:, column].argmax())
        share = inside[place, column] / max(total, 1)
        if total >= _ENOUGH and share >= _MOSTLY and share >= 2 * base[place]:
            found.append((key, str(names[place]), float(share), float(base[place])))
    return sorted(found, key=lambda row: -row[2])


_ENOUGH, _MOSTLY = 10, 0.6
