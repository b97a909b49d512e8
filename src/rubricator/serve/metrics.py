"""Counts what the service does, for Prometheus."""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info, ProcessCollector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rubricator.predict import Predictor
from rubricator.records import Prediction

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256)


class Metrics:
    """The figures of one application, in a registry of its own."""

    def __init__(self, predictor: Predictor) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self.requests = Counter(
            "rubricator_requests", "Requests answered.", ["path", "status"], registry=self.registry
        )
        self.seconds = Histogram(
            "rubricator_request_seconds",
            "Seconds from request to answer.",
            ["path"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.texts = Counter("rubricator_texts", "Texts classified.", registry=self.registry)
        self.labels = Counter(
            "rubricator_labels", "Times a category was assigned.", ["category"], registry=self.registry
        )
        self.batch = Histogram(
            "rubricator_batch_texts",
            "Texts in one batch of the model.",
            buckets=_SIZES,
            registry=self.registry,
        )
        self.waiting = Gauge(
            "rubricator_waiting_texts", "Texts waiting for the model.", registry=self.registry
        )
        model = Info("rubricator_model", "The model served.", registry=self.registry)
        manifest = predictor.manifest
        model.info({"model": manifest.identifier, "taxonomy_version": manifest.taxonomy_version})
        for key in predictor.taxonomy.keys:
            self.labels.labels(key)

    def count(self, predictions: Sequence[Prediction]) -> None:
        """Count texts classified and categories assigned to them."""
        self.texts.inc(len(predictions))
        for prediction in predictions:
            for key in prediction.categories:
                self.labels.labels(key).inc()


class Measured:
    """ASGI middleware: counts and times requests, those of `paths` by name and all others together."""

    def __init__(self, app: ASGIApp, *, metrics: Metrics, paths: Collection[str]) -> None:
        self._app = app
        self._metrics = metrics
        self._paths = frozenset(paths)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection; see the ASGI specification."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        # A client may ask for any number of paths that do not exist; each name would cost memory.
        path = scope["path"] if scope["path"] in self._paths else "other"
        status = 500
        started = time.perf_counter()

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, noted)
        finally:
            self._metrics.requests.labels(path, str(status)).inc()
            self._metrics.seconds.labels(path).observe(time.perf_counter() - started)
