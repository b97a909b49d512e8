"""Brings the texts of concurrent requests together before they reach the model.

The model works in one thread. While it works, requests wait in a queue; when it is free again, it
takes as many of them as fit into a batch. A request that finds the model idle goes straight through:
there is no window to wait out, so batching costs no latency and grows with the load by itself.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from rubricator.records import Prediction, Text

Classify = Callable[[list[Text]], list[Prediction]]


class QueueFullError(Exception):
    """More texts wait than the service is willing to keep."""


class ClosedError(Exception):
    """The service is shutting down and takes no more texts."""


@dataclass(slots=True, eq=False)
class _Job:
    texts: list[Text]
    result: asyncio.Future[list[Prediction]]


@dataclass(slots=True, eq=False)
class Batcher:
    """Classifies texts of many requests in one worker thread.

    Use it as an asynchronous context manager: leaving it refuses new texts and finishes those that
    wait. A request larger than `batch_texts` goes alone; `queue_texts` may wait; `observe` gets the size of
    every batch.
    """

    classify: Classify
    batch_texts: int
    queue_texts: int
    observe: Callable[[int], None]
    waiting: int = field(default=0, init=False)
    open: bool = field(default=False, init=False)
    _jobs: deque[_Job] = field(default_factory=deque, init=False)
    _wake: asyncio.Event = field(default_factory=asyncio.Event, init=False)
    _worker: ThreadPoolExecutor | None = field(default=None, init=False)
    _loop: asyncio.Task[None] | None = field(default=None, init=False)

    async def __aenter__(self) -> Batcher:
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="classify")
        self._loop = asyncio.create_task(self._run())
        self.open = True
        return self

    async def __aexit__(self, *exception: object) -> None:
        self.open = False
        self._wake.set()
        assert self._loop is not None, "entered before left"
        assert self._worker is not None, "entered before left"
        await self._loop
        self._worker.shutdown()

    async def submit(self, texts: list[Text]) -> list[Prediction]:
        """Predictions for the texts of one request.

        Raises:
            QueueFullError: Too many texts wait already.
            ClosedError: The service is shutting down.
        """
        if not self.open:
            raise ClosedError
        if self.waiting and self.waiting + len(texts) > self.queue_texts:
            raise QueueFullError
        job = _Job(texts, asyncio.get_running_loop().create_future())
        self._jobs.append(job)
        self.waiting += len(texts)
        self._wake.set()
        return await job.result

    async def _run(self) -> None:
        while self.open or self._jobs:
            if not self._jobs:
                self._wake.clear()
                await self._wake.wait()
                continue
            await self._answer(self._take())

    def _take(self) -> list[_Job]:
        """The next jobs in order, as many as fit into a batch, at least one."""
        batch: list[_Job] = []
        size = 0
        while self._jobs and (not batch or size + len(self._jobs[0].texts) <= self.batch_texts):
            job = self._jobs.popleft()
            self.waiting -= len(job.texts)
            if not job.result.cancelled():
                batch.append(job)
                size += len(job.texts)
        return batch

    async def _answer(self, batch: list[_Job]) -> None:
        if not batch:
            return
        texts = [text for job in batch for text in job.texts]
        self.observe(len(texts))
        future = asyncio.get_running_loop().run_in_executor(self._worker, self._classify, texts)
        await asyncio.wait([future])
        if (error := future.exception()) is not None:
            await self._answer_alone(batch, error)
            return
        predictions = future.result()
        start = 0
        for job in batch:
            stop = start + len(job.texts)
            if not job.result.done():
                job.result.set_result(predictions[start:stop])
            start = stop

    async def _answer_alone(self, batch: list[_Job], error: BaseException) -> None:
        """One request must not fail for another's text: those of a failed batch are tried one by one."""
        if len(batch) > 1:
            for job in batch:
                await self._answer([job])
        elif not batch[0].result.done():
            batch[0].result.set_exception(error)

    def _classify(self, texts: list[Text]) -> list[Prediction]:
        predictions = self.classify(texts)
        if len(predictions) != len(texts):
            raise RuntimeError(f"{len(predictions)} predictions for {len(texts)} texts")
        return predictions
