"""Single keys from a terminal, or the same from the lines of a pipe."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

# A Russian layout has these letters on the same keys.
_SAME_KEYS = str.maketrans("йцукенгшщзфывапролдячсмить", "qwertyuiopasdfghjklzxcvbnm")
CONFIRM = "\n"


@contextmanager
def keyboard(*, toggles: bool) -> Iterator[Iterator[str]]:
    """Keys as a person presses them, until the input ends; Enter and space are `CONFIRM`.

    On a terminal each key comes at once. From a pipe each line is one answer: its keys, and an empty
    line confirms. Where `toggles` is set, Enter has to follow the keys: a line of keys ends with `CONFIRM`.
    """
    if not sys.stdin.isatty():
        yield _from_lines(toggles=toggles)
        return
    with _unbuffered():
        yield _from_terminal()


def _from_lines(*, toggles: bool) -> Iterator[str]:
    for line in sys.stdin:
        keys = [_plain(key) for key in line.strip()]
        yield from keys
        if not keys or (toggles and not (len(keys) == 1 and keys[0] in "squ")):
            yield CONFIRM


def _from_terminal() -> Iterator[str]:
    while (key := sys.stdin.read(1)) not in ("", "\x04"):  # the end of the input, or Ctrl-D
        yield _plain(key)


def _plain(key: str) -> str:
    return CONFIRM if key in "\r\n " else key.translate(_SAME_KEYS)


@contextmanager
def _unbuffered() -> Iterator[None]:
    """Keys come without Enter and are not shown; Ctrl-C still interrupts."""
    try:
        import termios
        import tty
    except ImportError:  # no such terminals on Windows: keys there need Enter
        yield
        return
    place = sys.stdin.fileno()
    before = termios.tcgetattr(place)
    try:
        # Keys typed ahead, while the next text was on its way, must not be thrown away.
        tty.setcbreak(place, termios.TCSADRAIN)
        yield
    finally:
        termios.tcsetattr(place, termios.TCSADRAIN, before)
