"""`POST /v1/classify`: from the bytes of a request to its answer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine
from dataclasses import dataclass, replace
from typing import Annotated, Any, TypeVar

from fastapi import FastAPI, Header, HTTPException, Request, Response
from pydantic import WithJsonSchema
from starlette.requests import ClientDisconnect

from rubricator.experiment.plan import Arm
from rubricator.models.explanation.words import Explanation
from rubricator.records import Prediction
from rubricator.serve.batcher import ClosedError
from rubricator.serve.bodies import Wanted, read_body
from rubricator.serve.deployments import Deployment, Deployments
from rubricator.serve.experiment import ServedExperiment, unit_of
from rubricator.serve.limits import ServeSettings
from rubricator.serve.metrics import Metrics
from rubricator.serve.prediction_log import PredictionLogger
from rubricator.serve.problems import problems
from rubricator.serve.schemas import REQUESTS, ClassifyResponse, response_of
from rubricator.serve.shadow import Shadow

# The body is read by hand, so that it can be counted before it is parsed.
_SCHEMA = {"$ref": "#/components/schemas/ClassifyRequest"}
_BODY = {"required": True, "content": {"application/json": {"schema": _SCHEMA, "examples": REQUESTS}}}

# Bytes that are parsed in less time than it takes to hand them to a thread and back.
_SMALL = 4096

Seconds = Annotated[
    float | None,
    Header(alias="X-Timeout-Seconds", ge=0.5, le=86_400, description="After which nobody wants the answer."),
    WithJsonSchema({"type": "number", "minimum": 0.5, "maximum": 86_400}),
]
Answer = TypeVar("Answer")
SplitKey = Annotated[
    str | None,
    Header(alias="X-Split-Key", description="Whom it is for: the same key is answered by the same model."),
    WithJsonSchema({"type": "string"}),
]


@dataclass(frozen=True, slots=True)
class _Answer:
    """What a request asks for, and what it gets.

    Attributes:
        decided: The predictions with the thresholds of the request.
        seconds: From its arrival until it was classified.
    """

    wanted: Wanted
    predictions: list[Prediction]
    decided: list[Prediction]
    explanations: list[Explanation | None]
    seconds: float


class _Reader:
    """Reads what requests ask for, one large one at a time."""

    def __init__(self, metrics: Metrics, settings: ServeSettings) -> None:
        self._metrics, self._settings = metrics, settings
        self._large = asyncio.Lock()

    async def read(self, body: bytes, deployment: Deployment) -> Wanted:
        """What a body asks of a deployment.

        Raises:
            BodyError: The body, or a text in it, cannot be taken.
        """
        if len(body) <= _SMALL:
            return self._parsed(body, deployment)
        # Parsing a large body takes time, in which the event loop must serve the others, and memory.
        async with self._large:
            return await asyncio.to_thread(self._parsed, body, deployment)

    def _parsed(self, body: bytes, deployment: Deployment) -> Wanted:
        with self._metrics.stages.labels("read").time():
            limits = replace(self._settings, max_characters=deployment.max_characters)
            wanted = read_body(body, limits, deployment.predictor.taxonomy)
            deployment.predictor.check(wanted.texts)
        return wanted


def add_classify(
    app: FastAPI,
    deployments: Deployments,
    metrics: Metrics,
    settings: ServeSettings,
    shadow: Shadow,
    log: PredictionLogger | None = None,
    experiment: ServedExperiment | None = None,
) -> None:
    """Add the path that classifies."""
    reader = _Reader(metrics, settings)

    async def answer(body: bytes, deployment: Deployment, started: float) -> _Answer:
        wanted = await reader.read(body, deployment)
        predictions = await deployment.batcher.submit(wanted.texts)
        seconds = time.perf_counter() - started
        decided = wanted.decided(predictions, deployment.predictor.taxonomy)
        explanations = await deployment.explain(wanted.texts, decided, words=wanted.explain)
        return _Answer(wanted, predictions, decided, explanations, seconds)

    def divided(body: bytes, split_key: str | None) -> Deployment:
        # One without a key is told apart by what it says.
        return deployments.chosen(body if split_key is None else split_key.encode())

    @app.post(
        "/v1/classify",
        response_model_exclude_none=True,  # what nobody asked for is not there
        responses=problems(400, 401, 413, 422, 429, 503, 504),
        tags=["classify"],
        openapi_extra={"requestBody": _BODY},
    )
    async def classify(
        request: Request, response: Response, seconds: Seconds = None, split_key: SplitKey = None
    ) -> ClassifyResponse:
        """Categories and calibrated probabilities for one text or several."""
        if not _is_json(request.headers.get("content-type", "")):
            raise HTTPException(422, "Send the body as JSON, with the header Content-Type: application/json.")
        most = settings.max_seconds if seconds is None else min(seconds, settings.max_seconds)
        started = time.perf_counter()
        try:
            async with asyncio.timeout(most):
                body = await request.body()
                arm = None if experiment is None else experiment.arm(unit_of(split_key))
                chosen = divided(body, split_key) if experiment is None else deployments.of_arm(arm)
                async with chosen.held() as deployment:
                    answered = await _while_connected(request, answer(body, deployment, started))
        except TimeoutError as error:
            metrics.dropped.labels("deadline").inc()
            raise HTTPException(
                504, f"The answer took more than {most:g} s. Send fewer texts, or try later."
            ) from error
        except asyncio.CancelledError as error:
            # The server cancels what is left when it stops.
            raise ClosedError from error
        name, wanted = request.state.request_id, answered.wanted
        shadow.compare(name, wanted.texts, answered.predictions, answered.seconds)
        if log is not None:
            log.offer(
                wanted.texts, answered.predictions, deployment.predictor, deployment.role, answered.seconds
            )
        metrics.count(answered.decided)
        if experiment is not None:
            _expose(experiment, arm, unit_of(split_key), deployment, response)
        return response_of(
            deployment.predictor,
            answered.decided,
            answered.explanations,
            request_id=name,
            top_k=wanted.top_k,
        )


def _expose(
    experiment: ServedExperiment, arm: Arm | None, unit: str, deployment: Deployment, response: Response
) -> None:
    """Keep that a unit was answered, and tell the client; a unit without an arm takes no part."""
    if arm is not None:
        experiment.expose(unit, arm, deployment.predictor.manifest.identifier)
        response.headers["X-Experiment"] = f"{experiment.plan.name}={arm}"


def _is_json(content_type: str) -> bool:
    media_type = content_type.partition(";")[0].strip().lower()
    return media_type == "application/json" or media_type.endswith("+json")


async def _while_connected(request: Request, work: Coroutine[Any, Any, Answer]) -> Answer:
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
