"""A sample of the texts from which a rare category is learnt nearly as well as from all of them.

Most texts have not the category and say the same: what it is shows in those that have it and in those that
are near it. So nearly all of these are drawn and few of the others, and each drawn text counts for those that
it stands for (Manski and Lerman, "The estimation of choice probabilities from choice based samples", 1977;
for rare events King and Zeng, "Logistic regression in rare events data", 2001): what is learnt is about all
texts, and no intercept need be corrected. Texts near the boundary are worth most: Fithian and Hastie, "Local
case-control sampling: efficient subsampling in imbalanced data sets", 2014.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rubricator.stats.arrays import Bools, Floats

TEXTS = 2500
"""Drawn at least, on average: above 2,000, from which on heads look at single words, too."""
_POSITIVE, _NEAR = 1000, 500  # of those that have a category, and that may have it, at most
_FAR = 1000  # of those that have none of them, at least
_HAS, _MAY_HAVE = 0.5, 0.05  # probability of a label


@dataclass(frozen=True, slots=True)
class Sample:
    """Which texts were drawn, and for how many each stands; shape [texts]."""

    drawn: Bools
    stands_for: Floats


def draw_cases(targets: Floats, rows: Bools, kept: Bools, *, seed: int) -> Sample:
    """Draw from `rows` the texts to learn categories from; those of `kept` are drawn surely.

    Each text is drawn by itself, with the highest of the chances that a category gives it, and stands for the
    more texts the smaller its chance was (Horvitz and Thompson, "A generalization of sampling without
    replacement from a finite universe", 1952).

    Args:
        targets: Probability of each category, shape [texts, categories].
        rows: Texts that may be drawn, shape [texts].
        kept: Such as people labelled, shape [texts].
        seed: Of the lot.
    """
    chance = np.where(kept & rows, 1.0, 0.0)
    for column in targets.T:
        has, near = column >= _HAS, (column >= _MAY_HAVE) & (column < _HAS)
        for stratum, most in ((has & rows, _POSITIVE), (near & rows, _NEAR)):
            chance[stratum] = np.maximum(chance[stratum], min(1.0, most / max(1, int(stratum.sum()))))
    far = rows & (chance == 0)
    chance[far] = min(1.0, max(_FAR, TEXTS - chance.sum()) / max(1, int(far.sum())))
    drawn = np.random.default_rng(seed).random(len(rows)) < chance
    return Sample(drawn, np.where(drawn, 1 / np.where(drawn, chance, 1.0), 1.0))
