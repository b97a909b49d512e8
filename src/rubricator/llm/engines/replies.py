"""What an OpenAI-compatible server's reply says."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from rubricator.config import Price
from rubricator.llm.engines.engine import Generation, Request, Token
from rubricator.llm.engines.retry import NoAnswerError
from rubricator.llm.thoughts import still_thinking
from rubricator.records import Status

_STILL_THINKING = (
    "The tokens ended while the model was still thinking: raise max_tokens or lower reasoning_effort in "
    "engine.extra."
)
_REFUSALS = frozenset(
    {"content_filter", "blacklist", "safety", "refusal", "prohibited_content", "blocklist", "sensitive"}
)
_TEXT_FIELDS = ("text", "output_text", "content")
_THOUGHT_FIELDS = ("reasoning_content", "reasoning", "thinking")
_LEAST_LOGPROB = -100.0
# Rounding may make a probability a little more than one.
_GREATEST_LOGPROB = 0.01
_MILLION = 1_000_000
_EXCERPT = 300
_WRONG_FORM = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
_P = ParamSpec("_P")
_T = TypeVar("_T")


def _in_form(read: Callable[_P, _T]) -> Callable[_P, _T]:
    """Makes of whatever is wrong with a reply a `NoAnswerError`: that of one text, and not the run's end."""

    @wraps(read)
    def checked(*args: _P.args, **kwargs: _P.kwargs) -> _T:
        try:
            return read(*args, **kwargs)
        except _WRONG_FORM as error:
            shown = json.dumps(args[0], ensure_ascii=False, default=str)[:_EXCERPT]
            raise NoAnswerError(
                f"the reply is not in the form of its protocol ({type(error).__name__}: {error}): {shown}",
                status=200,
            ) from error

    return checked


@_in_form
def generation_of(reply: Mapping[str, Any], request: Request, price: Price) -> Generation:
    """Read a reply to a request.

    Raises:
        NoAnswerError: The reply is not what its protocol promises; asking again may help.
    """
    choice = first_choice(reply)
    usage = reply.get("usage")
    counts = usage if isinstance(usage, dict) else {}
    prompt_tokens, completion_tokens = (
        _count(counts.get(kind)) for kind in ("prompt_tokens", "completion_tokens")
    )
    return Generation(
        **_output_of(choice),
        tokens=tokens_of(choice) if request.logprobs else (),
        prompt_tokens=prompt_tokens,
        completion_tokens=completion_tokens,
        cost=(prompt_tokens * price.prompt + completion_tokens * price.completion) / _MILLION,
    )


@_in_form
def first_choice(reply: Mapping[str, Any]) -> Mapping[str, Any]:
    """The one continuation that was asked for; without it, a `NoAnswerError`."""
    choices = reply.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices else None
    # Some gateways answer 200 and put the error inside.
    error = choice.get("error") if isinstance(choice, dict) else reply.get("error")
    if not isinstance(choice, dict) or error or choice.get("finish_reason") == "error":
        code = error.get("code") if isinstance(error, dict) else ""
        raise NoAnswerError(
            f"the reply has no answer: {str(error or dict(reply))[:_EXCERPT]}", status=200, code=str(code)
        )
    return choice


@_in_form
def text_of(choice: Mapping[str, Any]) -> str:
    """The output as it came: its parts that are no thoughts, or else what a tool was called with."""
    message = choice.get("message")
    if not isinstance(message, dict):
        return _joined(choice.get("text"))
    return _joined(message.get("content")) or _arguments(message)


def _joined(content: Any) -> str:
    """Content as text: itself, the text of its parts, or JSON where it is neither."""
    if content is None or isinstance(content, str):
        return content or ""
    parts = content if isinstance(content, list) else [content]
    if not all(isinstance(part, str) or (isinstance(part, dict) and "type" in part) for part in parts):
        return json.dumps(content, ensure_ascii=False)
    return "".join(part if isinstance(part, str) else _part(part) for part in parts)


def _part(part: Mapping[str, Any]) -> str:
    text = part.get(part["type"], part.get("text")) if part["type"] in _TEXT_FIELDS else ""
    return str(text.get("value", "")) if isinstance(text, dict) else str(text or "")


def _arguments(message: Mapping[str, Any]) -> str:
    """The JSON that a tool was called with; a list of it where there are several calls."""
    calls = [call["function"] for call in message.get("tool_calls") or [] if call.get("function")]
    if message.get("function_call"):
        calls.append(message["function_call"])
    given = [call.get("arguments") or "" for call in calls]
    spelled = [one if isinstance(one, str) else json.dumps(one, ensure_ascii=False) for one in given]
    return spelled[0] if len(spelled) == 1 else f"[{', '.join(spelled)}]" if spelled else ""


def _output_of(choice: Mapping[str, Any]) -> dict[str, Any]:
    """Text and status of a generation, and whether it is a whole answer."""
    reason = str(choice.get("finish_reason") or "").casefold()
    message = choice.get("message") or {}
    text, refusal = text_of(choice), message.get("refusal")
    if reason in _REFUSALS or (refusal and not text):
        shown = text or refusal or "the server's content filter stopped the answer"
        return {"text": str(shown), "status": Status.REFUSED}
    cut = reason == "length"
    thoughts = "" if text.strip() else next(filter(None, map(message.get, _THOUGHT_FIELDS)), "")
    if cut and (thoughts or (text and still_thinking(text))):
        return {"text": _STILL_THINKING, "status": Status.FAILED}
    # A server whose parser of thoughts does not fit the model puts the whole answer there.
    return {"text": _joined(thoughts) or text, "cut": cut, "thoughts": bool(thoughts)}


def _count(number: Any) -> int:
    """A number of tokens; none where a server does not count."""
    counted = isinstance(number, int | float) and math.isfinite(number) and number > 0
    return int(number) if counted else 0


@_in_form
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
        Token(_name(name), _checked(logprob), {_name(n): _checked(v) for n, v in (top or {}).items()})
        for name, logprob, top in zip(names, values, tops, strict=False)
    )


def _token(entry: Mapping[str, Any]) -> Token:
    alternatives = entry.get("top_logprobs") or entry.get("top_probs") or []
    top: dict[str, float] = {}
    for other in alternatives:
        # Byte tokens repeat the spelling of proper ones; the likeliest of a name is the proper one.
        name = _name(other["token"])
        top[name] = max(_logprob(other), top.get(name, -math.inf))
    return Token(_name(entry["token"]), _logprob(entry), top)


def _name(token: Any) -> str:
    if not isinstance(token, str):
        raise TypeError(f"a token is {token!r}")
    return token


def _logprob(entry: Mapping[str, Any]) -> float:
    """llama.cpp gives plain probabilities where they are taken after sampling."""
    if "prob" in entry:
        return _checked(math.log(entry["prob"])) if entry["prob"] > 0 else _LEAST_LOGPROB
    return _checked(entry.get("logprob"))


def _checked(logprob: Any) -> float:
    number = float(logprob)
    if not number <= _GREATEST_LOGPROB:
        raise ValueError(f"a log-probability is {logprob!r}")
    return min(0.0, max(number, _LEAST_LOGPROB))


@_in_form
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
