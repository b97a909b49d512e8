"""Cleaning: what teachers and models see of a text."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Iterable, Sequence
from dataclasses import replace

import regex

from rubricator.config import Clean
from rubricator.dataset.boilerplate import Repeated
from rubricator.errors import plural
from rubricator.ingest.boilerplate import BoilerplateRemover
from rubricator.ingest.steps import STEPS, normalise_spaces
from rubricator.progress import Progress, silent
from rubricator.records import Text

_LOG = logging.getLogger(__name__)
_BATCH = 500
# Cleaning can uncover something to clean (an escaped tag, a link in bold type); it is repeated until
# nothing changes. Real texts take one or two rounds; the limit is for texts made to take more.
_ROUNDS = 12
REACH = 100_000
"""Characters of a text that are read: more than the longest `encode.max_tokens` can take."""
_VISIBLE = regex.compile(r"[^\s\p{C}\p{Z}\u00ad\u2800\u3164]")


class Cleaner:
    """Applies the cleaning steps that the config switches on, always in the same order.

    Cleaning a clean text changes nothing. What sources repeat was found beforehand, in all texts together.
    """

    def __init__(self, config: Clean, boilerplate: Iterable[Repeated] = ()) -> None:
        self._steps = tuple(step for name, step in STEPS.items() if getattr(config, name))
        self._boilerplate = BoilerplateRemover(boilerplate)

    def content(self, text: Text, *, seconds: float = math.inf) -> str:
        """Cleaned title and body, one above the other, of the first `REACH` characters.

        If nothing would be left of the text (it is only a link, say), the original comes back with
        its spaces normalised, so that no text ever becomes empty.

        Raises:
            TimeoutError: It takes more than so many seconds.
        """
        deadline = time.monotonic() + seconds
        original = text.original[:REACH]
        content = original
        for _ in range(_ROUNDS):
            before = content
            for step in self._steps:
                if time.monotonic() > deadline:
                    raise TimeoutError
                content = step(content)
            if content == before:
                break
        cleaned = normalise_spaces(original) if is_blank(content) else content
        return self._boilerplate.content(cleaned, text.source)


def step_effects(texts: Sequence[Text], config: Clean, *, most: int) -> tuple[dict[str, int], int]:
    """In how many of at most so many texts each step changes something by itself; and of how many that is."""
    count = min(most, len(texts))
    sample = [texts[number * len(texts) // count].original[:REACH] for number in range(count)]
    steps = {name: step for name, step in STEPS.items() if getattr(config, name) and name != "spaces"}
    effects = {
        name: sum(step(text).split() != text.split() for text in sample) for name, step in steps.items()
    }
    return {name: hits for name, hits in effects.items() if hits}, count


def clean_texts(texts: Sequence[Text], config: Clean, *, progress: Progress = silent) -> list[Text]:
    """The texts with their content filled in."""
    cleaner = Cleaner(config)
    if longer := sum(len(text.original) > REACH for text in texts):
        _LOG.warning(
            "%s longer than %s characters; the rest is not read",
            plural(longer, "text is", "texts are"),
            f"{REACH:,}",
        )
    cleaned: list[Text] = []
    with progress("Cleaning texts", total=len(texts)) as done:
        for start in range(0, len(texts), _BATCH):
            batch = texts[start : start + _BATCH]
            cleaned += [replace(text, content=cleaner.content(text)) for text in batch]
            done(len(batch))
    return cleaned


def is_blank(text: str) -> bool:
    """True if nothing of the text can be seen: spaces, control characters, zero-width marks."""
    return _VISIBLE.search(text) is None
