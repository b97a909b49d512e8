"""Single keys from a terminal, or the same from the lines of a pipe."""

from __future__ import annotations

import codecs
import os
import re
import select
import sys
from collections.abc import Iterator
from contextlib import contextmanager

try:
    import termios
    import tty
except ImportError:  # no such terminals on Windows: keys there need Enter
    termios = None  # type: ignore[assignment]

# A Russian layout has these letters on the same keys.
_SAME_KEYS = str.maketrans("йцукенгшщзфывапролдячсмить", "qwertyuiopasdfghjklzxcvbnm")
CONFIRM = "\n"
_END = "\x04"  # Ctrl-D
_ESCAPE = "\x1b"
# Delete, arrows, F1 and Alt with a key come as Escape and signs behind it, among them digits and letters.
_SPECIAL = re.compile(r"\x1b+(?:\[\[?[0-?]*[ -/]*[@-~]?|O[0-?]*[^\x1b]?|[^\x1b])?")
_UNFINISHED = re.compile(r"\x1b+(?:\[\[?[0-?]*[ -/]*|O[0-?]*)?$")
_REST_SECONDS = 0.05  # a terminal sends the signs of one key together


@contextmanager
def keyboard(*, toggles: bool) -> Iterator[Iterator[str]]:
    """Keys as a person presses them, until the input ends; Enter and space are `CONFIRM`.

    On a terminal each key comes at once; what a special key sends comes as one key that means nothing. From a
    pipe each line is one answer: its keys, and an empty line confirms. Where `toggles` is set, Enter has to
    follow the keys: a line of keys ends with `CONFIRM`.
    """
    if termios is None or not sys.stdin.isatty():
        yield _from_lines(toggles=toggles)
        return
    with _unbuffered():
        yield _from_terminal()


def _from_lines(*, toggles: bool) -> Iterator[str]:
    for line in sys.stdin:
        keys = _keys(line.strip())
        yield from keys
        if not keys or (toggles and not (len(keys) == 1 and keys[0] in "squ")):
            yield CONFIRM


def _from_terminal() -> Iterator[str]:
    place, decoder = sys.stdin.fileno(), codecs.getincrementaldecoder("utf-8")("replace")
    while signs := os.read(place, 1024):
        pressed = decoder.decode(signs)
        while _UNFINISHED.search(pressed) and select.select([place], [], [], _REST_SECONDS)[0]:
            if not (signs := os.read(place, 1024)):
                break
            pressed += decoder.decode(signs)
        for key in _keys(pressed):
            if key == _END:
                return
            yield key


def _keys(pressed: str) -> list[str]:
    return [
        CONFIRM if key in "\r\n " else key.translate(_SAME_KEYS) for key in _SPECIAL.sub(_ESCAPE, pressed)
    ]


@contextmanager
def _unbuffered() -> Iterator[None]:
    """Keys come without Enter and are not shown; Ctrl-C still interrupts."""
    place = sys.stdin.fileno()
    before = termios.tcgetattr(place)
    try:
        # Keys pressed before the first text was shown are thrown away: they cannot be an answer to it.
        tty.setcbreak(place, termios.TCSAFLUSH)
        yield
    finally:
        termios.tcsetattr(place, termios.TCSADRAIN, before)
