"""Russian in Latin letters and back, as machines that know no Cyrillic write it.

The table is that of ICAO Doc 9303 (part 3), which passports follow. It cannot be undone, and what comes back
is how people spell who typed without a Russian keyboard: soft signs are gone, `щ` has become `шч`.
"""

from __future__ import annotations

import re
from random import Random

_THERE = {
    "а": "a", "б": "b", "в": "v", "г": "g", "д": "d", "е": "e", "ё": "e", "ж": "zh", "з": "z", "и": "i",
    "й": "i", "к": "k", "л": "l", "м": "m", "н": "n", "о": "o", "п": "p", "р": "r", "с": "s", "т": "t",
    "у": "u", "ф": "f", "х": "kh", "ц": "ts", "ч": "ch", "ш": "sh", "щ": "shch", "ъ": "ie", "ы": "y",
    "ь": "", "э": "e", "ю": "iu", "я": "ia",
}  # fmt: skip
_BACK = {
    "zh": "ж", "kh": "х", "ts": "ц", "ch": "ч", "sh": "ш", "iu": "ю", "ia": "я", "a": "а", "b": "б",
    "c": "к", "d": "д", "e": "е", "f": "ф", "g": "г", "h": "х", "i": "и", "j": "й", "k": "к", "l": "л",
    "m": "м", "n": "н", "o": "о", "p": "п", "q": "к", "r": "р", "s": "с", "t": "т", "u": "у", "v": "в",
    "w": "в", "x": "кс", "y": "ы", "z": "з",
}  # fmt: skip
_LATIN = re.compile("|".join(sorted(_BACK, key=len, reverse=True)), re.IGNORECASE)
_CYRILLIC = re.compile("[а-яё]", re.IGNORECASE)
_WORD = re.compile(r"\w+")
WORDS = 0.3
"""Words that are written in the other letters."""


def to_latin(text: str) -> str:
    """Cyrillic letters of Russian in Latin ones; everything else stays."""
    return _CYRILLIC.sub(lambda found: _cased(found[0], _THERE[found[0].lower()]), text)


def to_cyrillic(text: str) -> str:
    """Latin letters in Cyrillic ones, the longest first; everything else stays."""
    return _LATIN.sub(lambda found: _cased(found[0], _BACK[found[0].lower()]), text)


def there_and_back(text: str, random: Random, *, share: float = WORDS) -> str:
    """A share of the words is written in the other letters, and half of these come back."""

    def rewritten(found: re.Match[str]) -> str:
        word = found[0]
        if random.random() >= share:
            return word
        there, back = (to_latin, to_cyrillic) if _CYRILLIC.search(word) else (to_cyrillic, to_latin)
        other = there(word) or word  # a soft sign alone has no letter there
        returned = back(other)
        return returned if returned != word and random.random() < 0.5 else other

    return _WORD.sub(rewritten, text)


def _cased(original: str, letters: str) -> str:
    return letters.capitalize() if original[0].isupper() else letters
