"""Shortens texts to a number of tokens by leaving out the middle."""

from __future__ import annotations

from collections.abc import Callable

GAP = "[…]"
_HEAD = 2 / 3
_MARGIN = 0.95
# No tokenizer in use makes less than one token of so many characters of ordinary text.
_LONGEST_TOKENS = 32


def head_and_tail(text: str, limit: int, count: Callable[[str], int]) -> str:
    """Keep the beginning and, half as long, the end; "[…]" stands for what is left out between.

    Cuts lie between words where there are any near. A text of no more bytes than `limit` is surely
    short enough and is not counted; others are counted once or, if cut, two to four times. In the
    extreme only "[…]" is left or, if even that does not fit, nothing. `count` gives the tokens of a text,
    `limit` is how many the result may have.
    """
    if len(text.encode("utf-8", "surrogatepass")) <= limit:
        return text
    shortened = _cut(text, limit * _LONGEST_TOKENS) if len(text) > limit * _LONGEST_TOKENS else text
    tokens = count(shortened)
    letters = len(shortened)
    while tokens > limit:
        letters = min(int(letters * limit / tokens * _MARGIN), letters - 1)
        shortened = _cut(text, letters) if letters > len(GAP) else ""
        if not shortened:
            return GAP if count(GAP) <= limit else ""
        tokens = count(shortened)
    return shortened


def _cut(text: str, letters: int) -> str:
    """Head and tail of `text` in about `letters` characters and no more."""
    room = letters - len(GAP) - 2
    if room <= 0:
        return GAP
    head, tail = text[: int(room * _HEAD)], text[len(text) - (room - int(room * _HEAD)) :]
    # A word that is cut in two goes, unless it is most of what is kept (a long link, no spaces at all).
    begun, ended = (max(part.rfind(" "), part.rfind("\n")) for part in (head, tail[::-1]))
    if begun > len(head) // 2:
        head = head[:begun]
    if ended > len(tail) // 2:
        tail = tail[len(tail) - ended :]
    return f"{head.rstrip()} {GAP} {tail.lstrip()}".strip()
