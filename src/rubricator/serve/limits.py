"""Limits of the service, and how it refuses bodies that are too large, before and while they arrive."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import HTTPException
from fastapi.responses import JSONResponse
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send


@dataclass(frozen=True, slots=True, kw_only=True)
class ServeSettings:
    """What the service accepts before it says no.

    Attributes:
        max_texts: Most texts in one request.
        max_explained: Most texts in one request that asks for an explanation.
        max_body_bytes: Largest body of a request.
        max_values: Strings, lists, objects and commas in a body.
        max_characters: Longest text, its title and body together; the artifact's own limit holds as well.
        max_seconds: Longest time for one request; beyond it is answered 504.
        max_clean_seconds: Longest time for the cleaning of one text; beyond it the request is answered 422.
        batch_texts: Texts of concurrent requests that go through the model together.
        batch_characters: The same, in characters.
        queue_texts: Texts that may wait for the model; beyond them requests get 429.
        queue_explained: The same, of texts that wait for their explanation.
        watch_seconds: How often a service looks for a new champion in its registry.
    """

    max_texts: int = 256
    max_explained: int = 16
    max_body_bytes: int = 2 * 2**20
    max_values: int = 100_000
    max_characters: int = 100_000
    max_seconds: float = 60.0
    max_clean_seconds: float = 5.0
    batch_texts: int = 32
    batch_characters: int = 100_000
    queue_texts: int = 1024
    queue_explained: int = 64
    watch_seconds: float = 1.0


class BodyLimit:
    """ASGI middleware: 413 for a body over the limit, declared or not.

    A declared length is judged before anything is read; a chunked body as soon as it passes the
    limit (in bytes), so no more than that is ever held in memory.
    """

    def __init__(self, app: ASGIApp, *, limit: int) -> None:
        self._app = app
        self._limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection; see the ASGI specification."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if self._declares_too_much(Headers(scope=scope).get("content-length", "")):
            await JSONResponse({"detail": self._problem()}, status_code=413)(scope, receive, send)
            return
        received = 0

        async def counted() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > self._limit:
                raise HTTPException(413, self._problem())
            return message

        await self._app(scope, counted, send)

    def _declares_too_much(self, length: str) -> bool:
        # int() refuses very long digit strings with an error of its own.
        return length.isdecimal() and (len(length) > 18 or int(length) > self._limit)

    def _problem(self) -> str:
        return f"The body is larger than {self._limit:,} bytes. Send fewer texts in one request."
