"""How far two people, or a person and a teacher, agree beyond what chance would do."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rubricator.stats.arrays import Floats


def cohen_kappa(one: ArrayLike, other: ArrayLike) -> float | None:
    """Cohen's kappa of two lists of answers; None where it is 0 / 0, as where both always say the same.

    Cohen, "A coefficient of agreement for nominal scales", 1960.
    """
    first, second = np.asarray(one), np.asarray(other)
    if not len(first):
        return None
    (kappa,) = weighted_kappas(first, second, np.ones((1, len(first))))
    return None if np.isnan(kappa) else float(kappa)


def weighted_kappas(one: ArrayLike, other: ArrayLike, weights: Floats) -> Floats:
    """Kappa under each row of weights, shape [rows]; NaN where it is 0 / 0.

    Args:
        one: Answers of the first, shape [texts].
        other: Answers of the second, same shape.
        weights: How often each text counts, shape [rows, texts].
    """
    total = weights.sum(axis=1)
    first, second = np.asarray(one), np.asarray(other)
    same = weights @ (first == second).astype(np.float64) / total
    chance = np.zeros(len(weights))
    for answer in np.unique(np.concatenate([first, second])):
        shares = [weights @ (said == answer).astype(np.float64) / total for said in (first, second)]
        chance += shares[0] * shares[1]
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.where(chance < 1 - 1e-12, (same - chance) / (1 - chance), np.nan))


def numbered(answers: Sequence[object]) -> NDArray[np.intp]:
    """Answers of any kind as numbers that are equal where they are."""
    numbers: dict[object, int] = {}
    return np.array([numbers.setdefault(answer, len(numbers)) for answer in answers], dtype=np.intp)
