"""Many requests in flight at once, drawn from their source only as there is room."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from queue import Empty, SimpleQueue

from rubricator.errors import EngineError
from rubricator.label.llm.engines.engine import Generation, Request

_GRACE_SECONDS = 10.0
_Call = Callable[[Request], Generation]


def complete_concurrently(
    call: _Call, requests: Iterable[Request], workers: int
) -> Iterator[tuple[int, Generation]]:
    """Answer requests with up to `workers` calls at the same time.

    The source is drawn from in the consumer's thread, one request for each that has room, so that
    when it ends nothing is waiting behind it. Closing the generator returns at once: calls that are
    still running are left to end by themselves, and what they bring is dropped. The source may be
    endless; `call` runs in several threads.

    Yields:
        Number of the request in the source and its generation, as they are done.

    Raises:
        EngineError: A call raised it. No more is drawn; what is done within seconds is let out first.
    """
    threads = _Workers(call, workers)
    source = enumerate(requests)
    lost: EngineError | None = None
    try:
        while True:
            for number, request in islice(source, threads.free if lost is None else 0):
                threads.ask(number, request)
            done = threads.next_done(None if lost is None else _GRACE_SECONDS)
            if done is None:
                break
            number, outcome = done
            if isinstance(outcome, Generation):
                yield number, outcome
            elif isinstance(outcome, EngineError):
                lost = lost or outcome
            else:
                raise outcome
    finally:
        threads.stop()
    if lost is not None:
        raise lost


class _Workers:
    """Threads that answer; daemons, as a process that ends must not wait for servers that are silent."""

    def __init__(self, call: _Call, workers: int) -> None:
        self._call = call
        self._workers = workers
        self._started = 0
        self._running = 0
        self._requests: SimpleQueue[tuple[int, Request] | None] = SimpleQueue()
        self._done: SimpleQueue[tuple[int, Generation | BaseException]] = SimpleQueue()

    @property
    def free(self) -> int:
        return self._workers - self._running

    def ask(self, number: int, request: Request) -> None:
        if self._started < self._workers:
            threading.Thread(target=self._work, daemon=True).start()
            self._started += 1
        self._requests.put((number, request))
        self._running += 1

    def next_done(self, timeout: float | None) -> tuple[int, Generation | BaseException] | None:
        """What is done next; None if nothing is running, or not in time."""
        if not self._running:
            return None
        try:
            done = self._done.get(timeout=timeout)
        except Empty:
            return None
        self._running -= 1
        return done

    def stop(self) -> None:
        for _ in range(self._started):
            self._requests.put(None)

    def _work(self) -> None:
        while (item := self._requests.get()) is not None:
            number, request = item
            try:
                self._done.put((number, self._call(request)))
            except BaseException as error:  # noqa: BLE001 - raised again in the thread that waits
                self._done.put((number, error))
