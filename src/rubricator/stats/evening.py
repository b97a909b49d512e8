"""Parts and folds made even: sizes where groups are large, some of each category where there is enough."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from rubricator.stats.arrays import Bools, Floats

Counts = NDArray[np.int64]

_TOLERANCE = 0.1  # of its size, before a part is evened: what stratification leaves where groups are small
_MOVES = 300


def evened(
    part: Counts,
    counts: Counts,
    *,
    shares: Sequence[float],
    least: int = 1,
    holds: Sequence[int] | None = None,
) -> Counts:
    """Move groups, one at a time, until sizes are as asked and no category is short in a part.

    Stratification (see `make_folds`) counts groups, so it misses the sizes where groups are large, and it may
    leave a part without a rare category. Each move is the one that mends most: first categories that are
    short, then the squared distance of all counts from their shares (close to the criterion of scikit-learn's
    `StratifiedGroupKFold`, for any number of categories). It ends where no single move mends anything; what
    is even within a tenth stays as it is.

    Args:
        part: Part of each group, from 0, shape [groups].
        counts: As `group_counts` gives them, shape [groups, categories + 2].
        shares: Share of the texts in each part; they sum to 1.
        least: Groups of each category in each part. Where there are too few, they are shared out evenly.
        holds: Into how many parts each part will be divided later, 1 by default: it needs as many times more.

    Returns:
        Part of each group, none of them empty that was not before.
    """
    part, number = part.copy(), len(shares)
    has, amounts = counts[:, :-1] > 0, counts.astype(np.float64)
    wanted = np.outer(shares, amounts.sum(axis=0))
    weights = np.ones(number, dtype=np.int64) if holds is None else np.asarray(holds)
    needed = np.outer(weights, np.minimum(least, has.sum(axis=0) // weights.sum()))
    for _ in range(_MOVES):
        excess = np.stack([amounts[part == one].sum(axis=0) for one in range(number)]) - wanted
        spare = np.stack([has[part == one].sum(axis=0) for one in range(number)]) - needed
        uneven = np.abs(excess[:, -1]) > np.maximum(1.0, _TOLERANCE * wanted[:, -1])
        if not (uneven.any() or (spare < 0).any()):
            break
        move = _best_move(part, has, amounts, excess, spare, only_short=not uneven.any())
        if move is None:
            break
        part[move[0]] = move[1]
    return part


def _best_move(
    part: Counts, has: Bools, amounts: Floats, excess: Floats, spare: Counts, *, only_short: bool
) -> tuple[int, int] | None:
    """Which group to move to which part; None where no move mends anything."""
    norm = amounts.sum(axis=0) + 1
    alone = np.bincount(part, minlength=len(excess))[part] == 1
    lost = (has & (spare[part] <= 0)).sum(axis=1)
    best: tuple[tuple[float, float], tuple[int, int]] | None = None
    for to in range(len(excess)):
        shortage = lost - (has & (spare[to] < 0)).sum(axis=1)
        imbalance = (amounts * (amounts + excess[to] - excess[part]) / norm).sum(axis=1)
        barred = alone | (part == to)
        order = np.lexsort((imbalance, shortage, barred))
        group = int(order[0])
        gain = float(shortage[group]), float(imbalance[group])
        if (
            not barred[group]
            and gain < (0.0, -np.inf if only_short else -1e-9)
            and (best is None or gain < best[0])
        ):
            best = gain, (group, to)
    return None if best is None else best[1]
