"""The texts that leak, each beside a text that knows it, as a table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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
    for leak in leaks:
        for start in range(0, len(leak.rows) if leak.kind != "time" else 0, _AT_ONCE):
            part = slice(start, start + _AT_ONCE)
            rows, twins = leak.rows[part].tolist(), leak.twins[part].tolist()
            texts = source.picked({*rows, *twins})
            yield [
                _pair(leak, texts[row], texts[twin], number, similarity)
                for row, twin, number, similarity in zip(
                    rows, twins, leak.numbers[part].tolist(), leak.similarity[part].tolist(), strict=True
                )
            ]


def _pair(leak: Leak, text: PartText, twin: PartText, number: int, similarity: float) -> Pair:
    return Pair(
        kind=leak.kind,
        part=text.part,
        id=text.id,
        twin_part=twin.part,
        twin_id=twin.id,
        twins=number,
        similarity=None if similarity != similarity else round(similarity, 3),
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
