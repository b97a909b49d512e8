"""Finds the tokens that are an answer among all that a model wrote, and what stood in their place."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import replace
from itertools import accumulate

import regex

from rubricator.llm.engines.engine import Generation, Token
from rubricator.llm.thoughts import answer_span, stripped

_BELOW_SEEN = 0.1
_DRESS = " \t\r\n\"'`«»„“”*_()[]{}<>:;,.!#—–-"


def answer_of(generation: Generation) -> Generation | None:
    """The answer behind the thoughts, with the tokens that spell it; None where it is not sure what that is.

    Servers that cut thoughts off the text leave their tokens, so text and tokens are laid end to end.
    """
    span = answer_span(generation.text)
    if span is None:
        return None
    text = generation.text[slice(*span)]
    spelled = "".join(token.text for token in generation.tokens)
    shift = stripped(spelled, 0, len(spelled))[1] - stripped(generation.text, 0, len(generation.text))[1]
    start, end = (place + shift for place in span)
    if start < 0 or spelled[start:end] != text:
        return replace(generation, text=text, tokens=())
    ends = accumulate(len(token.text) for token in generation.tokens)
    overlapping = (
        token
        for token, after in zip(generation.tokens, ends, strict=True)
        if after > start and after - len(token.text) < end
    )
    return replace(generation, text=text, tokens=tuple(overlapping))


class Spelling:
    """The tokens of a generation by the place in its text that they spell."""

    def __init__(self, generation: Generation) -> None:
        self._tokens = generation.tokens
        self._starts = list(accumulate((len(token.text) for token in self._tokens), initial=0))
        self._shift = "".join(token.text for token in self._tokens).find(generation.text)

    def at(self, place: int) -> tuple[Token, int] | None:
        """The token that spells a place, and where in it; None where tokens spell another text."""
        if self._shift < 0 or not self._tokens:
            return None
        number = bisect_right(self._starts, place + self._shift) - 1
        return self._tokens[number], place + self._shift - self._starts[number]


def choice_logprobs(generation: Generation, choice: str, choices: Iterable[str]) -> Mapping[str, float]:
    """Log-probability of each choice, at the token with which the text makes one; empty if not known."""
    if generation.choices:
        return generation.choices
    written = regex.search(rf"(?<!\w){regex.escape(choice)}(?!\w)", generation.text)
    spelled = Spelling(generation).at(written.start()) if written else None
    if spelled is None:
        return {}
    token, offset = spelled
    # Glued to other words, a choice has no alternatives of its own.
    alone = not token.text[:offset].strip(_DRESS) and choice.startswith(token.text[offset:].rstrip(_DRESS))
    return _choices_at(token, tuple(choices)) if alone else {}


def _choices_at(token: Token, choices: tuple[str, ...]) -> dict[str, float]:
    """Log-probability of each choice, out of the alternatives to a token.

    An alternative stands for the choice that it is the beginning of, blanks and punctuation around it
    aside; several such alternatives add up. A choice that is not among them is a little less likely
    than the least likely one there. Empty if most of them are the beginning of several.
    """
    alternatives = {**token.top, token.text: token.logprob}
    mass, unclear = dict.fromkeys(choices, 0.0), 0.0
    for text, logprob in alternatives.items():
        start = text.strip(_DRESS)
        meant = (
            [start] if start in choices else [name for name in choices if start and name.startswith(start)]
        )
        if len(meant) == 1:
            mass[meant[0]] += math.exp(logprob)
        elif meant:
            unclear += math.exp(logprob)
    if sum(mass.values()) <= unclear:
        return {}
    floor = min(alternatives.values()) - _BELOW_SEEN
    return {name: math.log(value) if value > 0 else floor for name, value in mass.items()}
