"""Texts of which training knows no label that counts."""

from __future__ import annotations

import numpy as np

from rubricator.dataset.examples import Examples
from rubricator.stats.arrays import Bools

_MOST = 2000  # with more, training takes longer for a gain that was not measured


def draw_unlabelled(everything: Examples, rows: Bools, *, learnt: Bools, seed: int) -> Examples | None:
    """Some texts of `rows` for views to teach one another on, one of each group; None if there are none.

    Those alike a text of `learnt` are left out: with them a held-out text would not be unknown.
    """
    number = {group: at for at, group in enumerate(dict.fromkeys(everything.groups))}
    groups = np.array([number[group] for group in everything.groups], dtype=np.intp)
    apart = np.flatnonzero(rows & ~np.isin(groups, groups[learnt]))
    drawn = np.random.default_rng(seed).permutation(apart)
    _, first = np.unique(groups[drawn], return_index=True)
    chosen = drawn[np.sort(first)[:_MOST]]
    return everything.subset(chosen) if len(chosen) else None
