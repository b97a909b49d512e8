"""How hastily something was written: capitals, full stops, commas, exclamation marks, dots over ё."""

from __future__ import annotations

import re
from random import Random

_MARKS = re.compile(r"[,;:—–«»\"()]")
_SENTENCE_END = re.compile(r"[.!?…]+(?=\s|$)")
_SHOUTED = 0.15  # words in capitals, where somebody shouts
_ENDS = ("", "!", "!!!", "...", " )))")


def _without_marks(text: str, _: Random) -> str:
    return _MARKS.sub("", text)


def _lower(text: str, _: Random) -> str:
    return text.lower()


def _shouting(text: str, random: Random) -> str:
    return re.sub(r"\w+", lambda found: found[0].upper() if random.random() < _SHOUTED else found[0], text)


def _other_ends(text: str, random: Random) -> str:
    changed = _SENTENCE_END.sub(lambda _: random.choice(_ENDS), text)
    return changed if changed != text else text + random.choice(_ENDS[1:])


def _without_dots(text: str, _: Random) -> str:
    return text.replace("ё", "е").replace("Ё", "Е")


_HABITS = (_without_marks, _lower, _shouting, _other_ends, _without_dots)


def hasty(text: str, random: Random) -> str:
    """The text as somebody in a hurry, or in anger, would have punctuated it: one to three habits at once."""
    for habit in random.sample(_HABITS, random.randint(1, 3)):
        text = habit(text, random)
    return " ".join(text.split(" ")).strip()
