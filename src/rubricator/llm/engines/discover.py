"""What a server can do, found once by trying it with tiny requests."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from rubricator.errors import EngineError, nearest
from rubricator.llm.engines.engine import Message
from rubricator.llm.engines.http import HttpClient
from rubricator.llm.engines.replies import first_choice, text_of, tokens_of
from rubricator.llm.engines.retry import NO_ANSWER, NoAnswerError, Retries
from rubricator.llm.thoughts import without_thoughts
from rubricator.masking import masked

_GREETING = (Message("user", "Say hello."),)
# Nothing a model would say by itself, so that saying it proves that it was held to it.
_UNLIKELY = ("qzx", "qzy")
_PROBE_TOKENS = 16
FORBIDDEN = 403
_KEY_STATUSES = frozenset({401, FORBIDDEN})
_FINAL = _KEY_STATUSES | {402, 404}
# OpenAI answers 403 and OpenRouter 404 where a model gives no probabilities.
_PERHAPS_LOGPROBS = frozenset({FORBIDDEN, 404})
_ALTERNATIVES = (20, 5)
_Ask = Callable[[Mapping[str, Any]], Mapping[str, Any]]
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a server wants to be asked.

    Attributes:
        server: Its name, for people.
        length: Name of the field that limits the output.
        greedy: Whether a temperature may be set; some models refuse any.
        logprobs: Alternatives given for each token; 0 where probabilities are not given.
        choices: The way to hold an output to a list; `bias` and `grammar` are those of llama.cpp, new and
            old.
        schema: The way to hold an output to a JSON schema.
        tokenize: Name of the field that carries the text to `/tokenize`.
    """

    server: str = "an OpenAI-compatible server"
    length: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    greedy: bool = True
    logprobs: int = 0
    choices: Literal["", "bias", "grammar", "structured_outputs", "guided_choice"] = ""
    schema: Literal["", "grammar", "response_format"] = ""
    tokenize: Literal["", "content", "prompt"] = ""

    def basic(self, max_tokens: int, temperature: float = 0) -> dict[str, Any]:
        """The fields of every request."""
        return {self.length: max_tokens} | ({"temperature": temperature} if self.greedy else {})

    def with_logprobs(self, *, chat: bool) -> dict[str, Any]:
        """The fields that ask for probabilities, if the server gives them."""
        if not self.logprobs:
            return {}
        return {"logprobs": True, "top_logprobs": self.logprobs} if chat else {"logprobs": self.logprobs}

    def with_choices(self, choices: tuple[str, ...]) -> dict[str, Any]:
        """The fields that hold the output to a list, for the servers that have one."""
        if self.choices == "structured_outputs":
            return {"structured_outputs": {"choice": list(choices)}}
        return {"guided_choice": list(choices)} if self.choices == "guided_choice" else {}


def discover(wire: HttpClient, retries: Retries) -> Dialect:
    """Find out how the server wants to be asked; a field that is refused or ignored is not supported.

    Raises:
        EngineError: Nothing answers, the key is wrong, or there is no such model.
    """

    def ask(fields: Mapping[str, Any]) -> Mapping[str, Any]:
        return retries.call(lambda: first_choice(wire.complete(_GREETING, fields)), threading.Event())

    try:
        dialect = _basics(_server(wire), ask, chat=wire.config.chat)
        if dialect.tokenize == "content":
            exact = _exact(dialect, ask, chat=wire.config.chat)
            dialect = replace(dialect, choices="bias" if exact else "grammar", schema="grammar")
        else:
            if dialect.server != "Ollama":
                dialect = replace(dialect, choices=_choices(dialect, ask))
            dialect = replace(dialect, schema=_schema(dialect, ask))
    except NoAnswerError as fault:
        raise explained(fault, wire) from fault
    _log.info("%s: %s", masked(wire.config.url), _sentence(dialect))
    return dialect


def _sentence(dialect: Dialect) -> str:
    can = {
        "lists of choices": dialect.choices,
        "JSON schemas": dialect.schema,
        "probabilities": dialect.logprobs,
        "token counts": dialect.tokenize,
    }
    has = ", ".join(name for name, way in can.items() if way) or "none of what was tried"
    lacks = ", ".join(name for name, way in can.items() if not way)
    return f"{dialect.server}, supports {has}" + (f"; lacks {lacks}" if lacks else "")


def _server(wire: HttpClient) -> Dialect:
    """Who answers, by the pages that only it has."""
    pages: tuple[tuple[str, str, Dialect], ...] = (
        ("/props", "default_generation_settings", Dialect(server="llama.cpp", tokenize="content")),
        ("/api/version", "version", Dialect(server="Ollama")),
        ("/version", "version", Dialect(server="vLLM", tokenize="prompt")),
    )
    for path, field, dialect in pages:
        try:
            page = wire.ask(path, native=True)
        except NoAnswerError as fault:
            if fault.status == NO_ANSWER:
                raise EngineError(
                    f"Nothing answers at {wire.config.url}: {fault.problem}.",
                    fix="Start the server, or correct engine.url.",
                ) from fault
            continue
        if field in page:
            return dialect
    return Dialect()


