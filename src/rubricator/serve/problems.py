"""What becomes of errors: one form of answer for all of them."""

from __future__ import annotations

import math
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.requests import ClientDisconnect

from rubricator.errors import ArtifactError, DataError
from rubricator.serve.batcher import ClosedError, QueueFullError
from rubricator.serve.bodies import BodyError
from rubricator.serve.metrics import Metrics
from rubricator.serve.schemas import Problem

_REASONS = {
    400: "The body is not text in UTF-8, or nested too deep.",
    401: "A key is needed, and none, or an unknown one, was sent.",
    403: "The key may not do this.",
    404: "There is no such version.",
    409: "The version cannot serve, or another promotion is under way; the champion stays.",
    413: "The body is too large, or has too many parts.",
    422: "The body is no JSON, or breaks a rule that `detail` names, or a text cannot be classified.",
    429: "Too many texts wait already, or the key asks too often; try again after `Retry-After` seconds.",
    503: "The service is shutting down.",
    504: "The answer took too long.",
}
_LONGEST_WAIT = 60


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """How OpenAPI describes answers of these statuses."""
    return {status: {"model": Problem, "description": _REASONS[status]} for status in statuses}


def problem(status: int, detail: str, headers: dict[str, str] | None = None) -> JSONResponse:
    """An answer that says what is wrong."""
    return JSONResponse({"detail": detail}, status_code=status, headers=headers)


def retry_after(seconds: float) -> dict[str, str]:
    """The header that says when to come back: whole seconds, at least one."""
    return {"Retry-After": str(min(max(1, math.ceil(seconds)), _LONGEST_WAIT))}


def add_errors(app: FastAPI, metrics: Metrics) -> None:
    """Turn what is raised into answers."""

    @app.exception_handler(BodyError)
    async def unreadable(_: Request, error: BodyError) -> JSONResponse:
        return problem(error.status, error.detail)

    @app.exception_handler(RequestValidationError)
    async def unfit(_: Request, error: RequestValidationError) -> JSONResponse:
        faults = [
            f"{'.'.join(str(step)[:80] for step in one['loc'])}: {one['msg']}" for one in error.errors()
        ]
        return problem(422, "; ".join(faults[:5]))

    @app.exception_handler(ClientDisconnect)
    async def departed(_: Request, __: ClientDisconnect) -> Response:
        metrics.dropped.labels("departed").inc()
        # Nobody reads it but the log and the counts; 499 is what other servers write there.
        return Response(status_code=499)

    @app.exception_handler(DataError)
    async def unusable(_: Request, error: DataError) -> JSONResponse:
        return problem(422, f"{error.problem} {error.fix}".strip())

    @app.exception_handler(ArtifactError)
    async def refused(_: Request, error: ArtifactError) -> JSONResponse:
        return problem(409, f"{error.problem} {error.fix}".strip())

    @app.exception_handler(QueueFullError)
    async def full(_: Request, error: QueueFullError) -> JSONResponse:
        metrics.dropped.labels("overload").inc()
        # 503 would tell balancers that the process is broken, and they would take it out.
        return problem(429, "Too many texts wait already. Try again later.", retry_after(error.seconds))

    @app.exception_handler(ClosedError)
    async def closed(_: Request, __: ClosedError) -> JSONResponse:
        return problem(503, "The service is shutting down.", {"Retry-After": "5"})

    @app.exception_handler(Exception)
    async def unexpected(_: Request, __: Exception) -> JSONResponse:
        # The server logs the traceback and closes the connection; clients must not reuse it.
        detail = "The service failed on this request; its log says why."
        return problem(500, detail, {"Connection": "close"})
