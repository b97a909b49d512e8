"""What an engine is: something that continues a prompt. It knows nothing of categories."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from rubricator.records import Status

Role = Literal["system", "user", "assistant"]


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation."""

    role: Role
    content: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One question to a model.

    `choices` and `schema` say what a well-formed output is. An engine enforces them where its
    server can; whoever reads the generation must check all the same.

    Attributes:
        messages: The conversation so far; the last turn is the user's.
        max_tokens: Where generation ends at the latest.
        choices: The whole output must be one of these; they differ in their first token.
        schema: JSON schema of a flat object whose properties are enumerations.
        logprobs: Whether probabilities are wanted: of the choices, or of every token.
        temperature: 0 takes the likeliest token each time; above it tokens are drawn by lot.
    """

    messages: tuple[Message, ...]
    max_tokens: int
    choices: tuple[str, ...] = ()
    schema: Mapping[str, Any] | None = None
    logprobs: bool = False
    temperature: float = 0.0


@dataclass(frozen=True, slots=True)
class Token:
    """A generated token, its natural log-probability, and those of the likeliest in its place."""

    text: str
    logprob: float
    top: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Generation:
    """What a model said.

    Attributes:
        text: The output as it came, thoughts included, or what went wrong where `status` is `failed`.
        status: `ok`, `refused` (the server says so itself: a content filter) or `failed`.
        cut: Whether the output ended because it may have no more tokens.
        thoughts: Whether the server took all of it for thoughts, so that it may be no answer.
        choices: Natural log-probability of each of the request's choices, if they were wanted and
            the engine weighs them itself; they need not sum to one.
        tokens: The generated tokens, if probabilities were wanted and there are no such choices.
        prompt_tokens: Tokens read, those in the server's cache included.
        cost: Money spent, in the currency of the config.
        seconds: From sending to the last byte, waiting for retries included.
    """

    text: str
    status: Status = Status.OK
    cut: bool = False
    thoughts: bool = False
    choices: Mapping[str, float] = field(default_factory=dict)
    tokens: tuple[Token, ...] = ()
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost: float = 0.0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What was found out about a model by trying.

    `about` says what answers, for people: "llama.cpp at http://127.0.0.1:8080". The others: whether
    outputs can be held to a list and to a JSON schema, whether probabilities of tokens are given, and
    whether tokens are counted exactly rather than estimated.
    """

    about: str
    choices: bool
    schema: bool
    logprobs: bool
    count: bool


class Engine(Protocol):
    """Reaches one model. Nothing is started or sent before the first call of a method.

    Every member raises an `EngineError` where the model as a whole is out of reach: a file that is
    missing or damaged, a server that does not start, a wrong key, no such model; and a
    `MissingExtraError` where the packages that it takes are absent.
    """

    @property
    def fingerprint(self) -> str:
        """Model and options that could change a generation; no address, no key, no speed setting."""

    def capabilities(self) -> Capabilities:
        """Find out once what the model can do."""

    def count(self, text: str) -> int:
        """Number of tokens of a text, exactly where the model tells, else estimated from above."""

    def generate(self, requests: Iterable[Request]) -> Iterator[tuple[int, Generation]]:
        """Continue every request.

        Requests are drawn only as there is room for them, so a source that ends early ends the work
        early, with nothing in flight lost.

        Yields:
            Number of the request and its generation, as each is done, in any order. A request that
            fails alone yields a `failed` generation.
        """

    def close(self) -> None:
        """Let go of connections, processes and memory; the engine may be used again afterwards."""
