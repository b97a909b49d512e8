"""Counts what the service does, for Prometheus."""

from __future__ import annotations

import os
import time
from collections import Counter as TallyOf
from collections.abc import Collection, Sequence
from contextlib import suppress
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rubricator.artifact import Manifest
from rubricator.records import Prediction

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256)
_TOKENS = (16, 64, 256, 1024, 4096, 16384, 65536)
_SHARES = tuple(step / 10 for step in range(1, 11))
_FOLDER = "PROMETHEUS_MULTIPROC_DIR"


class Metrics:
    """The figures of one application, in a registry of its own.

    Where `PROMETHEUS_MULTIPROC_DIR` names a folder, several processes share their figures through files in
    it, and each answers for all of them.
    """

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        self._folder = os.environ.get(_FOLDER)
        self._serving: TallyOf[tuple[str, str, str]] = TallyOf()
        if self._folder:
            _forget_the_dead(Path(self._folder))
        else:
            ProcessCollector(registry=registry)

        def counter(name: str, about: str, *labels: str) -> Counter:
            return Counter(f"rubricator_{name}", about, labels, registry=registry)

        def histogram(name: str, about: str, buckets: Sequence[float], *labels: str) -> Histogram:
            return Histogram(f"rubricator_{name}", about, labels, buckets=buckets, registry=registry)

        def gauge(name: str, about: str, *labels: str) -> Gauge:
            return Gauge(f"rubricator_{name}", about, labels, registry=registry, multiprocess_mode="livesum")

        self.requests = counter("requests", "Requests answered.", "path", "status")
        self.seconds = histogram("request_seconds", "Seconds from request to answer.", _SECONDS, "path")
        self.stages = histogram(
            "stage_seconds",
            "Seconds of a request in a stage: read, clean, queue; of a batch: tokenise, inference.",
            _SECONDS,
            "stage",
        )
        self.dropped = counter(
            "dropped_requests",
            "Requests given up: the queue full, the deadline passed, the client gone, the rate too high.",
            "reason",
        )
        self.texts = counter("texts", "Texts classified.")
        self.routes = counter("routes", "Texts by the model of a two-speed artifact that answered.", "route")
        model = ("model", "taxonomy_version")
        self.labels = counter("labels", "Times a category was assigned.", "category", *model)
        self.confidence = histogram(
            "label_probability",
            "Probability of a category where it was assigned.",
            _SHARES,
            *("category", *model),
        )
        self.batch = histogram("batch_texts", "Texts in one batch of the model.", _SIZES)
        self.tokens = histogram("batch_tokens", "Tokens that encoders read for one batch.", _TOKENS)
        self.waiting = gauge("waiting_texts", "Texts waiting for the model.")
        self.model = gauge("model_info", "Processes that serve a model.", "model", "taxonomy_version", "role")
        self.swaps = counter("swaps", "Changes of the model that serves, by outcome.", "outcome")
        self.logged = counter("logged_predictions", "Predictions written into the log.")
        self.log_lost = counter(
            "unlogged_predictions",
            "Predictions that were served and could not be logged: buffer full, fault, shutdown.",
            "reason",
        )
        self.log_waiting = gauge("log_waiting_predictions", "Predictions waiting to be logged.")
        self.exposures = counter(
            "exposures", "Answers to units of an experiment, by whether that could be kept.", "outcome"
        )
        self.shadowed = counter(
            "shadow_texts", "Texts a shadow answered, by whether it decided alike.", "agrees"
        )
        self.shadow_distance = histogram(
            "shadow_distance", "Largest difference between the probabilities of both models.", _SHARES
        )

    def count(self, predictions: Sequence[Prediction]) -> None:
        """Count texts classified, the categories assigned to them, and how probable these were."""
        self.texts.inc(len(predictions))
        for prediction in predictions:
            if prediction.route:
                self.routes.labels(prediction.route).inc()
            for key in prediction.categories:
                labels = (key, prediction.model, prediction.taxonomy_version)
                self.labels.labels(*labels).inc()
                self.confidence.labels(*labels).observe(prediction.probabilities[key])

    def serves(self, manifest: Manifest, role: str, *, now: bool) -> None:
        """Say that a model serves in a role now, or no more."""
        labels = (manifest.identifier, manifest.taxonomy_version, role)
        # A model that comes back while it still leaves is there twice for a moment.
        self._serving[labels] += 1 if now else -1
        self.model.labels(*labels).set(min(1, self._serving[labels]))
        if not self._serving[labels] and not self._folder:
            self.model.remove(*labels)

    def text(self) -> bytes:
        """The figures in the text format of Prometheus, those of all processes together."""
        if not self._folder:
            return generate_latest(self.registry)
        together = CollectorRegistry()
        MultiProcessCollector(together)  # type: ignore[no-untyped-call]
        return generate_latest(together)


def _forget_the_dead(folder: Path) -> None:
    """Gauges of processes that were killed must not count for ever."""
    for file in folder.glob("gauge_live*_*.db"):
        pid = int(file.stem.rpartition("_")[2])
        if not Path(f"/proc/{pid}").exists() and Path("/proc/self").exists():
            with suppress(FileNotFoundError):
                mark_process_dead(pid, str(folder))  # type: ignore[no-untyped-call]


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
