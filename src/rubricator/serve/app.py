"""The HTTP application: its paths, and what becomes of errors."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse
from jinja2 import Environment, PackageLoader, StrictUndefined
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from rubricator import __version__
from rubricator.errors import DataError
from rubricator.predict import Predictor
from rubricator.records import Text
from rubricator.serve.batcher import Batcher, ClosedError, QueueFullError
from rubricator.serve.limits import BodyLimit, ServeSettings
from rubricator.serve.metrics import Measured, Metrics
from rubricator.serve.schemas import (
    ClassifyRequest,
    ClassifyResponse,
    ModelInfo,
    Problem,
    State,
    model_info,
    response_of,
    texts_of,
)

_REASONS = {
    400: "The body is not text in UTF-8, or nested too deep.",
    413: "The body is too large.",
    422: "The body is no JSON, or breaks a rule that `detail` names.",
    503: "Too many texts wait already; try again after `Retry-After` seconds.",
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
    metrics = Metrics(predictor)
    batcher = Batcher(
        predictor.predict,
        batch_texts=settings.batch_texts,
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
    return app


def _add_classify(
    app: FastAPI, predictor: Predictor, batcher: Batcher, metrics: Metrics, settings: ServeSettings
) -> None:
    @app.post("/v1/classify", responses=_PROBLEMS, tags=["classify"])
    async def classify(request: ClassifyRequest) -> ClassifyResponse:
        """Categories and calibrated probabilities for one text or several."""
        texts = texts_of(request)
        _check(texts, settings)
        predictions = await batcher.submit(texts)
        metrics.count(predictions)
        return response_of(predictor, predictions)


def _check(texts: list[Text], settings: ServeSettings) -> None:
    if len(texts) > settings.max_texts:
        raise HTTPException(
            422, f"{len(texts):,} texts in one request; send at most {settings.max_texts:,} at a time."
        )
    for position, text in enumerate(texts):
        length = len(text.original)
        if length > settings.max_characters:
            raise HTTPException(
                422, f"texts.{position} has {length:,} characters; the limit is {settings.max_characters:,}."
            )


def _add_information(
    app: FastAPI, predictor: Predictor, batcher: Batcher, metrics: Metrics, settings: ServeSettings
) -> None:
    info = model_info(
        predictor,
        max_texts=settings.max_texts,
        max_characters=min(settings.max_characters, predictor.manifest.max_characters),
    )

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
    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError) -> JSONResponse:
        return _problem(422, _explain(error))

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


def _explain(error: RequestValidationError) -> str:
    """Up to five faults in one line, without echoing what was sent."""
    faults = [_fault(fault) for fault in error.errors()]
    more = f" (and {len(faults) - 5} more)" if len(faults) > 5 else ""
    return "; ".join(faults[:5]) + more


def _fault(fault: dict[str, Any]) -> str:
    """`texts.3.title: is not a known key`; pydantic's place starts at the body and names tags."""
    if fault["type"] == "json_invalid":
        return f"the body is not valid JSON (character {fault['loc'][-1]}: {fault['ctx']['error']})"
    steps = [str(step) for step in fault["loc"][1:] if not str(step).startswith("<")]
    messages = {"string_pattern_mismatch": "the text is empty", "extra_forbidden": "is not a known key"}
    return f"{'.'.join(steps) or 'body'}: {messages.get(fault['type'], fault['msg'])}"
