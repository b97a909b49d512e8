"""Counts of word and character n-grams, as scikit-learn counts them, of many texts at once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from rubricator.stats.arrays import Bools


def word_counts(
    contents: Sequence[str], used: Bools, *, shortest: int, longest: int, most: int
) -> tuple[list[str], csr_array]:
    """How often each text holds each n-gram of words; see `char_counts`."""
    from sklearn.feature_extraction.text import CountVectorizer  # a second to import

    counter = CountVectorizer(ngram_range=(shortest, longest), max_features=most, dtype=np.float64)
    try:
        counter.fit([text for text, use in zip(contents, used, strict=True) if use])
    except ValueError:  # scikit-learn's only way to say "empty vocabulary"
        return [], csr_array((len(contents), 0))
    return counter.get_feature_names_out().tolist(), csr_array(counter.transform(contents))


def char_counts(
    contents: Sequence[str], used: Bools, *, shortest: int, longest: int, most: int
) -> tuple[list[str], csr_array]:
    """How often each text holds each character n-gram, as scikit-learn's `char_wb` counts them.

    N-grams lie within words, so each different word is cut up once, and the counts of texts are those of
    their words: several times quicker than cutting every text. Texts are lowercased.

    Returns:
        The `most` frequent n-grams of the texts `used`, sorted, and the counts of all texts, shape
        [texts, n-grams].
    """
    words: dict[str, int] = {}
    texts = [[words.setdefault(word, len(words)) for word in text.lower().split()] for text in contents]
    grams: dict[str, int] = {}
    cut = [[grams.setdefault(gram, len(grams)) for gram in _grams(word, shortest, longest)] for word in words]
    in_texts, in_words = _tally(texts, len(words)), _tally(cut, len(grams))
    totals = in_texts[np.flatnonzero(used)].sum(axis=0) @ in_words
    frequent = np.argsort(-totals, kind="stable")[:most]
    names = list(grams)
    chosen = sorted((names[gram], gram) for gram in frequent.tolist() if totals[gram])
    columns = np.array([gram for _, gram in chosen], dtype=np.int64)
    return [name for name, _ in chosen], csr_array(in_texts @ in_words[:, columns])


def _grams(word: str, shortest: int, longest: int) -> list[str]:
    padded = f" {word} "
    # A word shorter than n is its own and only n-gram, and counts once however many n it falls short of.
    lengths = range(shortest, max(shortest, min(longest, len(padded))) + 1)
    return [padded[at : at + n] for n in lengths for at in range(max(1, len(padded) - n + 1))]


def _tally(rows: Sequence[Sequence[int]], columns: int) -> csr_array:
    """Counts of the numbers in each row, shape [rows, columns]."""
    ends = np.cumsum([0, *map(len, rows)])
    flat: NDArray[np.int32] = np.array([number for row in rows for number in row], dtype=np.int32)
    counts = csr_array((np.ones(len(flat)), flat, ends), shape=(len(rows), columns))
    counts.sum_duplicates()
    return counts
