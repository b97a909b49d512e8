"""Regular expressions that people may write into rules, without one that takes forever."""

from __future__ import annotations

import logging
import math
import time

import regex

_LOG = logging.getLogger(__name__)
_TIMEOUT_SECONDS = 0.2
_TEXT_SECONDS = 1.0

_FLAGS = regex.IGNORECASE | regex.VERSION0
_REPEAT = regex.compile(r"[*+]|\{\d*,\d*\}")
_LETTER = r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]"
_COMMENT = r"\(\?#[^)]*\)"
_LONGEST = 2000
_MOST_COPIES = 100_000


def compiled(pattern: str) -> regex.Pattern[str]:
    """The pattern as rules use it: whatever the case."""
    return regex.compile(pattern, _FLAGS)


class Patience:
    """The time that the patterns of all rules may take on one text."""

    def __init__(self) -> None:
        self._deadline = time.monotonic() + _TEXT_SECONDS

    def holds(self, pattern: regex.Pattern[str], folded: str) -> bool:
        """True if the pattern is found in the text; one that takes too long is passed over and logged."""
        seconds = min(_TIMEOUT_SECONDS, self._deadline - time.monotonic())
        try:
            # The engine takes 0 for no limit.
            return pattern.search(folded, timeout=max(seconds, 1e-6)) is not None
        except TimeoutError:
            _LOG.warning("a pattern of a rule took more than %.1g s and was passed over", max(seconds, 0))
            return False


def sound_pattern(pattern: str) -> str:
    """The pattern, if it is one that can be used.

    A repeated group that holds a repetition or a choice can take exponential time; so such patterns are
    refused, harmless ones among them included. Patterns of merely polynomial time are cut short when
    they are used.

    Raises:
        ValueError: It is no regular expression, could take forever or holds of every text.
    """
    if len(pattern) > _LONGEST:
        raise ValueError(f"a pattern of {len(pattern):,} characters is too long (at most {_LONGEST:,})")
    if (copies := _copies(pattern)) > _MOST_COPIES:
        raise ValueError(f"repeats its parts {copies:,} times (at most {_MOST_COPIES:,})")
    try:
        search = compiled(pattern)
    except regex.error as error:
        raise ValueError(f"is not a regular expression: {error}") from error
    if any(_repeats_twice(bare) for bare in _readings(pattern)) or _calls_itself(pattern):
        raise ValueError("a repeated group holds a repetition or a choice itself, which can take forever")
    if search.search(""):
        raise ValueError("holds of every text, even of an empty one")
    return pattern


def _readings(pattern: str) -> list[str]:
    """The pattern with an escape and a class of characters as one letter each, and without comments.

    Where the flag for verbose patterns occurs, what it holds for is not worked out: there is a second
    reading then, without spaces.
    """
    verbose = regex.search(r"\(\?\w*x", pattern) is not None
    ignored = [_COMMENT, rf"{_COMMENT}|#[^\n]*|\s+"][: 1 + verbose]
    return [
        regex.sub(rf"({_LETTER})|{blank}", lambda match: "a" if match[1] else "", pattern, flags=regex.DOTALL)
        for blank in ignored
    ]


def _copies(pattern: str) -> int:
    """How often the engine writes a part out, were all counted repetitions nested."""
    return max(
        math.prod(max(1, int(count)) for count in regex.findall(r"\{(\d+)", bare))
        for bare in _readings(pattern)
    )


def _calls_itself(pattern: str) -> bool:
    return regex.search(r"\(\?(?:R|[+-]?\d|&)|\\[1-9]|\(\?P[=>]|\\g<", pattern) is not None


def _repeats_twice(bare: str) -> bool:
    """True if a group is repeated that holds a repetition or a choice."""
    open_groups = [False]
    for place, sign in enumerate(bare):
        repeated = _REPEAT.match(bare, place + 1) is not None
        if sign == "(":
            open_groups.append(False)
        elif sign == ")" and len(open_groups) > 1:
            inner = open_groups.pop()
            if inner and repeated:
                return True
            open_groups[-1] |= inner or repeated
        elif sign == "|":
            open_groups[-1] = True
        else:
            open_groups[-1] |= repeated
    return False
