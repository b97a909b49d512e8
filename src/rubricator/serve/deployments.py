"""Which models serve: the champion, how another takes its place, and what answers beside it.

A request is answered by one deployment from its first byte to its last: it holds it from when it is read.
The next champion is loaded, tried and warmed up beside the present one; then one assignment in the event loop
makes it the champion, and the old one goes when the last request that holds it is answered.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from rubricator.artifact import ModelRegistry, Promotion
from rubricator.encode.tokens_seen import telling
from rubricator.experiment.assignment import fraction
from rubricator.experiment.plan import Arm
from rubricator.models.explanation.words import Explanation
from rubricator.predict import Predictor
from rubricator.records import Prediction, Text
from rubricator.serve.batcher import Batcher
from rubricator.serve.explainer import Explainer
from rubricator.serve.limits import ServeSettings
from rubricator.serve.metrics import Metrics

_LOG = logging.getLogger(__name__)
Role = Literal["champion", "challenger", "shadow"]

Load = Callable[[Path], Predictor]
"""Reads an artifact and tries it; raises where it is not fit to serve."""

ClassifyBatch = Callable[[Predictor, list[Text]], list[Prediction]]
"""Predictions of cleaned texts."""


def classified(predictor: Predictor, texts: list[Text]) -> list[Prediction]:
    """The predictions of a batch, as nobody logs them."""
    return predictor.classify(texts)


class Deployment:
    """A predictor with a queue and a thread of its own, in one role."""

    def __init__(
        self,
        predictor: Predictor,
        settings: ServeSettings,
        metrics: Metrics,
        role: Role,
        classify: ClassifyBatch = classified,
    ) -> None:
        self.predictor = predictor
        self._classify_batch = classify
        self.role = role
        self.max_characters = min(settings.max_characters, predictor.manifest.max_characters)
        self._metrics = metrics
        self._seconds = settings.max_clean_seconds
        self._users = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self._explainer = Explainer(predictor, most=settings.queue_explained)
        self.batcher = Batcher(
            self._clean,
            self._classify,
            batch_texts=settings.batch_texts,
            batch_characters=settings.batch_characters,
            queue_texts=settings.queue_texts,
            observe=metrics.batch.observe,
            queued=metrics.stages.labels("queue").observe,
            changed=metrics.waiting.inc,
        )

    async def start(self) -> None:
        """Begin to take texts; the model is warm then.

        Raises:
            Exception: Whatever the model raises on a plain text.
        """
        await self.batcher.__aenter__()
        try:
            # The first run of an encoder compiles it; no user should wait for that.
            await self.batcher.submit([Text(id="warm-up", body="Проба пера")])
        except BaseException:
            await self.batcher.__aexit__()
            raise
        self._metrics.serves(self.predictor.manifest, self.role, now=True)

    async def stop(self) -> None:
        """Answer the requests that hold it, then let it go."""
        await self._idle.wait()
        await self.batcher.__aexit__()
        self._metrics.serves(self.predictor.manifest, self.role, now=False)

    async def explain(
        self, texts: Sequence[Text], predictions: Sequence[Prediction], *, words: int
    ) -> list[Explanation | None]:
        """So many words for each category of the texts; None for each text with 0.

        Raises:
            QueueFullError: Too many texts wait for theirs already.
        """
        if not words:
            return [None] * len(texts)
        with self._metrics.stages.labels("explain").time():
            return [*await self._explainer.explain(texts, predictions, words=words)]

    @asynccontextmanager
    async def held(self) -> AsyncIterator[Deployment]:
        """It stays for as long as the block lasts."""
        self._users += 1
        self._idle.clear()
        try:
            yield self
        finally:
            self._users -= 1
            if not self._users:
                self._idle.set()

    def _clean(self, texts: list[Text]) -> list[Text]:
        with self._metrics.stages.labels("clean").time():
            return self.predictor.clean(texts, seconds=self._seconds)

    def _classify(self, texts: list[Text]) -> list[Prediction]:
        read: list[tuple[int, float]] = []
        started = time.perf_counter()
        with telling(lambda tokens, seconds: read.append((tokens, seconds))):
            predictions = self._classify_batch(self.predictor, texts)
        tokenising = sum(seconds for _, seconds in read)
        if read:
            self._metrics.tokens.observe(sum(tokens for tokens, _ in read))
            self._metrics.stages.labels("tokenise").observe(tokenising)
        self._metrics.stages.labels("inference").observe(time.perf_counter() - started - tokenising)
        return predictions


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """What answers beside the champion.

    Attributes:
        shadow: Answers what the champion answers, for comparison only.
        challenger: Answers its `share` of the keys.
        share: Between 0 and 1.
        salt: Another salt divides the keys anew.
    """

    shadow: Predictor | None = None
    challenger: Predictor | None = None
    share: float = 0.0
    salt: str = ""


NOTHING = Beside()


class Deployments:
    """The champion and what answers beside it, as an asynchronous context manager.

    With a registry it follows the champion named there: a new one that is fit takes over, one that is not is
    logged and counted, and the old one goes on.
    """

    def __init__(
        self,
        predictor: Predictor,
        settings: ServeSettings,
        metrics: Metrics,
        *,
        registry: ModelRegistry | None = None,
        load: Load = Predictor.load,
        beside: Beside = NOTHING,
        classify: ClassifyBatch = classified,
    ) -> None:
        self._settings, self._metrics, self._classify = settings, metrics, classify
        self._registry, self._load = registry, load
        self._swapping = asyncio.Lock()
        self._leaving: set[asyncio.Task[None]] = set()
        self.champion = self._deployed(predictor, "champion")
        self._share, self._salt = beside.share, beside.salt
        self.challenger = self._optional(beside.challenger, "challenger")
        self.shadow = self._optional(beside.shadow, "shadow")

    async def __aenter__(self) -> Deployments:
        self._stack = AsyncExitStack()
        self._stack.push_async_callback(self._wait_for_leaving)
        for deployment in (self.champion, *self.beside):
            await deployment.start()
        if self._registry is not None:
            following = asyncio.create_task(self._follow(self._registry))
            self._stack.push_async_callback(_cancelled, following)
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self._stack.aclose()

    @property
    def beside(self) -> list[Deployment]:
        """What answers beside the champion."""
        return [one for one in (self.challenger, self.shadow) if one is not None]

    @property
    def open(self) -> bool:
        """Whether texts are taken at all."""
        return self.champion.batcher.open

    @property
    def full(self) -> bool:
        """Whether a further text would be refused."""
        return self.champion.batcher.waiting >= self._settings.queue_texts

    def chosen(self, key: bytes) -> Deployment:
        """Who answers a key: always the same one, as long as share and salt stay."""
        if self.challenger is None:
            return self.champion
        return self.challenger if fraction(self._salt, key) < self._share else self.champion

    def of_arm(self, arm: Arm | None) -> Deployment:
        """Who answers an arm of an experiment: the champion too where no challenger is (A/A), or no arm."""
        return self.challenger if arm == "treatment" and self.challenger is not None else self.champion

    async def swap(self, predictor: Predictor) -> None:
        """Make a predictor the champion, once it is warm; the old one finishes what it took."""
        following = self._deployed(predictor, "champion")
        await following.start()
        leaving, self.champion = self.champion, following
        self._metrics.swaps.labels("done").inc()
        _LOG.info(
            "%s serves instead of %s",
            predictor.manifest.identifier,
            leaving.predictor.manifest.identifier,
        )
        task = asyncio.create_task(leaving.stop())
        self._leaving.add(task)
        task.add_done_callback(self._leaving.discard)

    async def promote(self, version: str, note: str) -> Promotion:
        """Make a version of the registry the champion, there and here.

        Raises:
            ArtifactError: It is not fit, or the registry says no; the old champion goes on.
        """
        return await self._changed(lambda registry, load: registry.promote(version, check=load, note=note))

    async def rollback(self, note: str) -> Promotion:
        """Go back to the champion before, in the registry and here.

        Raises:
            ArtifactError: There is none, or it is not fit; the present champion goes on.
        """
        return await self._changed(lambda registry, load: registry.rollback(check=load, note=note))

    async def _changed(self, change: Callable[[ModelRegistry, Load], Promotion]) -> Promotion:
        assert self._registry is not None
        loaded: list[Predictor] = []

        def load(folder: Path) -> Predictor:
            loaded.append(self._load(folder))
            return loaded[-1]

        async with self._swapping:
            promotion = await asyncio.to_thread(change, self._registry, load)
            await self.swap(loaded[-1])
        return promotion

    async def _follow(self, registry: ModelRegistry) -> None:
        seen: tuple[int, int] | None = None
        while True:
            stamp = registry.stamp()
            if stamp != seen:
                seen = stamp
                async with self._swapping:
                    await self._catch_up(registry)
            await asyncio.sleep(self._settings.watch_seconds)

    async def _catch_up(self, registry: ModelRegistry) -> None:
        try:
            champion = await asyncio.to_thread(registry.champion)
            if champion is None or champion == self.champion.predictor.manifest.identifier:
                return
            await self.swap(await asyncio.to_thread(self._load, registry.artifact(champion)))
        except Exception:  # noqa: BLE001 - the old one is right whatever is wrong with the new one
            _LOG.exception("The champion of %s cannot serve; the old one goes on", registry.folder)
            self._metrics.swaps.labels("refused").inc()

    async def _wait_for_leaving(self) -> None:
        present = [deployment.stop() for deployment in (self.champion, *self.beside)]
        await asyncio.gather(*present, *self._leaving)

    def _optional(self, predictor: Predictor | None, role: Role) -> Deployment | None:
        return None if predictor is None else self._deployed(predictor, role)

    def _deployed(self, predictor: Predictor, role: Role) -> Deployment:
        # What the shadow answers is not served, and so not logged.
        classify = classified if role == "shadow" else self._classify
        return Deployment(predictor, self._settings, self._metrics, role, classify)


async def _cancelled(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
