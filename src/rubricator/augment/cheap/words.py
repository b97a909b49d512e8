"""Words that are left out (the random deletion of Wei & Zou, "EDA", EMNLP 2019)."""

from __future__ import annotations

import re
from random import Random

RATE = 0.1
"""Words left out."""
_WORD = re.compile(r"\S+\s*")


def word_dropout(text: str, random: Random, *, rate: float = RATE) -> str:
    """One word in so many is left out, at least one of several and never all."""
    words = _WORD.findall(text)
    if len(words) < 2:
        return text
    gone = {place for place in range(len(words)) if random.random() < rate}
    gone = gone or {random.randrange(len(words))}
    kept = [word for place, word in enumerate(words) if place not in gone] or [random.choice(words)]
    return "".join(kept).strip()