def _basics(dialect: Dialect, ask: _Ask, *, chat: bool) -> Dialect:
    """A request that is answered at all, with as many alternatives per token as the server grants."""
    levels = list(_ALTERNATIVES)
    while True:
        dialect = replace(dialect, logprobs=levels[0] if levels else 0)
        # Some clouds refuse to think in one token; on a machine of one's own each costs time.
        tokens = 1 if dialect.tokenize == "content" else _PROBE_TOKENS
        fields = dialect.basic(tokens) | dialect.with_logprobs(chat=chat)
        try:
            choice = ask(fields)
        except NoAnswerError as fault:
            if levels and fault.status in _PERHAPS_LOGPROBS:
                levels.clear()
                continue
            if beyond_retry(fault) or fault.again:
                raise
            if "max_completion_tokens" in fault.problem and dialect.length == "max_tokens":
                dialect = replace(dialect, length="max_completion_tokens")
            elif "temperature" in fault.problem and dialect.greedy:
                dialect = replace(dialect, greedy=False)
            elif levels:
                levels.pop(0)
            else:
                raise
            continue
        return replace(dialect, logprobs=dialect.logprobs if _has_alternatives(choice) else 0)


def _has_alternatives(choice: Mapping[str, Any]) -> bool:
    try:
        return any(token.top for token in tokens_of(choice))
    except NoAnswerError:
        return False


def _choices(dialect: Dialect, ask: _Ask) -> Literal["", "structured_outputs", "guided_choice"]:
    ways: tuple[Literal["structured_outputs", "guided_choice"], ...] = ("structured_outputs", "guided_choice")
    for way in ways:
        tried = replace(dialect, choices=way)
        if _text(ask, tried.basic(_PROBE_TOKENS) | tried.with_choices(_UNLIKELY)) in _UNLIKELY:
            return way
    return ""


def _exact(dialect: Dialect, ask: _Ask, *, chat: bool) -> bool:
    """Whether a llama.cpp is new enough to give probabilities as they are after all constraints."""
    tried = dialect.basic(1) | dialect.with_logprobs(chat=chat) | {"post_sampling_probs": True}
    content = (ask(tried).get("logprobs") or {}).get("content") or [{}]
    return "top_probs" in content[0]


def _schema(dialect: Dialect, ask: _Ask) -> Literal["", "response_format"]:
    name = _UNLIKELY[0]
    schema = {
        "type": "object",
        "properties": {name: {"type": "string", "enum": [_UNLIKELY[1]]}},
        "required": [name],
        "additionalProperties": False,
    }
    text = _text(ask, dialect.basic(2 * _PROBE_TOKENS) | response_format(schema))
    try:
        return "response_format" if json.loads(text) == {name: _UNLIKELY[1]} else ""
    except ValueError:
        return ""


def _text(ask: _Ask, fields: Mapping[str, Any]) -> str:
    try:
        return without_thoughts(text_of(ask(fields))) or ""
    except NoAnswerError:
        return ""


def response_format(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The field that holds an output to a JSON schema, as OpenAI defined it."""
    return {
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "answer", "strict": True, "schema": dict(schema)},
        }
    }


def beyond_retry(fault: NoAnswerError) -> bool:
    """Whether no other request would fare better: wrong key, no money, no such model."""
    return fault.status in _FINAL


def greeted(wire: HttpClient, dialect: Dialect) -> bool:
    """Whether a plain request is answered; then the key is valid, and what was refused is one text."""
    try:
        first_choice(wire.complete(_GREETING, dialect.basic(_PROBE_TOKENS)))
    except NoAnswerError:
        return False
    return True


def explained(fault: NoAnswerError, wire: HttpClient) -> EngineError:
    """The error for a fault that concerns the server as a whole."""
    url, model, key = wire.config.url, wire.config.model, wire.config.key
    if fault.status in _KEY_STATUSES:
        refusal = f"The key in {key} is not valid for" if key else "No key was sent to"
        fix = f"Put a valid key into {key}." if key else "Name the variable that holds the key: engine.key."
        return EngineError(f"{refusal} {url} and the model '{model}' ({fault.problem}).", fix=fix)
    try:
        listed = wire.ask("/models").get("data")
    except NoAnswerError:
        listed = None
    models = [str(entry.get("id")) for entry in listed or [] if isinstance(entry, dict)]
    if models and model not in models:
        shown = ", ".join(models[:20]) + (", …" if len(models) > 20 else "")
        return EngineError(
            f"{url} has no model '{model}'{nearest(model, models)}; it has {shown}.",
            fix="Correct engine.model.",
        )
    if fault.status == 404 and not models:
        return EngineError(
            f"{url} answers, but not as an OpenAI-compatible server ({fault.problem}).",
            fix="Correct engine.url: it ends where /chat/completions begins, often in /v1.",
        )
    return EngineError(
        f"{url} cannot be asked: {fault.problem}.", fix="See what the server says in its own log."
    )
