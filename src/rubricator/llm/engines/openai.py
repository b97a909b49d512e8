"""Models behind any OpenAI-compatible address: vLLM, Ollama, llama.cpp, LM Studio, a cloud."""

from __future__ import annotations

import json
import logging
import math
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial

from rubricator.config import OpenAIEngineConfig
from rubricator.config.expand import expand
from rubricator.errors import EngineError
from rubricator.llm.engines.concurrency import complete_concurrently
from rubricator.llm.engines.discover import (
    FORBIDDEN,
    Dialect,
    beyond_retry,
    discover,
    explained,
    greeted,
    response_format,
)
from rubricator.llm.engines.engine import Capabilities, Generation, Request
from rubricator.llm.engines.grammar import choices_grammar, object_grammar
from rubricator.llm.engines.http import HttpClient
from rubricator.llm.engines.replies import chosen_of, first_choice, generation_of
from rubricator.llm.engines.retry import NoAnswerError, Retries
from rubricator.masking import masked, names_secret
from rubricator.records import Status, content_hash

_FILTERED = frozenset(
    {"content_filter", "content_policy_violation", "data_inspection_failed", "moderation_blocked"}
)
_BIAS = 100.0
_BYTES_PER_TOKEN = 3
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Session:
    """What is there between the first call and `close`."""

    wire: HttpClient
    retries: Retries
    dialect: Dialect
    first_tokens: dict[tuple[str, ...], tuple[int, ...]]


class OpenAIEngine:
    """Asks an OpenAI-compatible server, many requests at a time.

    Args:
        config: Where the server is and how it is asked. `extra` is merged into every request, as in
            `{"reasoning_effort": "low"}`, and goes before what this engine would send.
        environment: Holds the key and the variables of the address; by default that of the process,
            read at the first call.
        address: Gives the current address where it may change; by default `config.url`.
    """

    def __init__(
        self,
        config: OpenAIEngineConfig,
        *,
        environment: Mapping[str, str] | None = None,
        address: Callable[[], str] | None = None,
    ) -> None:
        self._config = config
        self._environment = environment
        self._address = address
        self._lock = threading.Lock()
        self._opened: _Session | None = None

    @property
    def fingerprint(self) -> str:
        """Hash of model, way of asking and extra fields."""
        config = self._config
        extra = json.dumps(config.extra, sort_keys=True, ensure_ascii=False)
        return content_hash("openai:1", config.model, str(config.chat), extra)

    def capabilities(self) -> Capabilities:
        """Try out once what the server can do."""
        session = self._session()
        dialect = session.dialect
        return Capabilities(
            about=masked(f"{dialect.server} at {session.wire.config.url}"),
            choices=bool(dialect.choices),
            schema=bool(dialect.schema),
            logprobs=bool(dialect.logprobs),
            count=bool(dialect.tokenize),
        )

    def count(self, text: str) -> int:
        """Number of tokens: asked from llama.cpp and vLLM, elsewhere estimated from above."""
        session = self._session()
        if not session.dialect.tokenize:
            return math.ceil(len(text.encode()) / _BYTES_PER_TOKEN)
        try:
            return len(session.retries.call(lambda: _tokenized(session, text), threading.Event()))
        except NoAnswerError as fault:
            raise explained(fault, session.wire) from fault

    def generate(self, requests: Iterable[Request]) -> Iterator[tuple[int, Generation]]:
        """Continue every request, `concurrency` of them at a time."""
        session = self._session()
        stop = threading.Event()
        try:
            yield from complete_concurrently(
                partial(self._answer, session, stop), requests, self._config.concurrency
            )
        finally:
            stop.set()

    def close(self) -> None:
        """Close the connections."""
        with self._lock:
            opened, self._opened = self._opened, None
        if opened is not None:
            opened.wire.close()

    def _session(self) -> _Session:
        with self._lock:
            if self._opened is None:
                self._opened = self._open()
            return self._opened

    def _open(self) -> _Session:
        environment = os.environ if self._environment is None else self._environment
        config = self._config.model_copy(update={"url": expand(self._config.url, environment).rstrip("/")})
        wire = HttpClient(config, self._address or (lambda: config.url), _key(config, environment))
        retries = Retries(config.url, config.retries)
        try:
            dialect = discover(wire, retries)
        except BaseException:
            wire.close()
            raise
        return _Session(wire, retries, dialect, {})

    def _answer(self, session: _Session, stop: threading.Event, request: Request) -> Generation:
        started = time.monotonic()
        try:
            generation = session.retries.call(lambda: self._ask(session, request), stop)
        except EngineError:
            # Nobody waits any more for a server that is lost.
            stop.set()
            raise
        except NoAnswerError as fault:
            forbidden = fault.status == FORBIDDEN and greeted(session.wire, session.dialect)
            if fault.code in _FILTERED or forbidden:
                generation = Generation(text=fault.problem, status=Status.REFUSED)
            elif beyond_retry(fault):
                stop.set()
                raise explained(fault, session.wire) from fault
            else:
                generation = Generation(text=fault.problem, status=Status.FAILED)
        return replace(generation, seconds=time.monotonic() - started)

    def _ask(self, session: _Session, request: Request) -> Generation:
        dialect = session.dialect
        fields = dialect.basic(request.max_tokens, request.temperature)
        if request.logprobs:
            fields |= dialect.with_logprobs(chat=self._config.chat)
        if request.choices and dialect.choices == "bias":
            first_tokens = _first_tokens(session, request.choices)
            if first_tokens:
                return self._choose(session, request, first_tokens)
        if request.choices and dialect.choices in ("bias", "grammar"):
            fields["grammar"] = choices_grammar(request.choices)
        elif request.choices:
            fields |= dialect.with_choices(request.choices)
        elif request.schema is not None and dialect.schema == "grammar":
            fields["grammar"] = object_grammar(request.schema)
        elif request.schema is not None and dialect.schema:
            fields |= response_format(request.schema)
        reply = session.wire.complete(request.messages, fields)
        return generation_of(reply, request, self._config.price)

    def _choose(self, session: _Session, request: Request, first_tokens: tuple[int, ...]) -> Generation:
        """One token out of the choices' first, with the exact probability of each (llama.cpp).

        An equal bias lifts these tokens above all others and leaves their proportions as they are.
        A grammar would not do: llama.cpp applies it only after a token that it forbids was drawn, so
        that the probabilities are those of all tokens one time and those of the choices the next;
        and over a large vocabulary it takes longer than reading the prompt.
        """
        count = len(first_tokens)
        forced = Dialect(logprobs=count).with_logprobs(chat=self._config.chat) | {
            "max_tokens": 1,
            "temperature": request.temperature or 1.0,
            "logit_bias": [[token, _BIAS] for token in first_tokens],
            "samplers": ["top_k", "temperature"],
            "top_k": count,
            "post_sampling_probs": True,
        }
        # A model that thinks first has no room for it in one token.
        fields = {"chat_template_kwargs": {"enable_thinking": False}} if self._config.chat else {}
        reply = session.wire.complete(request.messages, fields, forced=forced)
        named = dict(zip(first_tokens, request.choices, strict=True))
        choices = chosen_of(first_choice(reply), named)
        read = generation_of(reply, replace(request, logprobs=False), self._config.price)
        # The token that came was drawn by lot.
        likeliest = max(choices, key=lambda name: choices[name])
        text = read.text.strip() if request.temperature else likeliest
        text = next((name for name in choices if text and name.startswith(text)), likeliest)
        known = choices if request.logprobs else {}
        return replace(read, text=text, status=Status.OK, cut=False, thoughts=False, choices=known)


