"""Many requests in flight at once, drawn from their source only as there is room."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from queue import Empty, SimpleQueue

from rubricator.errors import EngineError
from rubricator.llm.engines.engine import Generation, Request

_GRACE_SECONDS = 10.0
_Call = Callable[[Request], Generation]
_Waiting = SimpleQueue[tuple[int, Request] | None]
_Done = SimpleQueue[tuple[int, Generation | BaseException]]


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
    waiting: _Waiting = SimpleQueue()
    done: _Done = SimpleQueue()
    source = enumerate(requests)
    started = running = 0
    lost: EngineError | None = None
    try:
        while True:
            for item in islice(source, workers - running if lost is None else 0):
                if started < workers:
                    # Daemons, as a process that ends must not wait for servers that are silent.
                    threading.Thread(target=_work, args=(call, waiting, done), daemon=True).start()
                    started += 1
                waiting.put(item)
                running += 1
            if not running:
                break
            try:
                number, outcome = done.get(timeout=None if lost is None else _GRACE_SECONDS)
            except Empty:
                break
            running -= 1
            if isinstance(outcome, Generation):
                yield number, outcome
            elif isinstance(outcome, EngineError):
                lost = lost or outcome
            else:
                raise outcome
    finally:
        for _ in range(started):
            waiting.put(None)
    if lost is not None:
        raise lost


def _work(call: _Call, waiting: _Waiting, done: _Done) -> None:
    while (item := waiting.get()) is not None:
        number, request = item
        try:
            done.put((number, call(request)))
        except BaseException as error:  # noqa: BLE001 - raised again in the thread that waits
            done.put((number, error))
