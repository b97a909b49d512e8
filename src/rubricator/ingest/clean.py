"""Cleaning: what teachers and models see of a text."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Sequence
from dataclasses import replace

import regex

from rubricator.config import Clean
from rubricator.errors import plural
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

    Cleaning a clean text changes nothing.
    """

    def __init__(self, config: Clean) -> None:
        self._steps = tuple(step for name, step in STEPS.items() if getattr(config, name))

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
        return normalise_spaces(original) if is_blank(content) else content


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
