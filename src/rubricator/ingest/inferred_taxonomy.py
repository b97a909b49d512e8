"""Categories as a column of labels has them, where nobody has written a list of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from rubricator.errors import DataError
from rubricator.taxonomy import NOTHING, Category, Task, Taxonomy, folded, key_of

_SEPARATORS = "|;,"
_MOST = 500
"""Different labels from which a column holds something else."""


def taxonomy_of(cells: Iterable[str], *, column: str) -> Taxonomy | None:
    """The categories that occur in the cells of a column of labels, the commonest first.

    A cell holds several if that gives fewer different labels than whole cells would: "Science, technology" is
    one category unless its halves stand elsewhere, too. None where fewer than two categories occur.

    Raises:
        DataError: There are so many different labels that they are none.
    """
    whole = [cell.strip() for cell in cells if folded(cell) not in ("", NOTHING)]
    separator = next((sign for sign in _SEPARATORS if _divides(sign, whole)), "")
    counts = Counter(name for cell in whole for name in _names(cell, separator))
    if len(counts) > _MOST:
        raise DataError(
            f"The column '{column}' holds {len(counts):,} different labels, the first '{whole[0][:60]}': too "
            "many for categories.",
            fix="Name another column with --labels COLUMN, or leave it out.",
        )
    by_key: dict[str, str] = {}
    for name, _ in counts.most_common():
        by_key.setdefault(key_of(name), name)
    if len(by_key) < 2:
        return None
    several = any(len(set(_names(cell, separator))) > 1 for cell in whole)
    return Taxonomy(
        name=column,
        task=Task.MULTI_LABEL if several else Task.SINGLE_LABEL,
        categories=tuple(Category(key=key, name=name) for key, name in by_key.items()),
    )


def _divides(sign: str, cells: list[str]) -> bool:
    distinct = set(cells)
    return any(sign in cell for cell in distinct) and len(
        {name for cell in distinct for name in _names(cell, sign)}
    ) < len(distinct)


def _names(cell: str, separator: str) -> list[str]:
    bare = cell.strip("[]{}\"' ") if cell[:1] in "[{" else cell
    pieces = bare.split(separator) if separator else [bare]
    return [name for piece in pieces if folded(name := piece.strip("\"' ")) not in ("", NOTHING)]
