"""The HTTP application: its parts put together."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from rubricator import __version__
from rubricator.artifact import ModelRegistry
from rubricator.predict import Predictor
from rubricator.serve.classify import add_classify
from rubricator.serve.deployments import NOTHING, Beside, Deployments, Load, classified
from rubricator.serve.experiment import ServedExperiment, add_outcomes
from rubricator.serve.feedback import FeedbackStore, add_feedback
from rubricator.serve.information import add_information
from rubricator.serve.limits import BodyLimit, ServeSettings
from rubricator.serve.metrics import Measured, Metrics
from rubricator.serve.prediction_log import LogSettings, PredictionLogger
from rubricator.serve.problems import add_errors
from rubricator.serve.schemas import request_schemas
from rubricator.serve.security.headers import SafeHeaders
from rubricator.serve.security.keys import ApiKey, Guard
from rubricator.serve.shadow import Shadow
from rubricator.serve.versions import add_versions


def create_app(
    predictor: Predictor,
    *,
    settings: ServeSettings | None = None,
    registry: ModelRegistry | None = None,
    load: Load = Predictor.load,
    beside: Beside = NOTHING,
    shadow_log: Path | None = None,
    keys: list[ApiKey] | None = None,
    feedback: FeedbackStore | None = None,
    log: LogSettings | None = None,
    experiment: ServedExperiment | None = None,
) -> FastAPI:
    """Build the service over a predictor.

    Run it with any ASGI server; the model is warmed up before the first request is accepted, and on
    shutdown the requests that wait are answered first. The default limits suit one small machine.

    Args:
        predictor: The champion.
        settings: What is accepted before the service says no.
        registry: Where the champion comes from; the service follows it.
        load: How an artifact of the registry is loaded and tried.
        beside: A shadow, or a challenger with a share of the requests.
        shadow_log: Where comparisons with the shadow are appended, one JSON object a line.
        keys: Who may ask; None for everybody. Promotion over HTTP needs keys, and a registry.
        feedback: Where decisions of editors are stored; None takes none.
        log: Where served predictions are logged; None logs none.
        experiment: Divides the units between the champion and the challenger, and takes outcomes.
    """
    settings = settings or ServeSettings()
    metrics = Metrics()
    logger = None if log is None else PredictionLogger(log, metrics)
    deployments = Deployments(
        predictor,
        settings,
        metrics,
        registry=registry,
        load=load,
        beside=beside,
        classify=classified if logger is None else logger.classify,
    )
    shadow = Shadow(deployments, metrics, shadow_log)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with deployments:
            if logger is not None:
                logger.start()
            if experiment is not None:
                experiment.start(metrics)
            yield
            await shadow.finish()
        for stored in (experiment, feedback, logger):
            if stored is not None:
                await asyncio.to_thread(stored.close)

    app = FastAPI(
        title=predictor.manifest.identifier,
        version=__version__,
        description="Classifies texts into the categories of the model.",
        lifespan=lifespan,
        # FastAPI's own pages load their scripts from elsewhere; /docs is made here instead.
        docs_url=None,
        redoc_url=None,
    )
    add_classify(app, deployments, metrics, settings, shadow, logger, experiment)
    add_information(app, deployments, metrics, settings)
    if keys is not None and registry is not None:
        add_versions(app, deployments, registry)
    if feedback is not None:
        add_feedback(app, deployments, settings, feedback)
    if experiment is not None:
        add_outcomes(app, experiment)
    add_errors(app, metrics)
    app.add_middleware(BodyLimit, limit=settings.max_body_bytes)
    if keys is not None:
        app.add_middleware(Guard, keys=keys, metrics=metrics)
    paths = {path for route in app.routes if (path := getattr(route, "path", None))}
    app.add_middleware(Measured, metrics=metrics, paths=paths)
    app.add_middleware(SafeHeaders)
    app.openapi = lambda: _schema(app, deployments, settings, keyed=keys is not None)  # type: ignore[method-assign]
    return app


def _schema(
    app: FastAPI, deployments: Deployments, settings: ServeSettings, *, keyed: bool
) -> dict[str, Any]:
    """What OpenAPI says now: limits and categories are those of the champion."""
    champion = deployments.champion
    schema = get_openapi(
        title=f"Rubricator: {champion.predictor.manifest.name}",
        version=app.version,
        description=app.description,
        routes=app.routes,
    )
    schema["components"]["schemas"] |= request_schemas(
        champion.predictor.taxonomy,
        max_texts=settings.max_texts,
        max_characters=champion.max_characters,
        max_explained=settings.max_explained,
    )
    if keyed:
        schema["components"]["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
        for path, operations in schema["paths"].items():
            if path.startswith("/v1/"):
                for operation in operations.values():
                    operation["security"] = [{"key": []}]
    return schema
