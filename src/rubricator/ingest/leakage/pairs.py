"""The texts that leak, each beside a text that knows it, as a table."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rubricator.ingest.leakage.leaks import Leak
from rubricator.ingest.leakage.source import PartText, Source
from rubricator.tables.reading import open_writer

_EXCERPT = 1000
_AT_ONCE = 50_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A text of a part that measures, and one of a part that learns and knows it.

    Attributes:
        twins: How many texts of the other part know it in this way.
        similarity: Of near and exact twins, else None.
        shared: The group that both are in.
    """

    kind: str
    part: str
    id: str
    twin_part: str
    twin_id: str
    twins: int
    similarity: float | None
    label: str
    twin_label: str
    shared: str
    text: str
    twin_text: str


COLUMNS = tuple(Pair.__slots__)


def read_pairs(leaks: Sequence[Leak], source: Source) -> Iterator[list[Pair]]:
    """Every text that leaks with one that knows it, so many at a time that memory stays bounded.

    Times have no pairs: each late text of train knows what each early one of test will bring.
    """
    places = [(leak, place) for leak in leaks if leak.kind != "time" for place in range(len(leak.rows))]
    for start in range(0, len(places), _AT_ONCE):
        chosen = places[start : start + _AT_ONCE]
        rows = {int(leak.rows[place]) for leak, place in chosen}
        texts = source.picked(rows | {int(leak.twins[place]) for leak, place in chosen})
        yield [_pair(leak, place, texts) for leak, place in chosen]


def _pair(leak: Leak, place: int, texts: Mapping[int, PartText]) -> Pair:
    text, twin = texts[int(leak.rows[place])], texts[int(leak.twins[place])]
    similarity = float(leak.similarity[place])
    return Pair(
        kind=leak.kind,
        part=text.part,
        id=text.id,
        twin_part=twin.part,
        twin_id=twin.id,
        twins=int(leak.numbers[place]),
        similarity=None if math.isnan(similarity) else round(similarity, 3),
        label=text.label,
        twin_label=twin.label,
        shared=text.group if leak.kind == "group" else "",
        text=text.content[:_EXCERPT],
        twin_text=twin.content[:_EXCERPT],
    )


def write_pairs(path: Path, leaks: Sequence[Leak], source: Source) -> int:
    """Write the pairs as a table, its kind by suffix; returns how many there are.

    Raises:
        DataError: The place cannot be written, or the suffix is none of a table.
    """
    number = 0
    with open_writer(path, COLUMNS) as writer:
        for pairs in read_pairs(leaks, source):
            writer.write([asdict(pair) for pair in pairs])
            number += len(pairs)
    return number
