"""Character n-grams of words, as scikit-learn's `char_wb` cuts them, counted word by word."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

_REMEMBERED = 100_000  # words: some 40 MiB


def grams(word: str, shortest: int, longest: int) -> list[str]:
    """The n-grams of a word with a space at either end, shortest first."""
    padded = f" {word} "
    # A word shorter than n is its own and only n-gram, and counts once however many n it falls short of.
    lengths = range(shortest, max(shortest, min(longest, len(padded))) + 1)
    return [padded[at : at + n] for n in lengths for at in range(max(1, len(padded) - n + 1))]


class CharCounter:
    """How often texts hold each term, remembering the terms of words: a language has few that are frequent.

    N-grams lie within words, so the counts of a text are the sums of those of its words. Any number of
    threads may share one counter: what is remembered changes nothing but the time.
    """

    def __init__(self, column: Mapping[str, int], *, shortest: int, longest: int) -> None:
        self._column, self._shortest, self._longest = column, shortest, longest
        self._words: dict[str, NDArray[np.int32]] = {}

    def counts(self, contents: Sequence[str]) -> csr_array:
        """Counts of the terms, shape [texts, terms]; texts are lowercased."""
        rows = [self._columns_of(text) for text in contents]
        ends = np.cumsum([0, *map(len, rows)])
        flat = np.concatenate(rows) if rows else np.zeros(0, dtype=np.int32)
        counts = csr_array((np.ones(len(flat)), flat, ends), shape=(len(rows), len(self._column)))
        counts.sum_duplicates()
        return counts

    def _columns_of(self, text: str) -> NDArray[np.int32]:
        words = [self._of_word(word) for word in text.lower().split()]
        return np.concatenate(words) if words else np.zeros(0, dtype=np.int32)

    def _of_word(self, word: str) -> NDArray[np.int32]:
        columns = self._words.get(word)
        if columns is None:
            found = (self._column.get(gram) for gram in grams(word, self._shortest, self._longest))
            columns = np.array([column for column in found if column is not None], dtype=np.int32)
            if len(self._words) >= _REMEMBERED:
                self._words.clear()
            self._words[word] = columns
        return columns
