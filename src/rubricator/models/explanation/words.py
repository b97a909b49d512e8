"""The words of a text, and what each of them weighs for a category."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import compress

import numpy as np

from rubricator.stats.arrays import Floats

Span = tuple[int, int]
"""Where a word starts and ends in the content."""

_WORD = re.compile(r"\S+")
_CORE = re.compile(r"\w(?:.*\w)?", re.S)


@dataclass(frozen=True, slots=True)
class WordWeight:
    """A word of a text and what it weighs.

    Attributes:
        start: Its first character in the content, from 0; signs around a word do not belong to it.
        end: The character after its last.
        weight: What the log-odds of the category gain by it; negative where it speaks against it.
    """

    word: str
    start: int
    end: int
    weight: float


@dataclass(frozen=True, slots=True)
class Explanation:
    """The words of one text that weigh most, by category.

    Attributes:
        content: The text as the model read it, cleaned, to which the places of words refer.
        words: For each category that is explained, its words, those that weigh most first.
    """

    content: str
    words: Mapping[str, tuple[WordWeight, ...]] = field(default_factory=dict)

    def __str__(self) -> str:
        """As one line: `sport: match +1.21, goal +0.80; economy: …`."""
        return "; ".join(
            f"{key}: " + ", ".join(f"{one.word} {one.weight:+.2f}" for one in words)
            for key, words in self.words.items()
        )


def word_spans(content: str) -> list[Span]:
    """What stands between spaces, in order."""
    return [match.span() for match in _WORD.finditer(content)]


def heaviest(
    content: str,
    spans: Sequence[Span],
    weights: Floats,
    keys: Sequence[str],
    wanted: Sequence[bool],
    most: int,
) -> Explanation:
    """The explanation of one text by at most so many words for each category that is wanted.

    `weights` are those of every word for every category, shape [words, categories]; NaN where a word was not
    looked at. What has no letter or digit, or weighs nothing, is not named.
    """
    cores = [_CORE.search(content, start, end) for start, end in spans]
    by_key = {}
    for column in np.flatnonzero(list(wanted)).tolist():
        sizes = np.abs(weights[:, column])
        order = [row for row in np.argsort(-sizes, kind="stable").tolist() if cores[row] and sizes[row] > 0]
        by_key[keys[column]] = tuple(
            WordWeight(core[0], core.start(), core.end(), float(weights[row, column]))
            for row in order[:most]
            if (core := cores[row])
        )
    return Explanation(content, {key: by_key[key] for key in compress(keys, wanted)})
