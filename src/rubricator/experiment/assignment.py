"""Which arm a unit belongs to: a salted hash, so that every process says the same and keeps no list.

Two hashes, as in overlapping experiment infrastructure (Tang et al., KDD 2010): the first, salted with the
layer, says in which of its buckets a unit lies, and so to which experiment of the layer it belongs, if any;
the second, salted with the experiment, says which arm of it answers.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from rubricator.errors import DataError
from rubricator.experiment.plan import Arm

BUCKETS = 10_000
Ranges = tuple[tuple[int, int], ...]
"""Buckets of a layer, as beginnings and ends; the end is outside."""


def fraction(salt: str, key: bytes) -> float:
    """Where a key lies between 0 and 1: evenly spread, and independent between salts."""
    return int.from_bytes(hashlib.sha256(salt.encode() + b"\0" + key).digest()[:8]) / 2**64


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """How the units of one experiment are divided.

    Attributes:
        salt: Of the division between the arms.
        layer: Of the division between experiments.
        buckets: Those of the layer that belong to this one.
        share: Of the treatment.
    """

    salt: str
    layer: str
    buckets: Ranges
    share: float

    def arm(self, unit: str) -> Arm | None:
        """The arm of a unit, or None where it takes no part."""
        key = unit.encode("utf-8", "surrogatepass")
        bucket = int(fraction(f"layer:{self.layer}", key) * BUCKETS)
        if not any(first <= bucket < end for first, end in self.buckets):
            return None
        return "treatment" if fraction(f"experiment:{self.salt}", key) < self.share else "control"


def allocate(share: float, taken: Iterable[Ranges], *, layer: str) -> Ranges:
    """The lowest free buckets of a layer, as many as the share of all units asks for.

    Raises:
        DataError: The experiments that run in the layer leave too few.
    """
    free = [True] * BUCKETS
    for buckets in taken:
        for first, end in buckets:
            free[first:end] = [False] * (end - first)
    wanted = max(1, round(share * BUCKETS))
    if sum(free) < wanted:
        raise DataError(
            f"The experiment wants {share:.2%} of the units in layer '{layer}'; those that run there leave "
            f"{sum(free) / BUCKETS:.2%}.",
            fix="Stop one of them, lower `layer_share`, or take another layer if both may reach one unit.",
        )
    picked = [bucket for bucket, is_free in enumerate(free) if is_free][:wanted]
    ranges: list[tuple[int, int]] = []
    for bucket in picked:
        if ranges and ranges[-1][1] == bucket:
            ranges[-1] = (ranges[-1][0], bucket + 1)
        else:
            ranges.append((bucket, bucket + 1))
    return tuple(ranges)
