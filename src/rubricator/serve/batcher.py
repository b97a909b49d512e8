"""Brings the texts of concurrent requests together before they reach the model.

The model works in one thread. While it works, requests wait in a queue; when it is free again, it
takes as many of their texts as fit into a batch, of each request its share. A request that finds the model
idle goes straight through: there is no window to wait out, so batching costs no latency and grows with the
load by itself. Texts are cleaned before they wait, long ones in a thread of their own, so that a text that
takes its time holds up nobody else's.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from rubricator.records import Prediction, Text

Clean = Callable[[list[Text]], list[Text]]
Classify = Callable[[list[Text]], list[Prediction]]
_MEMORY = 0.8  # of the rate so far, when a new batch is done
_SHORT = 20_000  # characters that are cleaned in one go


class QueueFullError(Exception):
    """More texts wait than the service is willing to keep.

    Attributes:
        seconds: After which there should be room again.
    """

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.seconds = seconds


class ClosedError(Exception):
    """The service is shutting down and takes no more texts."""


def _unobserved(_: float) -> None:
    """Nobody looks."""


@dataclass(slots=True, eq=False)
class _Job:
    """The texts of one request, as far as they are cleaned, taken by the model and answered."""

    size: int
    result: asyncio.Future[list[Prediction]]
    texts: list[Text] = field(default_factory=list)
    taken: int = 0
    predictions: dict[int, Prediction] = field(default_factory=dict)
    ready: float = 0.0


_Batch = list[tuple[_Job, int]]
"""Texts by their request and position in it."""


@dataclass(slots=True, eq=False)
class Batcher:
    """Cleans and classifies texts of many requests, each in worker threads.

    Use it as an asynchronous context manager: leaving it refuses new texts and finishes those that
    wait. A batch holds at most `batch_texts` and `batch_characters`, but at least one text; `queue_texts` may
    wait. A request that is cancelled leaves the queue. `observe` gets the size of every batch, `queued` how
    many seconds a request waited until the first of its texts was taken, `changed` by how much the number of
    waiting texts changes.
    """

    clean: Clean
    classify: Classify
    batch_texts: int
    batch_characters: int
    queue_texts: int
    observe: Callable[[int], object]
    queued: Callable[[float], object] = _unobserved
    changed: Callable[[int], object] = _unobserved
    waiting: int = field(default=0, init=False)
    open: bool = field(default=False, init=False)
    _jobs: deque[_Job] = field(default_factory=deque, init=False)
    _wake: asyncio.Event = field(default_factory=asyncio.Event, init=False)
    _worker: ThreadPoolExecutor = field(init=False)
    _cleaner: ThreadPoolExecutor = field(init=False)
    _slow_cleaner: ThreadPoolExecutor = field(init=False)
    _loop: asyncio.Task[None] = field(init=False)
    _rate: float = field(default=0.0, init=False)  # texts a second

    async def __aenter__(self) -> Batcher:
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="classify")
        self._cleaner = ThreadPoolExecutor(max_workers=1, thread_name_prefix="clean")
        self._slow_cleaner = ThreadPoolExecutor(max_workers=1, thread_name_prefix="clean-long")
        self._loop = asyncio.create_task(self._run())
        self.open = True
        return self

    async def __aexit__(self, *exception: object) -> None:
        self.open = False
        self._wake.set()
        await self._loop
        for pool in (self._worker, self._cleaner, self._slow_cleaner):
            pool.shutdown(wait=False, cancel_futures=True)

    async def submit(self, texts: Sequence[Text]) -> list[Prediction]:
        """Predictions for the texts of one request.

        Raises:
            QueueFullError: Too many texts wait already.
            ClosedError: The service is shutting down.
        """
        if not self.open:
            raise ClosedError
        if self.waiting and self.waiting + len(texts) > self.queue_texts:
            raise QueueFullError(self.waiting / self._rate if self._rate else 1.0)
        loop = asyncio.get_running_loop()
        job = _Job(len(texts), loop.create_future())
        self._wait(job.size)
        try:
            for portion, short in _portions(texts):
                pool = self._cleaner if short else self._slow_cleaner
                job.texts += await loop.run_in_executor(pool, self.clean, portion)
            job.ready = time.perf_counter()
            self._jobs.append(job)
            self._wake.set()
            return await job.result
        finally:
            self._leave(job)

    def _wait(self, more: int) -> None:
        self.waiting += more
        self.changed(more)

    def _leave(self, job: _Job) -> None:
        self._wait(job.taken - job.size)
        job.taken = job.size
        if job in self._jobs:
            self._jobs.remove(job)
        self._wake.set()

    async def _run(self) -> None:
        while self.open or self.waiting:
            if self._jobs:
                await self._answer(self._take())
            else:
                self._wake.clear()
                await self._wake.wait()

    def _take(self) -> _Batch:
        """The next texts: of every request that waits its share, in turn, while they fit into a batch."""
        share = max(1, self.batch_texts // len(self._jobs))
        batch: _Batch = []
        characters = 0
        for _ in range(len(self._jobs)):
            job = self._jobs.popleft()
            if not job.taken:
                self.queued(time.perf_counter() - job.ready)
            for place in range(job.taken, min(job.taken + share, job.size)):
                characters += len(job.texts[place].content)
                if len(batch) == self.batch_texts or (batch and characters > self.batch_characters):
                    self._jobs.appendleft(job)
                    return batch
                batch.append((job, place))
                job.taken += 1
                self._wait(-1)
            if job.taken < job.size:
                self._jobs.append(job)
        return batch

    async def _answer(self, batch: _Batch) -> None:
        texts = [job.texts[place] for job, place in batch]
        self.observe(len(texts))
        started = time.perf_counter()
        future = asyncio.get_running_loop().run_in_executor(self._worker, self._classify, texts)
        await asyncio.wait([future])
        if (error := future.exception()) is not None:
            await self._answer_halves(batch, error)
            return
        rate = len(texts) / max(time.perf_counter() - started, 1e-6)
        self._rate = _MEMORY * self._rate + (1 - _MEMORY) * rate if self._rate else rate
        for (job, place), prediction in zip(batch, future.result(), strict=True):
            job.predictions[place] = prediction
            if len(job.predictions) == job.size and not job.result.done():
                job.result.set_result([job.predictions[number] for number in range(job.size)])

    async def _answer_halves(self, batch: _Batch, error: BaseException) -> None:
        """One request must not fail for another's text, nor wait until each has been tried by itself."""
        if len(batch) == 1:
            job, _ = batch[0]
            if not job.result.done():
                job.result.set_exception(error)
            return
        middle = len(batch) // 2
        for half in (batch[:middle], batch[middle:]):
            if wanted := [(job, place) for job, place in half if not job.result.done()]:
                await self._answer(wanted)

    def _classify(self, texts: list[Text]) -> list[Prediction]:
        predictions = self.classify(texts)
        if len(predictions) != len(texts):
            raise RuntimeError(f"{len(predictions)} predictions for {len(texts)} texts")
        return predictions


def _portions(texts: Sequence[Text]) -> Iterator[tuple[list[Text], bool]]:
    """The texts in order, as many together as are short; and whether they are."""
    portion: list[Text] = []
    characters = 0
    for text in texts:
        length = len(text.title) + len(text.body)
        if portion and characters + length > _SHORT:
            yield portion, characters <= _SHORT
            portion, characters = [], 0
        portion.append(text)
        characters += length
    yield portion, characters <= _SHORT
