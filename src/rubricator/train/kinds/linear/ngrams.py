"""Counts of word and character n-grams, as scikit-learn counts them, of many texts at once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from rubricator.models.ngrams import grams
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
    columns: dict[str, int] = {}
    cut = [
        [columns.setdefault(gram, len(columns)) for gram in grams(word, shortest, longest)] for word in words
    ]
    in_texts, in_words = _tally(texts, len(words)), _tally(cut, len(columns))
    totals = in_texts[np.flatnonzero(used)].sum(axis=0) @ in_words
    frequent = np.argsort(-totals, kind="stable")[:most]
    names = list(columns)
    chosen = sorted((names[gram], gram) for gram in frequent.tolist() if totals[gram])
    kept = np.array([gram for _, gram in chosen], dtype=np.int64)
    return [name for name, _ in chosen], csr_array(in_texts @ in_words[:, kept])


def _tally(rows: Sequence[Sequence[int]], columns: int) -> csr_array:
    """Counts of the numbers in each row, shape [rows, columns]."""
    ends = np.cumsum([0, *map(len, rows)])
    flat: NDArray[np.int32] = np.array([number for row in rows for number in row], dtype=np.int32)
    counts = csr_array((np.ones(len(flat)), flat, ends), shape=(len(rows), columns))
    counts.sum_duplicates()
    return counts
