"""The boundary in time: what comes after it tests, what comes before it trains, and no group does both."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rubricator.config import Split
from rubricator.errors import DataError
from rubricator.ingest.split_groups import Gathered
from rubricator.records import Text
from rubricator.stats.arrays import Bools

_MOST_LEFT_OUT = 0.1  # of all texts, before `by: auto` takes chance rather than time
_MOMENTS = 256  # as many candidates for the boundary are tried
_SHARE_COUNTS = 4  # texts that may be left out so that the test is larger or smaller by one


@dataclass(frozen=True, slots=True)
class Boundary:
    """Texts test from `moment` on, in seconds, in the groups that `tests` names by a mask, shape [groups]."""

    moment: float
    tests: Bools
    left_out: int


def find_boundary(gathered: Gathered, texts: Sequence[Text], config: Split) -> Boundary | None:
    """Where time divides the texts; None where it does not.

    Raises:
        DataError: Time shall divide the texts and cannot.
    """
    if not goes_by_time(texts, config):
        return None
    if not any(text.time is not None for text in texts):
        raise DataError(
            "The texts shall be divided by time, and none of them has one.",
            fix="Name the column under `data.columns.time`, or set `split.by: random`.",
        )
    # What the input sends to train or validation may not be later than the test either.
    prescribed = max((group.latest for group in gathered.groups if group.part is not None), default=-math.inf)
    boundary = _best_boundary(gathered, config.test, later_than=prescribed)
    if config.by == "auto":
        few = boundary is not None and boundary.left_out <= _MOST_LEFT_OUT * len(texts)
        return boundary if few else None
    if boundary is None:
        later = " later than what the input sends to train or validation" if prescribed > -math.inf else ""
        raise DataError(
            f"The texts shall be divided by time, and no moment{later} has different texts on both sides.",
            fix="Add texts of other times, or set `split.by: random`.",
        )
    return boundary


def goes_by_time(texts: Sequence[Text], config: Split) -> bool:
    """Whether time is what divides the texts, if it can."""
    timed = sum(text.time is not None for text in texts)
    return config.by == "time" or (config.by == "auto" and 2 * timed > len(texts))


def place_by_time(gathered: Gathered, boundary: Boundary, *, use: str) -> Bools:
    """Give test its groups, and with `use="tune"` earlier golden groups to validation.

    Returns:
        The texts that are left out, shape [texts]: those on the other side of the moment than their group.
    """
    out = _left_out(gathered, boundary)
    kept, latest = ~out, np.full(len(gathered.groups), -np.inf)
    sizes = np.bincount(gathered.of_text[kept], minlength=len(gathered.groups))
    np.fmax.at(latest, gathered.of_text[kept], gathered.moments[kept])
    for number, (group, tests) in enumerate(zip(gathered.groups, boundary.tests, strict=True)):
        group.size, group.latest = int(sizes[number]), float(latest[number])
        if tests:
            group.part = "test"
        elif group.part is None and group.golden and use == "tune":
            group.part = "validation"
    return out


def _left_out(gathered: Gathered, boundary: Boundary) -> Bools:
    late = gathered.moments >= boundary.moment
    return np.asarray((late != boundary.tests[gathered.of_text]) & ~np.isnan(gathered.moments))


def _best_boundary(gathered: Gathered, share: float, *, later_than: float) -> Boundary | None:
    """The moment of a test of about `share` of the texts for which few texts are left out; None if none is.

    A group that has texts on both sides keeps those of one: it tests where most of its texts are late, as
    far as the share asks for it.
    """
    free = np.array([group.part is None for group in gathered.groups])
    rows = np.flatnonzero(free[gathered.of_text])
    numbers, moments = gathered.of_text[rows], gathered.moments[rows]
    sizes = np.bincount(numbers, minlength=len(free))
    timed = ~np.isnan(moments)
    in_time = np.bincount(numbers[timed], minlength=len(free))
    candidates = np.unique(moments[timed])
    candidates = candidates[candidates > later_than]
    if len(candidates) > _MOMENTS:
        candidates = candidates[np.linspace(0, len(candidates) - 1, _MOMENTS).astype(int)]
    best: tuple[float, float, Bools, int] | None = None
    for moment in candidates.tolist():
        late = np.bincount(numbers[timed & (moments >= moment)], minlength=len(free))
        cost, tests, out = _assigned(sizes, in_time - late, late, share)
        if best is None or cost < best[0]:
            best = cost, moment, tests, out
    return None if best is None or math.isinf(best[0]) else Boundary(best[1], best[2], best[3])


def _assigned(
    sizes: NDArray[np.integer], early: NDArray[np.integer], late: NDArray[np.integer], share: float
) -> tuple[float, Bools, int]:
    """Which groups test: its cost, a mask of them, and how many texts are left out."""
    both = (early > 0) & (late > 0)
    across = np.flatnonzero(both)
    across = across[np.argsort(-late[across] / (early + late)[across], kind="stable")]
    surely_test, surely_train = sizes[~both & (late > 0)].sum(), sizes[~both & (late == 0)].sum()
    # With the first so many of the divided groups in test, the others in train.
    test = surely_test + np.concatenate([[0], np.cumsum((sizes - early)[across])])
    train = surely_train + np.concatenate([np.cumsum((sizes - late)[across][::-1])[::-1], [0]])
    out = sizes.sum() - test - train
    cost = np.where(
        (test > 0) & (train > 0), out + _SHARE_COUNTS * np.abs(test - share * (test + train)), np.inf
    )
    number = int(cost.argmin())
    tests = ~both & (late > 0)
    tests[across[:number]] = True
    return float(cost[number]), tests, int(out[number])
