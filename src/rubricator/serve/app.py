"""The HTTP application: its paths, and what becomes of errors."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from typing import Any

from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse
from jinja2 import Environment, PackageLoader, StrictUndefined
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.requests import ClientDisconnect

from rubricator import __version__
from rubricator.errors import DataError
from rubricator.predict import Predictor
from rubricator.records import Prediction, Text
from rubricator.serve.batcher import Batcher, ClosedError, QueueFullError
from rubricator.serve.bodies import BodyError, read_body
from rubricator.serve.limits import BodyLimit, ServeSettings
from rubricator.serve.metrics import Measured, Metrics
from rubricator.serve.schemas import (
    ClassifyResponse,
    ModelInfo,
    Problem,
    State,
    model_info,
    request_schemas,
    response_of,
)

_REASONS = {
    400: "The body is not text in UTF-8, or nested too deep.",
    413: "The body is too large, or has too many parts.",
    422: "The body is no JSON, or breaks a rule that `detail` names, or a text cannot be classified.",
    503: "Too many texts wait already; try again after `Retry-After` seconds.",
    504: "The answer took too long.",
}
_PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {"model": Problem, "description": reason} for status, reason in _REASONS.items()
}


def create_app(predictor: Predictor, *, settings: ServeSettings | None = None) -> FastAPI:
    """Build the service over a predictor.

    Run it with any ASGI server; the model is warmed up before the first request is accepted, and
    on shutdown the requests that wait are answered first. The default limits suit one small machine.
    """
    settings = settings or ServeSettings()
    limit = min(settings.max_characters, predictor.manifest.max_characters)
    settings = replace(settings, max_characters=limit)
    metrics = Metrics(predictor)
    batcher = Batcher(
        partial(predictor.clean, seconds=settings.max_clean_seconds),
        predictor.classify,
        batch_texts=settings.batch_texts,
        batch_characters=settings.batch_characters,
        queue_texts=settings.queue_texts,
        observe=metrics.batch.observe,
    )
    metrics.waiting.set_function(lambda: batcher.waiting)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with batcher:
            # The first run of an encoder compiles it; no user should wait for that.
            await batcher.submit([Text(id="warm-up", body="Проба пера")])
            yield

    app = FastAPI(
        title=f"Rubricator: {predictor.manifest.name}",
        version=__version__,
        description="Classifies texts into the categories of the model.",
        lifespan=lifespan,
        # FastAPI's own pages load their scripts from elsewhere; /docs is made here instead.
        docs_url=None,
        redoc_url=None,
    )
    _add_classify(app, predictor, batcher, metrics, settings)
    _add_information(app, predictor, batcher, metrics, settings)
    _add_errors(app)
    app.add_middleware(BodyLimit, limit=settings.max_body_bytes)
    paths = {path for route in app.routes if (path := getattr(route, "path", None))}
    app.add_middleware(Measured, metrics=metrics, paths=paths)
    schemas = request_schemas(max_texts=settings.max_texts, max_characters=settings.max_characters)
    app.openapi()["components"]["schemas"] |= schemas
    return app


def _add_classify(
    app: FastAPI, predictor: Predictor, batcher: Batcher, metrics: Metrics, settings: ServeSettings
) -> None:
    def read(body: bytes) -> list[Text]:
        texts = read_body(body, settings)
        predictor.check(texts)
        return texts

    # Parsing a large body takes time, in which the event loop must serve the others, and memory.
    reading = asyncio.Lock()

    async def answer(body: bytes) -> list[Prediction]:
        async with reading:
            texts = await asyncio.to_thread(read, body)
        return await batcher.submit(texts)

    # The body is read by hand, so that it can be counted before it is parsed.
    schema = {"$ref": "#/components/schemas/ClassifyRequest"}
    body = {"required": True, "content": {"application/json": {"schema": schema}}}

    @app.post("/v1/classify", responses=_PROBLEMS, tags=["classify"], openapi_extra={"requestBody": body})
    async def classify(request: Request) -> ClassifyResponse:
        """Categories and calibrated probabilities for one text or several."""
        if not _is_json(request.headers.get("content-type", "")):
            raise HTTPException(422, "Send the body as JSON, with the header Content-Type: application/json.")
        try:
            async with asyncio.timeout(settings.max_seconds):
                predictions = await _while_connected(request, answer(await request.body()))
        except TimeoutError as error:
            raise HTTPException(
                504, f"The answer took more than {settings.max_seconds:g} s. Send fewer texts, or try later."
            ) from error
        except asyncio.CancelledError as error:
            # The server cancels what is left when it stops.
            raise ClosedError from error
        metrics.count(predictions)
        return response_of(predictor, predictions)


def _is_json(content_type: str) -> bool:
    media_type = content_type.partition(";")[0].strip().lower()
    return media_type == "application/json" or media_type.endswith("+json")


async def _while_connected(request: Request, work: Coroutine[Any, Any, list[Prediction]]) -> list[Prediction]:
    """What the work gives; it is given up when the client leaves.

    Raises:
        ClientDisconnect: The client has left.
    """
    working, leaving = asyncio.ensure_future(work), asyncio.ensure_future(_departure(request))
    try:
        await asyncio.wait({working, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            return working.result()
        raise ClientDisconnect
    finally:
        working.cancel()
        leaving.cancel()


async def _departure(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _add_information(
    app: FastAPI, predictor: Predictor, batcher: Batcher, metrics: Metrics, settings: ServeSettings
) -> None:
    info = model_info(predictor, max_texts=settings.max_texts, max_characters=settings.max_characters)

    # The page loads nothing from elsewhere.
    loader = PackageLoader("rubricator.serve", package_path="")
    environment = Environment(loader=loader, autoescape=True, undefined=StrictUndefined)
    template = environment.get_template("page.html.jinja")

    @app.get("/v1/model", tags=["information"])
    async def model() -> ModelInfo:
        """The model served, its categories and its limits."""
        return info

    @app.get("/docs", include_in_schema=False, response_class=HTMLResponse)
    async def page(request: Request) -> HTMLResponse:
        policy = (
            "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'"
        )
        titles = [(category.key, category.title) for category in info.categories]
        content = template.render(model=info, titles=titles, base=str(request.base_url))
        return HTMLResponse(content, headers={"Content-Security-Policy": policy})

    @app.get("/healthz", tags=["information"])
    async def health() -> State:
        """Whether the process lives."""
        return State(status="ok")

    @app.get("/readyz", tags=["information"], responses={503: {"model": State}})
    async def ready(response: Response) -> State:
        """Whether texts are accepted right now."""
        if batcher.open and batcher.waiting < settings.queue_texts:
            return State(status="ready")
        response.status_code = 503
        return State(status="busy" if batcher.open else "closed")

    @app.get("/metrics", tags=["information"], response_class=Response)
    async def figures() -> Response:
        """Figures in the text format of Prometheus."""
        return Response(generate_latest(metrics.registry), media_type=CONTENT_TYPE_LATEST)


def _add_errors(app: FastAPI) -> None:
    @app.exception_handler(BodyError)
    async def unreadable(_: Request, error: BodyError) -> JSONResponse:
        return _problem(error.status, error.detail)

    @app.exception_handler(ClientDisconnect)
    async def departed(_: Request, __: ClientDisconnect) -> Response:
        # Nobody reads it but the log and the counts; 499 is what other servers write there.
        return Response(status_code=499)

    @app.exception_handler(DataError)
    async def unusable(_: Request, error: DataError) -> JSONResponse:
        return _problem(422, f"{error.problem} {error.fix}".strip())

    @app.exception_handler(QueueFullError)
    async def full(_: Request, __: QueueFullError) -> JSONResponse:
        return _problem(503, "Too many texts wait already. Try again later.", {"Retry-After": "1"})

    @app.exception_handler(ClosedError)
    async def closed(_: Request, __: ClosedError) -> JSONResponse:
        return _problem(503, "The service is shutting down.", {"Retry-After": "5"})

    @app.exception_handler(Exception)
    async def unexpected(_: Request, __: Exception) -> JSONResponse:
        # The server logs the traceback and closes the connection; clients must not reuse it.
        detail = "The service failed on this request; its log says why."
        return _problem(500, detail, {"Connection": "close"})


def _problem(status: int, detail: str, headers: dict[str, str] | None = None) -> JSONResponse:
    return JSONResponse({"detail": detail}, status_code=status, headers=headers)
