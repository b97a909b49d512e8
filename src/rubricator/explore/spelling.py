"""How texts are written: misspelt words, words of two alphabets, characters that are remains of something."""

from __future__ import annotations

import unicodedata
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import regex

_WORD = regex.compile(r"\p{L}+")
_MIXED = regex.compile(r"\p{Latin}\p{Cyrillic}|\p{Cyrillic}\p{Latin}")
_STRETCHED = regex.compile(r"(\p{Ll})\1{2,}")
# Remains of a wrong decoding (UTF-8 read as Windows-1251 or Latin-1), and of characters lost for good.
_BROKEN = regex.compile(
    r"\ufffd|(?:[РС][\u0402-\u040f\u0452-\u045f°±²³µ¶·»јЅѕї]){2}|(?:[ÐÑ][\u0080-\u00bf]){2}"
)
_LONG = 7  # letters; of shorter words too many are another word when a letter changes
_ENDING = 3  # letters at the end, where words are inflected
_FREQUENT, _TIMES = 30, 50
_SHOWN = 15
_USUAL = 0.001  # share of texts from which a character is no rare one
_TEXTS = 20_000


@dataclass(frozen=True, slots=True)
class Typo:
    """A word that is probably another one misspelt, with how often both occur."""

    word: str
    times: int
    meant: str
    meant_times: int


@dataclass(frozen=True, slots=True)
class RareCharacter:
    """A character that few texts hold, with its name in Unicode."""

    character: str
    name: str
    texts: int


@dataclass(frozen=True, slots=True)
class Places:
    """In how many texts something stands, and examples of it."""

    texts: int = 0
    examples: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spelling:
    """How texts are written.

    Attributes:
        looked_at: Number of texts that were looked at, spread evenly.
        typos: Probable ones, the commonest first; `typo_count` counts all of them.
        mixed: Texts with words of Latin and Cyrillic letters.
        stretched: Texts with a letter three times in a row.
        broken: Texts with remains of a wrong encoding.
        rare: Rare characters, the rarest last; `rare_texts` counts the texts that hold any.
    """

    looked_at: int
    typos: list[Typo]
    typo_count: int
    mixed: Places
    stretched: Places
    broken: Places
    rare: list[RareCharacter]
    rare_texts: int


def spelling(contents: Sequence[str]) -> Spelling:
    """Look at how texts are written, at 20,000 of them at most.

    A typo is a word of seven or more letters that occurs once or twice and differs by one letter (left out,
    put in, changed or swapped with its neighbour) from one that occurs at least 50 times as often; endings do
    not count, where words are inflected, and a word of which there are other forms is one by itself. The
    search by deletions is that of Garbe, "SymSpell", 2012.
    """
    step = max(1, -(-len(contents) // _TEXTS))
    sample = contents[::step]
    words: Counter[str] = Counter()
    characters: Counter[str] = Counter()
    for content in sample:
        words.update(word.casefold().replace("ё", "е") for word in _WORD.findall(content))
        characters.update(set(content))
    typos = sorted(_typos(words), key=lambda one: (-one.times, -one.meant_times, one.word))
    limit = max(2, round(_USUAL * len(sample)))
    rare = {sign: count for sign, count in characters.items() if count <= limit and _is_strange(sign)}
    return Spelling(
        looked_at=len(sample),
        typos=typos[:_SHOWN],
        typo_count=len(typos),
        mixed=_places(sample, _MIXED, whole_word=True),
        stretched=_places(sample, _STRETCHED, whole_word=True),
        broken=_places(sample, _BROKEN),
        rare=[
            RareCharacter(sign, unicodedata.name(sign, f"U+{ord(sign):04X}").capitalize(), count)
            for sign, count in sorted(rare.items(), key=lambda item: (-item[1], item[0]))[:_SHOWN]
        ],
        rare_texts=sum(not rare.keys().isdisjoint(content) for content in sample) if rare else 0,
    )


def _is_strange(sign: str) -> bool:
    """Letters of living scripts and digits are rare in some texts, but not strange."""
    return (
        unicodedata.category(sign) in ("Cc", "Cf", "Co", "Cn", "So", "Sk", "Sm", "No", "Lm") and sign != "\n"
    )


def _places(contents: Sequence[str], pattern: regex.Pattern[str], *, whole_word: bool = False) -> Places:
    texts = 0
    found: Counter[str] = Counter()
    for content in contents:
        if match := pattern.search(content):
            texts += 1
            found[_word_around(content, match.start()) if whole_word else match[0]] += 1
    return Places(texts, [example for example, _ in found.most_common(8)])


def _word_around(content: str, place: int) -> str:
    start = place
    while start and content[start - 1].isalpha():
        start -= 1
    match = _WORD.match(content, start)
    return match[0] if match else ""


def _typos(words: Counter[str]) -> Iterator[Typo]:
    ordered = sorted(words)
    frequent: dict[str, list[str]] = {}
    for word, count in words.items():
        if count >= _FREQUENT and len(word) >= _LONG - 1:
            for form in {word, *_deletions(word)}:
                frequent.setdefault(form, []).append(word)
    for word, count in words.items():
        if count <= 2 and len(word) >= _LONG:
            forms = (word, *_deletions(word))
            meant = {one for form in forms for one in frequent.get(form, ()) if _one_slip(word, one)}
            best = max(meant, key=lambda one: words[one], default="")
            if best and words[best] >= _TIMES * count and not _has_forms(word, ordered):
                yield Typo(word, count, best, words[best])


def _has_forms(word: str, ordered: Sequence[str]) -> bool:
    """Whether another word begins like this one and has another ending."""
    stem = word[: -_ENDING + 1]
    start = bisect_left(ordered, stem)
    return any(other.startswith(stem) and other != word for other in ordered[start : start + 2])


def _deletions(word: str) -> list[str]:
    return [word[:place] + word[place + 1 :] for place in range(len(word) - _ENDING)]


def _one_slip(word: str, meant: str) -> bool:
    """Whether one letter before the ending was left out, put in, changed or swapped with its neighbour."""
    if word == meant or word[-_ENDING:] != meant[-_ENDING:] or word[0] != meant[0]:
        return False
    if len(word) != len(meant):
        short, long = sorted((word, meant), key=len)
        return len(long) - len(short) == 1 and any(
            long[:place] + long[place + 1 :] == short for place in range(len(long))
        )
    differing = [place for place, (one, other) in enumerate(zip(word, meant, strict=True)) if one != other]
    if len(differing) == 2:
        first, second = differing
        return second == first + 1 and word[first] == meant[second] and word[second] == meant[first]
    return len(differing) == 1
