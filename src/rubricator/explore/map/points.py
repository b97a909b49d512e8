"""Points with columns: all that a map is drawn from, whatever the points are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

import numpy as np

from rubricator.stats.arrays import Bools, Floats

_MOST_LEVELS = 24
OTHERS = "others"


@dataclass(frozen=True, slots=True, kw_only=True)
class MapColumn:
    """Something that is known of points and that they can be coloured by.

    Attributes:
        name: For people.
        kind: `groups` (a point is in any number of them), `number` or `time`.
        levels: Names of the groups, in the order of the legend.
        groups: Groups of each point as indices of levels; empty where none is known.
        nothing: What a point without a group is called.
        values: Numbers, times as seconds since 1970 in UTC; NaN where unknown, shape [points].
    """

    name: str
    kind: Literal["groups", "number", "time"]
    levels: tuple[str, ...] = ()
    groups: Sequence[tuple[int, ...]] = ()
    nothing: str = "unknown"
    values: Floats | None = None

    def __len__(self) -> int:
        return len(self.groups) if self.values is None else len(self.values)

    @property
    def varies(self) -> bool:
        """Whether it tells any points apart."""
        if self.values is None:
            return len(set(self.groups)) > 1
        return len(np.unique(self.values)) > 1

    @classmethod
    def of_groups(
        cls, name: str, levels: Sequence[str], membership: Bools, *, nothing: str = "unknown"
    ) -> MapColumn:
        """Groups of which a point may have several, shape [points, groups]; empty ones are left out."""
        used = [level for level in range(len(levels)) if membership[:, level].any()]
        rows, columns = np.nonzero(membership[:, used])
        groups: list[list[int]] = [[] for _ in range(len(membership))]
        for row, column in zip(rows.tolist(), columns.tolist(), strict=True):
            groups[row].append(column)
        return cls(
            name=name,
            kind="groups",
            levels=tuple(levels[level] for level in used),
            groups=[tuple(own) for own in groups],
            nothing=nothing,
        )

    @classmethod
    def of_names(cls, name: str, values: Sequence[str], *, levels: Sequence[str] = ()) -> MapColumn:
        """One name a point, empty where unknown; without `levels`, the commonest first, the rest together."""
        if not levels:
            counts = Counter(value for value in values if value)
            levels = [value for value, _ in sorted(counts.items(), key=lambda item: (-item[1], item[0]))]
        shown = [level for level in levels if level in set(values)]
        if len(shown) > _MOST_LEVELS:
            shown = [*shown[: _MOST_LEVELS - 1], OTHERS]
        place = {level: column for column, level in enumerate(shown)}
        rest = place.get(OTHERS)
        found = [place.get(value, rest) if value else None for value in values]
        groups = [() if one is None else (one,) for one in found]
        return cls(name=name, kind="groups", levels=tuple(shown), groups=groups)

    @classmethod
    def of_numbers(cls, name: str, values: Floats) -> MapColumn:
        """A number a point, NaN where unknown."""
        return cls(name=name, kind="number", values=np.where(np.isfinite(values), values, np.nan))

    @classmethod
    def of_times(cls, name: str, times: Sequence[datetime | None]) -> MapColumn:
        """A time a point, None where unknown; naive times are taken as UTC."""
        seconds = [np.nan if time is None else _seconds(time) for time in times]
        return cls(name=name, kind="time", values=np.array(seconds, dtype=np.float64))


def _seconds(time: datetime) -> float:
    return (time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp()


@dataclass(frozen=True, slots=True, kw_only=True)
class MapLabel:
    """Words written on the map, at the middle of the points they stand for.

    Attributes:
        x, y: In the units of the positions.
        texts: How many points they stand for.
    """

    title: str
    x: float
    y: float
    texts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MapPoints:
    """What is drawn: one row a point.

    Attributes:
        name: Of the map, for people.
        positions: Shape [points, 2], in any units.
        method: How they came to be there: `UMAP`, `openTSNE`, `PCA`.
        ids: One a point; a selection is a list of them.
        contents: The texts themselves.
        columns: What the points can be coloured by; those that tell no points apart are not offered.
        labels: Words written on the map.
        selectable: Points whose ids mean something to `rubricator review`, shape [points]; all by default.
    """

    name: str
    positions: Floats
    method: str
    ids: Sequence[str]
    contents: Sequence[str]
    columns: Sequence[MapColumn] = ()
    labels: Sequence[MapLabel] = ()
    selectable: Bools | None = None

    def __post_init__(self) -> None:
        lengths = {len(self.positions), len(self.ids), len(self.contents), *map(len, self.columns)}
        if len(lengths) > 1:
            raise ValueError(f"positions, ids, texts and columns differ in length: {sorted(lengths)}")

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def offered(self) -> list[MapColumn]:
        """Columns that tell points apart."""
        return [column for column in self.columns if column.varies]


def labels_at(positions: Floats, titles: Sequence[str], of_point: Sequence[int]) -> list[MapLabel]:
    """A label at the median of the points of each group; `of_point` holds indices of titles, -1 for none."""
    groups = np.asarray(of_point)
    labels = []
    for number, title in enumerate(titles):
        own = positions[groups == number]
        if len(own):
            x, y = np.median(own, axis=0).tolist()
            labels.append(MapLabel(title=title, x=x, y=y, texts=len(own)))
    return labels
