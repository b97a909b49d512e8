"""What every answer carries: an id of the request, and headers that keep browsers from guessing."""

from __future__ import annotations

import re
import uuid

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

REQUEST_ID = "X-Request-Id"
_ID = re.compile(r"[\w.:-]{1,128}", re.ASCII)
_SAFE = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}
_TLS = {"Strict-Transport-Security": "max-age=31536000"}


class SafeHeaders:
    """ASGI middleware: names every request, in `scope["state"]["request_id"]` and in the answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection; see the ASGI specification."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = Headers(scope=scope).get(REQUEST_ID, "")
        # What goes back into headers and logs must be nothing but an id.
        name = given if _ID.fullmatch(given) else uuid.uuid4().hex
        scope.setdefault("state", {})["request_id"] = name

        async def named(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers[REQUEST_ID] = name
                for key, value in (_SAFE | (_TLS if scope["scheme"] == "https" else {})).items():
                    headers.setdefault(key, value)
            await send(message)

        await self._app(scope, receive, named)