def _first_tokens(session: _Session, choices: tuple[str, ...]) -> tuple[int, ...]:
    """The token that each choice begins with; nothing if two begin with the same."""
    if choices not in session.first_tokens:
        # Behind a new line, since at the start of a text some tokenizers add a blank.
        newline = _tokenized(session, "\n")
        tokens = [_tokenized(session, "\n" + choice) for choice in choices]
        behind = [ids[len(newline)] for ids in tokens if ids[: len(newline)] == newline != ids]
        distinct = len(set(behind)) == len(choices)
        if not distinct:
            _log.warning("choices share their first token, so their probabilities are not exact")
        session.first_tokens[choices] = tuple(behind) if distinct else ()
    return session.first_tokens[choices]


def _tokenized(session: _Session, text: str) -> list[int]:
    if session.dialect.tokenize == "prompt":
        body = {"model": session.wire.config.model, "prompt": text, "add_special_tokens": False}
    else:
        body = {"content": text, "add_special": False}
    tokens = session.wire.ask("/tokenize", body, native=True).get("tokens")
    if not isinstance(tokens, list):
        raise NoAnswerError(f"/tokenize gives no list of tokens but {str(tokens)[:100]}", status=200)
    return tokens


def _key(config: OpenAIEngineConfig, environment: Mapping[str, str]) -> str | None:
    if config.key is None:
        return None
    # What is no name of a key may be the key itself, written in the wrong place.
    variable = config.key if names_secret(config.key) else "that engine.key names"
    value = environment.get(config.key, "").strip()
    if not value:
        raise EngineError(
            f"The key for {config.url} is missing: the environment variable {variable} is not set.",
            fix="Put the key into that variable, or remove engine.key if the server needs none.",
        )
    if not (value.isascii() and value.isprintable()):
        raise EngineError(
            f"The environment variable {variable} holds signs that no header of HTTP can carry.",
            fix="Put the key alone into it, as the server's owner gave it.",
        )
    return value
