"""Groups of texts on their way into parts."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC
from typing import cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rubricator.config import Part
from rubricator.records import Text
from rubricator.stats.arrays import Floats
from rubricator.stats.folds import group_counts

RANK: tuple[Part, ...] = ("train", "validation", "test")
"""Parts from the one that learns to the one that measures."""


@dataclass(slots=True)
class Group:
    """Texts that stay together, as far as they are not left out.

    Attributes:
        counts: Texts by category, see `group_counts`.
        size: Texts that have not been left out; `latest` is the time of the last of them, in seconds.
        golden: Whether people labelled one of them.
        prescribed: The part that the input prescribes.
    """

    counts: NDArray[np.int64]
    size: int = 0
    golden: bool = False
    prescribed: Part | None = None
    part: Part | None = None
    latest: float = -math.inf


@dataclass(frozen=True, slots=True)
class Gathered:
    """All groups, and of each text the number of its group and its time: seconds, NaN where it has none."""

    groups: list[Group]
    of_text: NDArray[np.int64]
    moments: Floats


def gather(
    texts: Sequence[Text], groups: Mapping[str, str], targets: ArrayLike, golden: Collection[str]
) -> Gathered:
    """The groups of texts, with the part that the input prescribes for any of theirs: test before train."""
    of_text, counts = group_counts(targets, [groups[text.id] for text in texts])
    gathered = [Group(row) for row in counts]
    moments = np.full(len(texts), np.nan)
    golden = frozenset(golden)
    for row, (text, number) in enumerate(zip(texts, of_text.tolist(), strict=True)):
        group = gathered[number]
        group.size += 1
        group.golden |= text.id in golden
        if text.part:
            wanted = cast(Part, text.part)
            group.part = group.prescribed = max(group.prescribed or "train", wanted, key=RANK.index)
        if text.time is not None:
            moment = text.time if text.time.tzinfo else text.time.replace(tzinfo=UTC)
            moments[row] = moment.timestamp()
            group.latest = max(group.latest, moments[row])
    return Gathered(gathered, of_text, moments)
