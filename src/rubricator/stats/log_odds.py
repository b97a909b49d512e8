"""Which words one group of texts uses more than the others, beyond chance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rubricator.stats.arrays import Floats


@dataclass(frozen=True, slots=True)
class LogOdds:
    """How much more often each word occurs in each group than outside it, shape [groups, words].

    Attributes:
        ratio: Logarithm of the ratio of odds, 0 where the word says nothing.
        z: The same divided by its standard deviation: beyond 1.96 it is hardly chance, for one word.
    """

    ratio: Floats
    z: Floats


def log_odds(inside: Floats, outside: Floats, *, prior: float = 1.0) -> LogOdds:
    """Log-odds ratio of words with an informative Dirichlet prior, which neither rare nor common words win.

    Monroe, Colaresi and Quinn, "Fightin' Words: Lexical feature selection and evaluation for identifying the
    content of political conflict", 2008, equations 16, 20 and 22. The prior says what all texts together say.

    Args:
        inside: How often each word occurs in each group, shape [groups, words].
        outside: How often it occurs in what the group is compared with, same shape.
        prior: How many occurrences the prior is worth, as a multiple of those in the group or in what it is
            compared with, whichever has fewer.

    Returns:
        Zeros for words that occur nowhere, and for groups that are empty or have nothing to be compared with.
    """
    both = inside + outside
    sizes = [counts.sum(axis=1, keepdims=True) for counts in (inside, outside)]
    weight = prior * np.minimum(*sizes)
    known = (both > 0) & (weight > 0)
    expected = np.where(known, both * weight / np.maximum(sum(sizes), 1.0), 1.0)
    seen = [np.where(known, counts, 0.0) + expected for counts in (inside, outside)]
    odds = [
        np.log(count) - np.log(np.where(known, size + weight - count, 1.0))
        for count, size in zip(seen, sizes, strict=True)
    ]
    ratio = np.where(known, odds[0] - odds[1], 0.0)
    return LogOdds(ratio, ratio / np.sqrt(1 / seen[0] + 1 / seen[1]))
