"""Regular expressions that people may write into rules, without one that takes forever."""

from __future__ import annotations

import logging
import time

import regex

from rubricator.taxonomy import compilable, pattern_readings

_LOG = logging.getLogger(__name__)
_TIMEOUT_SECONDS = 0.2
_TEXT_SECONDS = 1.0

_FLAGS = regex.IGNORECASE | regex.VERSION0
_REPEAT = regex.compile(r"[*+]|\{\d*,\d*\}")
_LONGEST = 2000


def compiled(pattern: str) -> regex.Pattern[str]:
    """The pattern as rules use it: whatever the case."""
    return regex.compile(pattern, _FLAGS)


class Patience:
    """The time that the patterns of all rules may take on one text."""

    def __init__(self) -> None:
        self._deadline = time.monotonic() + _TEXT_SECONDS

    def holds(self, pattern: regex.Pattern[str], folded: str) -> bool:
        """True if the pattern is found in the text; one that takes too long is passed over and logged."""
        return self.match(pattern, folded) is not None

    def match(self, pattern: regex.Pattern[str], folded: str) -> regex.Match[str] | None:
        """The first place of the pattern in the text; None, too, if it takes too long to look for it."""
        seconds = min(_TIMEOUT_SECONDS, self._deadline - time.monotonic())
        try:
            # The engine takes 0 for no limit.
            return pattern.search(folded, timeout=max(seconds, 1e-6))
        except TimeoutError:
            _LOG.warning("a pattern of a rule took more than %.1g s and was passed over", max(seconds, 0))
            return None


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
    search = compiled(compilable(pattern))
    if any(_repeats_twice(bare) for bare in pattern_readings(pattern)) or _calls_itself(pattern):
        raise ValueError("a repeated group holds a repetition or a choice itself, which can take forever")
    if search.search(""):
        raise ValueError("holds of every text, even of an empty one")
    return pattern


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
