"""What an OpenAI-compatible server's reply says."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rubricator.config import Price
from rubricator.label.llm.engines.engine import Generation, Request, Token
from rubricator.label.llm.engines.retry import NoAnswerError
from rubricator.records import Status

_THOUGHT = re.compile(r"\s*<think>.*?</think>\s*", re.DOTALL)
_STILL_THINKING = (
    "The tokens ended while the model was still thinking: raise max_tokens or lower reasoning_effort in "
    "engine.extra."
)
_BELOW_SEEN = 0.1
_LEAST_LOGPROB = -100.0
_MILLION = 1_000_000


def generation_of(reply: Mapping[str, Any], request: Request, price: Price) -> Generation:
    """Read a reply to a request.

    Raises:
        NoAnswerError: The reply is not what its protocol promises; asking again may help.
    """
    choice = first_choice(reply)
    usage = reply.get("usage")
    counts = usage if isinstance(usage, dict) else {}
    prompt_tokens, completion_tokens = (
        int(counts.get(kind) or 0) for kind in ("prompt_tokens", "completion_tokens")
    )
    text, status = _text_of(choice)
    tokens = tokens_of(choice) if request.logprobs else ()
    return Generation(
        text=text,
        status=status,
        choices=choices_of(tokens, request.choices) if request.choices else {},
        tokens=() if request.choices else tokens,
        prompt_tokens=prompt_tokens,
        completion_tokens=completion_tokens,
        cost=(prompt_tokens * price.prompt + completion_tokens * price.completion) / _MILLION,
    )


def first_choice(reply: Mapping[str, Any]) -> Mapping[str, Any]:
    """The one continuation that was asked for; without it, a `NoAnswerError`."""
    choices = reply.get("choices")
    if not (isinstance(choices, list) and choices and isinstance(choices[0], dict)):
        # Some gateways answer 200 and put the error inside.
        raise NoAnswerError(
            f"the reply has no choices: {str(reply.get('error') or dict(reply))[:300]}", status=200
        )
    return choices[0]


def text_of(choice: Mapping[str, Any]) -> str:
    """The output, without the thoughts that some models write before it."""
    message = choice.get("message")
    text = message.get("content") if isinstance(message, dict) else choice.get("text")
    return _THOUGHT.sub("", text, count=1) if isinstance(text, str) else ""


def _text_of(choice: Mapping[str, Any]) -> tuple[str, Status]:
    reason = choice.get("finish_reason")
    text = text_of(choice)
    message = choice.get("message") or {}
    refusal = message.get("refusal")
    if reason == "content_filter" or (refusal and not text):
        return text or str(refusal or "the server's content filter stopped the answer"), Status.REFUSED
    thoughts = message.get("reasoning_content") or message.get("reasoning")
    if text or not isinstance(thoughts, str):
        return text, Status.OK
    if reason == "length":
        return _STILL_THINKING, Status.FAILED
    # A server whose parser of thoughts does not fit the model puts the whole answer there.
    return thoughts, Status.OK


def tokens_of(choice: Mapping[str, Any]) -> tuple[Token, ...]:
    """The generated tokens with their probabilities, chat-style or as older servers give them."""
    logprobs = choice.get("logprobs")
    if not isinstance(logprobs, dict):
        return ()
    if isinstance(logprobs.get("content"), list):
        return tuple(_token(entry) for entry in logprobs["content"])
    names, values = logprobs.get("tokens") or [], logprobs.get("token_logprobs") or []
    tops = logprobs.get("top_logprobs") or [{}] * len(names)
    return tuple(
        Token(name, _finite(logprob), {other: _finite(value) for other, value in (top or {}).items()})
        for name, logprob, top in zip(names, values, tops, strict=False)
    )


def _token(entry: Mapping[str, Any]) -> Token:
    alternatives = entry.get("top_logprobs") or entry.get("top_probs") or []
    top: dict[str, float] = {}
    for other in alternatives:
        # Byte tokens repeat the spelling of proper ones; the likeliest of a name is the proper one.
        top[other["token"]] = max(_logprob(other), top.get(other["token"], -math.inf))
    return Token(entry["token"], _logprob(entry), top)


def _logprob(entry: Mapping[str, Any]) -> float:
    """llama.cpp gives plain probabilities where they are taken after sampling."""
    if "prob" in entry:
        return _finite(math.log(entry["prob"])) if entry["prob"] > 0 else _LEAST_LOGPROB
    return _finite(entry.get("logprob"))


def _finite(logprob: float | None) -> float:
    return _LEAST_LOGPROB if logprob is None else max(float(logprob), _LEAST_LOGPROB)


def chosen_of(choice: Mapping[str, Any], first_tokens: Mapping[int, str]) -> dict[str, float]:
    """Log-probability of each choice, by the numbers of their first tokens, as llama.cpp gives them.

    By number, since the spelling of a token may be a part of a letter. The continuation is of one
    token, with probabilities taken after sampling.

    Raises:
        NoAnswerError: Not every choice has a probability.
    """
    content = (choice.get("logprobs") or {}).get("content") or [{}]
    probabilities = {entry["id"]: _logprob(entry) for entry in content[0].get("top_probs") or []}
    if not probabilities.keys() >= first_tokens.keys():
        raise NoAnswerError("the reply lacks probabilities of the choices", status=200)
    return {name: probabilities[token] for token, name in first_tokens.items()}


def choices_of(tokens: Sequence[Token], choices: Iterable[str]) -> dict[str, float]:
    """Log-probability of each choice, out of the alternatives to the first token that says anything.

    A token stands for the choice that it is the beginning of, blanks around it aside; several such
    tokens add up. A choice that is not among the alternatives is a little less likely than the least
    likely one there. Empty if none was seen or most of what was seen is the beginning of several.
    """
    first = next((token for token in tokens if token.text.strip()), None)
    if first is None:
        return {}
    names = tuple(choices)
    alternatives = dict(first.top) or {first.text: first.logprob}
    mass, unclear = dict.fromkeys(names, 0.0), 0.0
    for text, logprob in alternatives.items():
        # The choices that may be meant by an output that begins so.
        start = text.strip()
        meant = [start] if start in names else [name for name in names if start and name.startswith(start)]
        if len(meant) == 1:
            mass[meant[0]] += math.exp(logprob)
        elif meant:
            unclear += math.exp(logprob)
    if sum(mass.values()) <= unclear:
        return {}
    floor = min(alternatives.values()) - _BELOW_SEEN
    return {name: math.log(value) if value > 0 else floor for name, value in mass.items()}
