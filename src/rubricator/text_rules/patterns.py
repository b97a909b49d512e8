"""Regular expressions that people may write into rules, without one that takes forever."""

from __future__ import annotations

import logging

import regex

_LOG = logging.getLogger(__name__)
_TIMEOUT_SECONDS = 0.2

_FLAGS = regex.IGNORECASE | regex.VERSION0
_REPEAT = regex.compile(r"[*+]|\{\d*,\d*\}")
_LONGEST = 2000


def compiled(pattern: str) -> regex.Pattern[str]:
    """The pattern as rules use it: whatever the case."""
    return regex.compile(pattern, _FLAGS)


def holds(pattern: regex.Pattern[str], folded: str) -> bool:
    """True if the pattern is found in a text; one that takes too long is passed over, and that is logged."""
    try:
        return pattern.search(folded, timeout=_TIMEOUT_SECONDS) is not None
    except TimeoutError:
        _LOG.warning("a pattern of a rule took more than %s s and was passed over", _TIMEOUT_SECONDS)
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
    try:
        search = compiled(pattern)
    except regex.error as error:
        raise ValueError(f"is not a regular expression: {error}") from error
    if _nests(pattern):
        raise ValueError("a repeated group holds a repetition or a choice itself, which can take forever")
    if search.search(""):
        raise ValueError("holds of every text, even of an empty one")
    return pattern


def _nests(pattern: str) -> bool:
    """True if a group is repeated that holds a repetition or a choice, or a pattern calls itself."""
    if regex.search(r"\(\?(?:R|[+-]?\d|&)|\\[1-9]|\(\?P[=>]|\\g<", pattern):
        return True
    # Escapes and character classes count as one letter each.
    bare = regex.sub(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]", "a", pattern, flags=regex.DOTALL)
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
