"""Stratified division of groups of texts, for splits and for folds."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rubricator.errors import DataError

Indices = NDArray[np.int64]


def make_folds(targets: ArrayLike, groups: Sequence[str], *, folds: int, seed: int) -> Indices:
    """Number the folds so that groups stay whole and every category is spread evenly.

    Iterative stratification (Sechidis, Tsoumakas, Vlahavas, "On the stratification of multi-label
    data", 2011), with texts that have no category as a category of their own.

    Targets are truth or soft labels in [0, 1], shape [texts, categories]. The result is the fold of each
    text, from 0.

    Raises:
        DataError: There are fewer groups than folds.
    """
    of_text, marks = group_marks(targets, groups)
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
    return np.asarray(_fill_empty(fold_of_group, folds)[of_text])


def group_marks(targets: ArrayLike, groups: Sequence[str]) -> tuple[Indices, NDArray[np.int64]]:
    """What each group holds.

    Returns:
        Number of the group of each text, in order of first appearance, shape [texts]; and 0 or 1 per group
        and category, with one more column for groups without a category, shape [groups, categories + 1].
    """
    numbers: dict[str, int] = {}
    of_text = np.array([numbers.setdefault(group, len(numbers)) for group in groups], dtype=np.int64)
    positive = np.atleast_2d(np.asarray(targets, dtype=np.float64)) >= 0.5
    marks = np.zeros((len(numbers), positive.shape[1] + 1), dtype=np.int64)
    np.maximum.at(marks[:, :-1], of_text, positive.astype(np.int64))
    marks[:, -1] = ~marks[:, :-1].any(axis=1)
    return of_text, marks


def draw_share(marks: NDArray[np.int64], *, share: float, seed: int) -> Indices:
    """Numbers of a stratified share of the groups, at least one and never all of several."""
    count = len(marks)
    if count < 2:
        return np.zeros(0, dtype=np.int64)
    wanted = min(max(1, round(count * share)), count - 1)
    from iterstrat.ml_stratifiers import MultilabelStratifiedShuffleSplit

    splitter = MultilabelStratifiedShuffleSplit(n_splits=1, test_size=wanted / count, random_state=seed)
    _, drawn = next(splitter.split(marks, marks))
    if 0 < len(drawn) < count:
        return np.sort(drawn).astype(np.int64)
    # Iterative stratification can put all of very few groups on one side.
    return np.sort(np.random.default_rng(seed).permutation(count)[:wanted]).astype(np.int64)


def _fill_empty(fold_of_group: Indices, folds: int) -> Indices:
    """Give every empty fold a group of the largest one."""
    for fold in range(folds):
        if not (fold_of_group == fold).any():
            largest = np.bincount(fold_of_group, minlength=folds).argmax()
            fold_of_group[np.flatnonzero(fold_of_group == largest)[-1]] = fold
    return fold_of_group
