"""The words and phrases that mark groups of texts: what one says and the others do not."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array, vstack

from rubricator.explore.function_words import function_words
from rubricator.progress import Progress, silent
from rubricator.stats.arrays import Bools, Floats
from rubricator.stats.log_odds import log_odds
from rubricator.text_rules.matcher import tokens

_LONGEST = 3
_CHUNK = 2_000  # texts whose phrases are in memory at once
_CHARACTERS = 1_500  # of a text: what it is about is said at its beginning
_MOST_TEXTS = 30_000
_FEWEST, _SHARE = 3, 0.0005  # texts that hold a phrase, of a group and of all
_SURE = 1.96
_CLEAR = np.log(1.5)  # a word hardly commoner than elsewhere marks nothing, however sure that is
_REPLACES = 0.6  # share of a word's texts that hold a longer phrase, from which the phrase stands for it
_CANDIDATES = 300
_ENDING, _STEM = 3, 4


@dataclass(frozen=True, slots=True)
class MarkingWord:
    """A word or phrase that marks a group.

    Attributes:
        word: Folded: without case and `ё`.
        z: How sure it is that the group says it more often (see `stats.log_odds`).
        texts: Texts of the group that hold it …
        others: … and those outside it.
    """

    word: str
    z: float
    texts: int
    others: int


@dataclass(frozen=True, slots=True)
class Phrases:
    """Words and phrases of texts, and which of the texts hold them.

    Attributes:
        names: The phrases, of one to three words.
        held: 0 or 1, shape [texts, phrases]; rows of texts that were not looked at are empty.
        looked_at: Shape [texts].
    """

    names: Sequence[str]
    held: csr_array
    looked_at: Bools


def find_phrases(contents: Sequence[str], *, seed: int = 0, progress: Progress = silent) -> Phrases:
    """Find the words and phrases of up to three words that enough texts hold.

    Enough are three texts, or 0.05 % of them. Of more than 30,000 texts a sample of so many is looked at, of
    each text the first 1,500 characters. Phrases are gathered chunk by chunk, so that memory does not grow
    with their number: what is frequent in all texts is frequent in one chunk at least (Savasere, Omiecinski
    and Navathe, "An efficient algorithm for mining association rules in large databases", VLDB 1995).
    """
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(contents))[:_MOST_TEXTS]
    chunks = [order[at : at + _CHUNK] for at in range(0, len(order), _CHUNK)]
    at_least = max(_FEWEST, int(np.ceil(_SHARE * len(order))))
    names: set[str] = set()
    with progress("Finding words and phrases", total=2 * len(order)) as step:
        for rows in chunks:
            names.update(_frequent(_cut(contents, rows), -(-at_least // len(chunks))))
            step(len(rows))
        columns = {name: column for column, name in enumerate(sorted(names))}
        found = []
        for rows in chunks:
            found.append(_held(_cut(contents, rows), columns))
            step(len(rows))
    held = csr_array(vstack(found, format="csr")) if found else csr_array((0, len(columns)))
    common = np.flatnonzero(held.sum(axis=0) >= at_least)
    every = list(columns)
    looked_at = np.zeros(len(contents), dtype=bool)
    looked_at[order] = True
    places = csr_array(
        (np.ones(len(order)), (order, np.arange(len(order)))), shape=(len(contents), len(order))
    )
    return Phrases([every[column] for column in common], csr_array(places @ held[:, common]), looked_at)


def marking_words(
    phrases: Phrases, membership: Bools, *, among: Bools | None = None, most: int = 10
) -> list[list[MarkingWord]]:
    """The words that mark each group against all other texts, the surest first.

    How often a word occurs is the number of texts that hold it: one text cannot mark a group by repeating
    a word. Words within a longer phrase that is chosen, and other forms of it, are left out.

    Args:
        phrases: Of the texts.
        membership: Which groups each text belongs to, any number of them, shape [texts, groups].
        among: Texts whose groups are known, shape [texts]; the others are not compared with. All by default.
        most: How many words a group gets.

    Returns:
        For each group its words; none for a group that has no text, or all of them.
    """
    known = phrases.looked_at if among is None else phrases.looked_at & among
    members = csr_array((membership & known[:, None]).T.astype(np.float64))
    inside = np.asarray((members @ phrases.held).todense(), dtype=np.float64)
    outside = phrases.held.T @ known.astype(np.float64) - inside
    odds = log_odds(inside, outside)
    marks = np.where((odds.ratio >= _CLEAR) & (inside >= _FEWEST), odds.z, 0.0)
    return [_chosen(phrases.names, *rows, most=most) for rows in zip(marks, inside, outside, strict=True)]


def _cut(contents: Sequence[str], rows: Iterable[int]) -> list[str]:
    return [contents[row][:_CHARACTERS] for row in rows]


def _analyser() -> Callable[[str], list[str]]:
    empty = function_words()

    def phrases_of(content: str) -> list[str]:
        words = tokens(content)
        speaks = [len(word) > 1 and word not in empty and any(map(str.isalpha, word)) for word in words]
        return [
            " ".join(words[start : start + length])
            for length in range(1, _LONGEST + 1)
            for start in range(len(words) - length + 1)
            if speaks[start] and speaks[start + length - 1]
        ]

    return phrases_of


def _frequent(texts: Sequence[str], at_least: int) -> Sequence[str]:
    from sklearn.feature_extraction.text import CountVectorizer  # a second to import

    counter = CountVectorizer(analyzer=_analyser(), binary=True)
    try:
        held = counter.fit_transform(texts)
    except ValueError:  # scikit-learn's only way to say "empty vocabulary"
        return []
    names: Sequence[str] = counter.get_feature_names_out()[np.ravel(held.sum(axis=0)) >= at_least].tolist()
    return names


def _held(texts: Sequence[str], columns: dict[str, int]) -> csr_array:
    from sklearn.feature_extraction.text import CountVectorizer

    if not columns:
        return csr_array((len(texts), 0))
    counter = CountVectorizer(analyzer=_analyser(), binary=True, vocabulary=columns, dtype=np.float32)
    return csr_array(counter.transform(texts))


def _chosen(
    names: Sequence[str], marks: Floats, inside: Floats, outside: Floats, *, most: int
) -> list[MarkingWord]:
    order = np.argsort(-marks, kind="stable")[:_CANDIDATES]
    rows = [int(row) for row in order if marks[row] >= _SURE]
    words = {row: names[row].split() for row in rows}
    chosen: list[int] = []
    for row in rows:
        best = _longest(row, rows, words, inside)
        if len(chosen) < most and not any(_overlap(words[best], words[other]) for other in chosen):
            chosen.append(best)
    return [
        MarkingWord(names[row], round(float(marks[row]), 2), int(inside[row]), int(outside[row]))
        for row in chosen
    ]


def _longest(row: int, rows: Sequence[int], words: dict[int, list[str]], inside: Floats) -> int:
    """The longer phrase that most of the word's texts hold, or the word itself."""
    longer = [
        other
        for other in rows
        if len(words[other]) > len(words[row])
        and inside[other] >= _REPLACES * inside[row]
        and _within(words[row], words[other])
    ]
    return max(longer, key=lambda other: (len(words[other]), inside[other]), default=row)


def _within(short: Sequence[str], long: Sequence[str]) -> bool:
    """Whether the words stand one after another in the longer phrase, in whatever form."""
    starts = range(len(long) - len(short) + 1)
    return any(all(map(_same_word, short, long[start:])) for start in starts)


def _overlap(one: Sequence[str], other: Sequence[str]) -> bool:
    short, long = sorted((one, other), key=len)
    if _within(short, long):
        return True
    # Windows over one longer phrase: "bank of russia", "russia raised".
    shared = sum(any(_same_word(word, twin) for twin in long) for word in short)
    return len(short) > 1 and shared >= len(short) - 1 and shared > 0


def _same_word(one: str, other: str) -> bool:
    """Whether two words are forms of one: they differ in their last three letters only."""
    if one == other:
        return True
    same = next(
        (place for place, pair in enumerate(zip(one, other, strict=False)) if pair[0] != pair[1]),
        min(len(one), len(other)),
    )
    return same >= _STEM and max(len(one), len(other)) - same <= _ENDING
