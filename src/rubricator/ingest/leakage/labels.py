"""Labels of a split that comes without a taxonomy."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from rubricator.label_space import LabelSpace
from rubricator.taxonomy import NOTHING

_JOINED = re.compile(r"\s*[,;]\s*")
Categories = tuple[str, ...]


def categories_of(cells: Sequence[str]) -> list[Categories]:
    """Categories in each cell: a list, or names joined by commas where each of them stands alone somewhere.

    So `politics,economy` are two, and `Science, technology` is one where nothing is called `technology`; a
    single `-` is none.
    """
    listed = {cell: _listed(cell) for cell in dict.fromkeys(cells)}
    alone = {names[0] for names in listed.values() if len(names) == 1}
    parsed = {cell: _divided(names, alone) for cell, names in listed.items()}
    return [parsed[cell] for cell in cells]


def space_of(categories: Sequence[Categories]) -> LabelSpace:
    """The categories that occur; single-label if every text has exactly one."""
    keys = sorted({name for names in categories for name in names})
    return LabelSpace(tuple(keys), single=all(len(names) == 1 for names in categories))


def _listed(cell: str) -> Categories:
    if cell.startswith("["):
        try:
            return tuple(dict.fromkeys(str(name).strip() for name in json.loads(cell.replace("'", '"'))))
        except (ValueError, TypeError):
            pass
    return tuple(dict.fromkeys(piece.strip() for piece in cell.split("|") if piece.strip()))


def _divided(names: Categories, alone: set[str]) -> Categories:
    divided: list[str] = []
    for name in names:
        pieces = [piece for piece in _JOINED.split(name) if piece]
        divided += pieces if all(piece in alone for piece in pieces) else [name]
    return tuple(dict.fromkeys(name for name in divided if name != NOTHING))
