"""The one matcher of words and phrases: for the rule teacher and for the cascade.

A phrase is its words one after another, whatever stands between them but letters and digits. Words are
compared folded: without case, `ё` as `е`; a `*` at the end of a word stands for any ending. A sign means
something only where it does not stand between the words of a phrase ("C++", ".NET", "«Оскар»"): such a
keyword is found as it is written, with no letter or digit on either side.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

import regex

from rubricator.text_rules.patterns import compiled

Occurrence = tuple[int, int, int]
"""Place of the word in the list, and where in the text it starts and ends."""

_TOKEN = regex.compile(r"\w+")
_PIECE = regex.compile(r"\w+\*?")
_PHRASE = regex.compile(r"\w[\w\s*’'.-]*(?<=[\w*])")
# The invisible variation selector after an emoji counts as part of a word (\w) for `regex`.
_REMEMBERED = 100_000  # different words of texts
_FOLD = str.maketrans("ёЁ\ufe0f", "еЕ ")


def fold(content: str) -> str:
    """The text as patterns see it: `ё` as `е`; as long as it was."""
    return content.translate(_FOLD)


def tokens(content: str) -> list[str]:
    """The words of a text, folded, in order."""
    return [token.casefold() for token in _TOKEN.findall(fold(content))]


class WordMatcher:
    """Finds words and phrases, sound ones (see `sound_word`), all of them in one pass over a text."""

    def __init__(self, words: Iterable[str]) -> None:
        self._starts: dict[str, list[tuple[int, list[str]]]] = defaultdict(list)
        self._literals: list[tuple[int, _Literal]] = []
        self._letters: list[int] = []
        for place, word in enumerate(words):
            folded = " ".join(fold(word).split())
            self._letters.append(len(folded.replace("*", "")))
            if _PHRASE.fullmatch(folded):
                first, *rest = _PIECE.findall(folded.casefold())
                self._starts[first].append((place, rest))
            else:
                self._literals.append((place, _Literal(folded)))
        self._lengths = sorted({len(start) - 1 for start in self._starts if start.endswith("*")})
        self._begun: dict[str, list[tuple[int, list[str]]]] = {}

    def words_in(self, content: str) -> set[int]:
        """Places of the words that occur in a text."""
        return {place for place, _, _ in self.occurrences(content)}

    def occurrences(self, content: str) -> Iterator[Occurrence]:
        """Every occurrence of every word, overlapping ones too."""
        folded = fold(content)
        spans = [match.span() for match in _TOKEN.finditer(folded)]
        yield from self._phrases_in(folded, spans)
        word_starts = [start for start, _ in spans]
        for place, literal in self._literals:
            yield from ((place, start, end) for start, end in literal.spans(folded, word_starts))

    def _phrases_in(self, folded: str, spans: Sequence[tuple[int, int]]) -> Iterator[Occurrence]:
        words = [folded[start:end].casefold() for start, end in spans]
        for at, word in enumerate(words):
            begun = self._begun.get(word)
            for place, rest in self._begun_by(word) if begun is None else begun:
                if _follow(words, at + 1, rest):
                    yield place, spans[at][0], spans[at + len(rest)][1]

    def _begun_by(self, word: str) -> list[tuple[int, list[str]]]:
        """The phrases that a word of a text may begin, remembered: few words are frequent in a language."""
        starts = [word, *(f"{word[:length]}*" for length in self._lengths if length <= len(word))]
        begun = [phrase for start in starts for phrase in self._starts.get(start, ())]
        if len(self._begun) >= _REMEMBERED:
            self._begun.clear()
        self._begun[word] = begun
        return begun

    def speaking(
        self, occurrences: Iterable[Occurrence], places: Collection[int]
    ) -> dict[int, tuple[int, int]]:
        """The first span of each word that speaks: where several overlap the earlier, then the longer one.

        So "центральный банк" speaks rather than "банк" at the same place. Only words at `places` compete.
        """
        spans: dict[int, tuple[int, int]] = {}
        free = 0
        for place, start, end in sorted(
            (one for one in occurrences if one[0] in places),
            key=lambda one: (one[1], -one[2], -self._letters[one[0]], one[0]),
        ):
            if start >= free:
                spans.setdefault(place, (start, end))
                free = end
        return spans


class _Literal:
    """A keyword found as it is written: its pieces one after another, signs between them.

    As one regular expression it would take polynomial time on signs that repeat.
    """

    def __init__(self, folded: str) -> None:
        *firsts, last = (regex.escape(piece).replace(r"\*", r"\w*") for piece in folded.split())
        written = [*(rf"(?<!\w){piece}(?=\W)" for piece in firsts), rf"(?<!\w){last}(?!\w)"]
        self._pieces = [compiled(piece) for piece in written]

    def spans(self, folded: str, word_starts: Sequence[int]) -> Iterator[tuple[int, int]]:
        """Where it occurs: from the left, each time as far as it goes."""
        ends: dict[int, int] | None = None  # of the pieces so far, counted from the last, by their start
        for piece in reversed(self._pieces):
            spans = [match.span() for match in piece.finditer(folded, overlapped=True)]
            ends = dict(spans) if ends is None else _joined(spans, ends, word_starts)
        free = 0
        for start, end in (ends or {}).items():
            if start >= free:
                yield start, end
                free = end


def _joined(
    spans: Sequence[tuple[int, int]], ends: Mapping[int, int], word_starts: Sequence[int]
) -> dict[int, int]:
    """Spans of a piece carried on to the last of the next pieces that only signs divide from it."""
    starts = list(ends)
    joined = {}
    for start, end in spans:
        word = bisect_left(word_starts, end)
        reach = word_starts[word] if word < len(word_starts) else math.inf
        following = bisect_right(starts, reach) - 1
        if following >= 0 and starts[following] > end:
            joined[start] = ends[starts[following]]
    return joined


def _follow(words: Sequence[str], at: int, rest: Sequence[str]) -> bool:
    return len(rest) <= len(words) - at and all(
        word.startswith(piece[:-1]) if piece.endswith("*") else word == piece
        for word, piece in zip(words[at : at + len(rest)], rest, strict=True)
    )
