"""Stratified division of groups of texts, for splits and for folds."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rubricator.errors import DataError
from rubricator.stats.evening import evened

Indices = NDArray[np.int64]


def make_folds(targets: ArrayLike, groups: Sequence[str], *, folds: int, seed: int) -> Indices:
    """Number the folds so that groups stay whole and every category is spread evenly.

    Iterative stratification (Sechidis, Tsoumakas, Vlahavas, "On the stratification of multi-label
    data", 2011), with texts that have no category as a category of their own. What it leaves uneven is
    mended: folds of other sizes where groups are large, and a fold without a category of which every fold
    could have one (see `evened`).

    Targets are truth or soft labels in [0, 1], shape [texts, categories]. The result is the fold of each
    text, from 0.

    Raises:
        DataError: There are fewer groups than folds.
    """
    of_text, counts = group_counts(targets, groups)
    marks = _marks(counts)
    if len(marks) < folds:
        raise DataError(
            f"{len(marks)} different texts cannot be divided into {folds} folds.",
            fix="Label more texts, or set `split.folds` lower.",
        )
    # A second to import, and most commands never need it.
    from iterstrat.ml_stratifiers import MultilabelStratifiedKFold

    splitter = MultilabelStratifiedKFold(n_splits=folds, shuffle=True, random_state=seed)
    fold_of_group = np.zeros(len(marks), dtype=np.int64)
    for fold, (_, held_out) in enumerate(splitter.split(marks, marks)):
        fold_of_group[held_out] = fold
    fold_of_group = _fill_empty(fold_of_group, folds)
    return np.asarray(evened(fold_of_group, counts, shares=[1 / folds] * folds)[of_text])


def group_counts(targets: ArrayLike, groups: Sequence[str]) -> tuple[Indices, Indices]:
    """What each group holds.

    Returns:
        Number of the group of each text, in order of first appearance, shape [texts]; and how many texts each
        group has of each category, then without any (0 if it has some), then in all, shape
        [groups, categories + 2].
    """
    numbers: dict[str, int] = {}
    of_text = np.array([numbers.setdefault(group, len(numbers)) for group in groups], dtype=np.int64)
    positive = np.atleast_2d(np.asarray(targets, dtype=np.float64)) >= 0.5
    counts = np.zeros((len(numbers), positive.shape[1] + 2), dtype=np.int64)
    np.add.at(counts[:, :-2], of_text, positive.astype(np.int64))
    counts[:, -1] = np.bincount(of_text, minlength=len(numbers))
    counts[:, -2] = np.where(counts[:, :-2].any(axis=1), 0, counts[:, -1])
    return of_text, counts


def draw_share(counts: Indices, *, share: float, seed: int, least: int = 1, rest: int = 1) -> Indices:
    """Numbers of a stratified share of the groups, at least one and never all of several.

    Of every category there are at least so many groups among them and, `rest` being the number of parts that
    the others will be divided into, in each of those (see `evened`); `counts` are those of `group_counts`.
    """
    count = len(counts)
    if count < 2:
        return np.zeros(0, dtype=np.int64)
    wanted = min(max(1, round(count * share)), count - 1)
    from iterstrat.ml_stratifiers import MultilabelStratifiedShuffleSplit

    splitter = MultilabelStratifiedShuffleSplit(n_splits=1, test_size=wanted / count, random_state=seed)
    _, drawn = next(splitter.split(_marks(counts), _marks(counts)))
    if not 0 < len(drawn) < count:
        # Iterative stratification can put all of very few groups on one side.
        drawn = np.random.default_rng(seed).permutation(count)[:wanted]
    part = np.zeros(count, dtype=np.int64)
    part[drawn] = 1
    part = evened(part, counts, shares=(1 - share, share), least=least, holds=(rest, 1))
    return np.flatnonzero(part).astype(np.int64)


def _marks(counts: Indices) -> Indices:
    return (counts[:, :-1] > 0).astype(np.int64)


def _fill_empty(fold_of_group: Indices, folds: int) -> Indices:
    """Give every empty fold a group of the largest one."""
    for fold in range(folds):
        if not (fold_of_group == fold).any():
            largest = np.bincount(fold_of_group, minlength=folds).argmax()
            fold_of_group[np.flatnonzero(fold_of_group == largest)[-1]] = fold
    return fold_of_group
