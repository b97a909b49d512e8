"""Which 8-bit encoding a text is in, told from how likely its letters are; a few words are enough."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass

_RUSSIAN = "оеаинтсрвлкмдпуяыьгзбчйхжшюцщэфъёіїєґў"
_GREEK = "αοιετσνηυρπκμλςωίάόέδγήχθύφώβξζψϊ"
_WESTERN = "éäöüàèçêßñóáíøåâîôûæëïúãõìòùœÿðþýłšž"
_CENTRAL = "áíéóöüąęłěščřžýůúśżćńźőűäťďňľôăâîșțşţđ"
_TURKISH = "ıüşöğçâîûéä"


@dataclass(frozen=True, slots=True)
class _Alphabet:
    """Letters beyond ASCII in order of frequency; `latin` if they stand among those of ASCII."""

    letters: str
    rarity: int
    latin: bool = False


# Costs are tenths of a nat (minus the logarithm of a probability). `rarity` counts once, so that of readings
# about equally likely the commonest encoding wins; each letter of an alphabet costs one more than the last.
_ALPHABETS = {
    "cp1251": _Alphabet(_RUSSIAN, 0),
    "koi8_r": _Alphabet(_RUSSIAN, 30),
    "cp866": _Alphabet(_RUSSIAN, 30),
    "mac_cyrillic": _Alphabet(_RUSSIAN, 40),
    "cp1252": _Alphabet(_WESTERN, 20, latin=True),
    "cp1250": _Alphabet(_CENTRAL, 30, latin=True),
    "cp1254": _Alphabet(_TURKISH, 30, latin=True),
    "cp1253": _Alphabet(_GREEK, 30),
}
_LETTER, _LATIN_LETTER, _STRANGE_LETTER, _MARK, _SIGN = 22, 40, 90, 50, 90
_TITLE, _CAPITALS, _ODD_CASE, _TWO_SCRIPTS = 5, 15, 60, 80
# What random bytes cost, and texts in none of these alphabets.
_NO_TEXT = 70
_MARKS = frozenset("«»—–“”„‘’…№€°\u00a0·•")
_WORD = re.compile(r"[^\W\d_]+")
_LATIN = re.compile("[A-Za-z]")


def likeliest_encoding(sample: bytes) -> str:
    """The 8-bit encoding in which the sample is likeliest a text; empty if it is one in none."""
    costs = {name: _cost(sample, name, alphabet) for name, alphabet in _ALPHABETS.items()}
    best = min(costs, key=lambda name: costs[name])
    return (
        best if costs[best] - _ALPHABETS[best].rarity <= _NO_TEXT * sum(byte > 127 for byte in sample) else ""
    )


def _cost(sample: bytes, encoding: str, alphabet: _Alphabet) -> int:
    """Minus the logarithm of how likely the sample is, read in the encoding."""
    text = sample.decode(encoding, "replace")
    signs = Counter(char for char in text if not (char.isascii() or char.isalpha()))
    words = Counter(word for word in _WORD.findall(text) if not word.isascii())
    return (
        alphabet.rarity
        + sum((_MARK if sign in _MARKS else _SIGN) * count for sign, count in signs.items())
        + sum(_word_cost(word, alphabet) * count for word, count in words.items())
    )


def _word_cost(word: str, alphabet: _Alphabet) -> int:
    base = _LATIN_LETTER if alphabet.latin else _LETTER
    ranks = [alphabet.letters.find(char) for char in word.lower() if not char.isascii()]
    cost = sum(base + rank if rank >= 0 else _STRANGE_LETTER for rank in ranks)
    if not word.islower():
        cost += _TITLE if word.istitle() else _CAPITALS if word.isupper() else _ODD_CASE
    return cost if alphabet.latin or not _LATIN.search(word) else cost + _TWO_SCRIPTS
