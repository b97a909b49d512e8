"""Which words, beginnings of words and phrases occur in which texts: the columns rules are mined from."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_array

from rubricator.stats.arrays import Bools
from rubricator.text_rules.matcher import tokens

Ints = NDArray[np.int64]
Occurrence = tuple[list[str], csc_array]

_SHORTEST_STEM = 4
_MOST = 60_000  # columns; the rest, which is rarer, is left out


def occurrences(contents: Sequence[str], used: Bools, *, at_least: int) -> Occurrence:
    """Words, beginnings (`word*`) and phrases of two or three words, with the texts they occur in.

    Russian endings are cut by trying every beginning of a word: that takes no stemmer, and works in
    any language that bends words at their end. Of columns that say the same of all texts one is
    kept: the longest beginning, else the word, else the phrase. A column must occur in `at_least` of the
    texts `used`, shape [n].

    Returns:
        The words as rules write them, and 0 or 1 in a matrix of shape [n, words].
    """
    texts = [tokens(content) for content in contents]
    # All tokens of all texts one after the other: `rows` says whose each is, `flat` which word it is.
    rows = np.repeat(np.arange(len(texts)), [len(words) for words in texts])
    vocabulary: dict[str, int] = {}
    flat = np.array(
        [vocabulary.setdefault(word, len(vocabulary)) for word in chain.from_iterable(texts)], dtype=np.int64
    )
    words = list(vocabulary)
    blocks = [
        _beginnings(words, *_distinct(rows, flat, len(words)), used, at_least),
        _named(words, *_distinct(rows, flat, len(words)), used, at_least),
        *_phrases(words, rows, flat, used, at_least),
    ]
    names = [name for block, _, _ in blocks for name in block]
    starts = np.cumsum([0, *(len(block) for block, _, _ in blocks)])
    at = np.concatenate([row for _, row, _ in blocks])
    columns = np.concatenate([column + start for (_, _, column), start in zip(blocks, starts, strict=False)])
    matrix = csc_array((np.ones(len(at)), (at, columns)), shape=(len(contents), len(names)))
    different = _different(matrix)
    counts = np.diff(matrix.indptr)[different]
    frequent = np.sort(different[np.argsort(-counts, kind="stable")[:_MOST]])
    return [names[column] for column in frequent], csc_array(matrix[:, frequent])


def _distinct(rows: Ints, columns: Ints, width: int) -> tuple[Ints, Ints]:
    """Each pair once, by row."""
    # A pair as one number, which sorts and compares far faster than two.
    pairs = np.unique(rows * max(width, 1) + columns)
    return pairs // max(width, 1), pairs % max(width, 1)


def _common(rows: Ints, columns: Ints, width: int, used: Bools, at_least: int) -> Bools:
    """Columns that enough used rows have, of distinct pairs."""
    return np.asarray(np.bincount(columns[used[rows]], minlength=width) >= at_least)


def _named(
    names: Sequence[str], rows: Ints, columns: Ints, used: Bools, at_least: int
) -> tuple[list[str], Ints, Ints]:
    """The columns that occur often enough, numbered anew."""
    common = _common(rows, columns, len(names), used, at_least)
    number = np.cumsum(common) - 1  # of a common column among the common ones; elsewhere never read
    chosen = common[columns]
    return [names[c] for c in np.flatnonzero(common).tolist()], rows[chosen], number[columns[chosen]]


def _beginnings(
    words: Sequence[str], rows: Ints, columns: Ints, used: Bools, at_least: int
) -> tuple[list[str], Ints, Ints]:
    stems: dict[str, int] = {}
    for word in words:
        if not any(sign.isdigit() for sign in word):
            for length in range(len(word) - 1, _SHORTEST_STEM - 1, -1):
                stems.setdefault(word[:length], len(stems))
    # A word also counts for the beginning that is the whole word, where longer words have it.
    of_word = [
        [stems[word[:n]] for n in range(_SHORTEST_STEM, len(word) + 1) if word[:n] in stems] for word in words
    ]
    counts = np.array([len(numbers) for numbers in of_word], dtype=np.int64)
    # The lists of all words end to end, so that every occurrence of a word is expanded into its beginnings
    # at once: occurrence i takes `times[i]` entries of `flat` from `starts` of its word on, and `within`
    # counts 0, 1, … anew inside each occurrence.
    flat = np.fromiter(chain.from_iterable(of_word), dtype=np.int64, count=int(counts.sum()))
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]]).astype(np.int64)
    times = counts[columns]
    within = np.arange(times.sum()) - np.repeat(np.cumsum(times) - times, times)
    expanded = flat[np.repeat(starts[columns], times) + within]
    names = sorted(stems, key=len, reverse=True)  # longest first: it stays where several say the same
    order = np.empty(len(stems), dtype=np.int64)
    order[[stems[name] for name in names]] = np.arange(len(stems))
    pairs = _distinct(np.repeat(rows, times), order[expanded], len(names))
    return _named([f"{name}*" for name in names], *pairs, used, at_least)


def _phrases(
    words: Sequence[str], rows: Ints, flat: Ints, used: Bools, at_least: int
) -> list[tuple[list[str], Ints, Ints]]:
    """Phrases of two and of three words, the longer ones out of the shorter ones that are common."""
    if not len(flat):
        return []
    blocks = []
    # Place of the phrase that starts at each position; a word to begin with.
    names, phrase = list(words), flat
    for longer in (1, 2):
        # Places whose phrase is common and whose next word is still in the same text.
        follows = np.flatnonzero((rows[:-longer] == rows[longer:]) & (phrase[: len(rows) - longer] >= 0))
        # A phrase and the word after it as one number, unique as long as words are numbered below len(words).
        codes = phrase[follows] * len(words) + flat[follows + longer]
        distinct, place = np.unique(codes, return_inverse=True)
        at, columns = _distinct(rows[follows], place, len(distinct))
        common = _common(at, columns, len(distinct), used, at_least)
        number = np.where(common, np.cumsum(common) - 1, -1)
        names = [f"{names[c // len(words)]} {words[c % len(words)]}" for c in distinct[common].tolist()]
        blocks.append((names, at[common[columns]], number[columns[common[columns]]]))
        phrase = np.full(len(rows), -1, dtype=np.int64)
        phrase[follows] = number[place]
    return blocks


def _different(matrix: csc_array) -> Ints:
    """The first of every set of equal columns."""
    # Every text has a random number; columns whose texts sum to the same number hold of the same texts, but
    # for a chance of about one in 2^62. `reduceat` cannot sum nothing: empty columns (there are none, for a
    # column occurs somewhere) would take their neighbour's first number.
    codes = np.random.default_rng(0).integers(1, 2**62, size=matrix.shape[0], dtype=np.int64)
    sums = np.add.reduceat(
        np.append(codes[matrix.indices], 0), np.minimum(matrix.indptr[:-1], len(matrix.indices))
    )
    _, first = np.unique(sums, return_index=True)
    return np.sort(first)
