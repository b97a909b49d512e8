"""Slips of fingers on a real keyboard: ЙЦУКЕН for Cyrillic letters, QWERTY for Latin ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random

_LAYOUTS = (
    ("йцукенгшщзхъ", "фывапролджэ", "ячсмитьбю"),
    ("qwertyuiop", "asdfghjkl", "zxcvbnm"),
)
_SLIPS = ("neighbour", "neighbour", "left out", "twice", "swapped")
RATE = 0.03
"""Slips a letter; people who type on a phone make about one in forty."""


def _neighbours(rows: Sequence[str]) -> dict[str, str]:
    """Keys that touch each key; a row stands half a key to the right of the one above it."""
    at = {(row, column): key for row, keys in enumerate(rows) for column, key in enumerate(keys)}
    steps = ((0, -1), (0, 1), (-1, 0), (-1, 1), (1, 0), (1, -1))
    return {
        key: "".join(at[place] for r, c in steps if (place := (row + r, column + c)) in at)
        for (row, column), key in at.items()
    }


NEIGHBOURS: Mapping[str, str] = {
    **{key: near for rows in _LAYOUTS for key, near in _neighbours(rows).items()},
    "ё": "е",  # its key is far off, so people write the other letter instead
}
"""Keys that a finger hits instead, by the letter that was meant."""


def typos(text: str, random: Random, *, rate: float = RATE) -> str:
    """One letter in so many is hit beside, left out, hit twice or swapped with the next; at least one is."""
    letters = list(text)
    places = [place for place, letter in enumerate(letters) if letter.lower() in NEIGHBOURS]
    if not places:
        return text
    slips = max(1, sum(random.random() < rate for _ in places))
    for place in sorted(random.sample(places, min(slips, len(places))), reverse=True):
        _slip(letters, place, random)
    return "".join(letters)


def _slip(letters: list[str], place: int, random: Random) -> None:
    letter, slip = letters[place], random.choice(_SLIPS)
    following = letters[place + 1] if place + 1 < len(letters) else ""
    if slip == "left out" and len(letters) > 1:
        del letters[place]
    elif slip == "twice":
        letters.insert(place, letter)
    elif slip == "swapped" and following.isalpha() and following != letter:
        letters[place : place + 2] = [following, letter]
    else:
        hit = random.choice(NEIGHBOURS[letter.lower()])
        letters[place] = hit.upper() if letter.isupper() else hit
