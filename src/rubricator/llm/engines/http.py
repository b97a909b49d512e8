"""HTTP to an OpenAI-compatible server: what is sent, and what counts as an answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import httpx

from rubricator.config import OpenAIEngineConfig
from rubricator.errors import EngineError
from rubricator.llm.engines.engine import Message
from rubricator.llm.engines.retry import NoAnswerError, retry_after
from rubricator.masking import SHORTEST_SECRET, masked, secrets_of, without

_CONNECT_SECONDS = 10.0
_EXCERPT = 300
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


class HttpClient:
    """A pool of connections to one server.

    Args:
        address: Gives the address where `/chat/completions` begins; asked before every request,
            since a server that was restarted may have moved.
        key: Sent as a bearer token, never shown.
    """

    def __init__(self, config: OpenAIEngineConfig, address: Callable[[], str], key: str | None) -> None:
        self.config = config
        self._address = address
        engine = config.model_dump(include={"url", "extra"})
        self._secrets = [*({key} if key else ()), *secrets_of(engine, ("engine",))]
        self._client = httpx.Client(
            headers={"Authorization": f"Bearer {key}"} if key else {},
            timeout=httpx.Timeout(config.timeout, connect=min(config.timeout, _CONNECT_SECONDS), pool=None),
            # Requests given up by a stopped run may still hold connections, so they are not counted.
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=config.concurrency),
            # A proxy of the environment knows nothing of servers on this machine.
            trust_env=_host(address()) not in _LOOPBACK,
        )

    def complete(
        self,
        messages: Sequence[Message],
        fields: Mapping[str, Any],
        *,
        forced: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Have the model go on: a conversation, or plain text for a base model.

        The config's `extra` goes before `fields`, and `forced` before both.

        Raises:
            NoAnswerError: There was no usable answer.
        """
        # Some servers stream unless they are told not to.
        head: dict[str, Any] = {"model": self.config.model, "stream": False}
        if self.config.chat:
            head["messages"] = [{"role": turn.role, "content": turn.content} for turn in messages]
        else:
            head["prompt"] = plain_prompt(messages)
        path = "/chat/completions" if self.config.chat else "/completions"
        return self.ask(path, {**head, **fields, **self.config.extra, **(forced or {})})

    def ask(
        self, path: str, body: Mapping[str, Any] | None = None, *, native: bool = False
    ) -> dict[str, Any]:
        """Send an object to a path, or only read there; give the object that comes back.

        Paths lie under the address, `native` ones beside its `/v1`, where the server's own are.

        Raises:
            NoAnswerError: There was no usable answer.
            EngineError: The address cannot be one.
        """
        # What a stopped run left behind must not start a server anew by asking for its address.
        if self._client.is_closed:
            raise NoAnswerError("the engine was closed")
        address = self._address()
        url = (address.removesuffix("/v1") if native else address) + path
        try:
            response = self._client.request("GET" if body is None else "POST", url, json=body)
        except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
            raise _no_address(url, error) from error
        except httpx.TimeoutException as error:
            raise NoAnswerError(f"no answer within {self.config.timeout:g} s") from error
        except httpx.HTTPError as error:
            problem = f"the connection failed ({error or type(error).__name__})"
            raise NoAnswerError(self._shown(problem)) from error
        if not response.is_success:
            raise self._fault(response)
        try:
            answer = response.json()
        except ValueError as error:
            stream = response.text.lstrip().startswith(("data:", "event:"))
            form = "a stream of events, though `stream: false` was sent" if stream else "no JSON"
            raise NoAnswerError(f"the answer is {form}: {self._shown(response.text)}", status=200) from error
        if not isinstance(answer, dict):
            raise NoAnswerError(f"the answer is no object: {self._shown(response.text)}", status=200)
        # Some servers repeat the key; a short one may be a word of the answer.
        return dict(without([secret for secret in self._secrets if len(secret) >= SHORTEST_SECRET], answer))

    def close(self) -> None:
        """Close all connections."""
        self._client.close()

    def _fault(self, response: httpx.Response) -> NoAnswerError:
        message, code = _error_of(response)
        return NoAnswerError(
            f"HTTP {response.status_code}: {self._shown(message)}",
            status=response.status_code,
            code=code,
            wait=retry_after(response.headers.get("Retry-After")),
        )

    def _shown(self, text: str) -> str:
        return masked(str(without(self._secrets, text))).strip()[:_EXCERPT]


def _host(url: str) -> str:
    try:
        return httpx.URL(url).host
    except httpx.InvalidURL as error:
        raise _no_address(url, error) from error


def _no_address(url: str, error: Exception) -> EngineError:
    return EngineError(f"{url} is no address: {error}.", fix="Write engine.url as http://host:port/v1.")


def plain_prompt(messages: Sequence[Message]) -> str:
    """A conversation as text to be continued.

    Turns stand between blank lines, but an answer on the line under its question, as the one to come
    will: the text ends with a new line, so that the next token is the bare answer.
    """
    pieces: list[str] = []
    for turn in messages:
        if pieces:
            pieces.append("\n" if turn.role == "assistant" else "\n\n")
        pieces.append(turn.content.strip("\n"))
    return "".join(pieces) + "\n"


def _error_of(response: httpx.Response) -> tuple[str, str]:
    """The message and the code in the many shapes that servers give them."""
    try:
        body = response.json()
    except ValueError:
        return response.text or response.reason_phrase, ""
    error = body.get("error", body) if isinstance(body, dict) else body
    if not isinstance(error, dict):
        return str(error), ""
    message = error.get("message") or error.get("detail") or error
    return str(message), str(error.get("code") or error.get("type") or "")
