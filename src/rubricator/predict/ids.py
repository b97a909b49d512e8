"""Ids that several rows of a file share."""

from __future__ import annotations

import hashlib
from array import array
from dataclasses import dataclass

import numpy as np

_SHOWN = 5


@dataclass(frozen=True, slots=True)
class RepeatedIds:
    """Ids of more than one row.

    Attributes:
        ids: How many ids.
        rows: How many rows they are in.
        places: Numbers of the rows of the first few, an id each.
    """

    ids: int
    rows: int
    places: tuple[tuple[int, ...], ...]


class IdCounter:
    """Finds ids that repeat, in sixteen bytes a row: what it keeps of an id is 64 bits of a hash."""

    def __init__(self) -> None:
        self._hashes, self._rows = array("Q"), array("Q")

    def add(self, row: int, id_: str) -> None:
        """The row of that number has this id."""
        digest = hashlib.blake2b(id_.encode("utf-8", "surrogatepass"), digest_size=8).digest()
        self._hashes.append(int.from_bytes(digest, "little"))
        self._rows.append(row)

    def repeated(self) -> RepeatedIds:
        """The ids that came more than once."""
        rows = np.frombuffer(self._rows, dtype=np.uint64)
        _, ids, counts = np.unique(
            np.frombuffer(self._hashes, dtype=np.uint64), return_inverse=True, return_counts=True
        )
        several = counts[ids] > 1
        shown = list(dict.fromkeys(ids[several].tolist()))[:_SHOWN]
        places = tuple(tuple(rows[ids == one][:_SHOWN].tolist()) for one in shown)
        return RepeatedIds(int((counts > 1).sum()), int(several.sum()), places)
