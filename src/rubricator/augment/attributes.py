"""What a new text shall be like: a grid of attributes drawn from real texts."""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import regex

from rubricator.dataset.near_copies import words_of
from rubricator.records import Text

_SUBTOPICS = 40
_LONG_WORD = 4
_SENTENCE_END = regex.compile(r"[.!?…)]\s*$")
_MANNERS = {
    "ru": {
        "exclaiming": "взволнованный, с восклицаниями",
        "asking": "с вопросом",
        "careless": "небрежный: строчными буквами или без точки в конце",
        "plain": "ровный, законченными предложениями",
    },
    "en": {
        "exclaiming": "excited, with exclamation marks",
        "asking": "with a question",
        "careless": "careless: in small letters or without a full stop",
        "plain": "even, in whole sentences",
    },
}


@dataclass(frozen=True, slots=True)
class Attributes:
    """What one new text shall be like: words, tone, a word of its subtopic, and the source it imitates."""

    words: int
    tone: str
    subtopic: str
    source: str


def tone_of(content: str) -> str:
    """The manner of a text, by what can be counted: exclaiming, asking, careless or plain."""
    if "!" in content:
        return "exclaiming"
    if "?" in content:
        return "asking"
    letters = [letter for letter in content if letter.isalpha()]
    small = bool(letters) and letters[0].islower()
    return "careless" if small or not _SENTENCE_END.search(content) else "plain"


class AttributeGrid:
    """Lengths, tones, subtopics and sources of the real texts of one category.

    Values are drawn as often as they occur, each attribute by itself, so that new texts combine them as no
    real one did (Yu et al., "Large language model as attributed training data generator", NeurIPS 2023;
    there a model names the values, here real texts give them). Subtopics are the words by which the category
    differs most from the other texts.
    """

    def __init__(self, own: Sequence[Text], others: Sequence[Text], *, language: str) -> None:
        self._own = own
        self._manners = _MANNERS[language]
        self.subtopics = telling_words([text.content for text in own], [text.content for text in others])

    def draw(self, rng: random.Random) -> Attributes:
        """One combination; the same state of `rng` gives the same."""
        length, tone, source = (rng.choice(self._own) for _ in range(3))
        return Attributes(
            words=max(1, len(words_of(length.content))),
            tone=self._manners[tone_of(tone.content)],
            subtopic=rng.choice(self.subtopics) if self.subtopics else "",
            source=source.source,
        )


def telling_words(own: Sequence[str], others: Sequence[str]) -> tuple[str, ...]:
    """Words that some of the texts have and few of the others, the most telling first.

    By the signed log-likelihood ratio of document frequencies (Dunning, 1993).
    """
    here, there = _document_counts(own), _document_counts(others)
    scores = {word: _likelihood(count, len(own), there[word], len(others)) for word, count in here.items()}
    best = sorted((word for word in scores if scores[word] > 0), key=lambda word: (-scores[word], word))
    return tuple(best[:_SUBTOPICS])


def _document_counts(contents: Sequence[str]) -> Counter[str]:
    return Counter(
        word
        for content in contents
        for word in set(words_of(content))
        if len(word) >= _LONG_WORD and word.isalpha()
    )


def _likelihood(count: int, size: int, other: int, others: int) -> float:
    if not others or count / size <= other / others:
        return 0.0 if others else float(count)
    expected = (count + other) / (size + others)
    return 2 * (count * math.log(count / (size * expected)) + _term(other, others * expected))


def _term(count: int, expected: float) -> float:
    return count * math.log(count / expected) if count else 0.0


@dataclass(frozen=True, slots=True)
class LengthRange:
    """Numbers of words that a text may have, and the most lines: where nobody writes lists, none passes."""

    least: int
    most: int
    most_lines: int

    @classmethod
    def of(cls, contents: Sequence[str], *, beyond: float) -> LengthRange:
        """Those between the 2nd and the 98th percentile of real texts, and `beyond` times further."""
        lengths = [len(words_of(content)) for content in contents] or [0]
        low, high = np.percentile(lengths, [2, 98])
        lines = np.percentile([content.count("\n") + 1 for content in contents] or [1], 98)
        return cls(max(1, math.floor(low / beyond)), math.ceil(high * beyond), math.ceil(lines * beyond))

    def fits(self, content: str) -> bool:
        """Whether a text is as long as real ones are."""
        lines = content.count("\n") + 1
        return self.least <= len(words_of(content)) <= self.most and lines <= self.most_lines
