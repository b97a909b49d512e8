"""Many requests in flight at once, drawn from their source only as there is room."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from queue import SimpleQueue

from rubricator.errors import EngineError
from rubricator.label.engines.engine import Generation, Request

_Asked = tuple[int, Request]
_Done = tuple[int, Generation | BaseException]


def in_flight(
    call: Callable[[Request], Generation], requests: Iterable[Request], workers: int
) -> Iterator[tuple[int, Generation]]:
    """Answer requests with up to `workers` calls at the same time.

    The source is drawn from in the consumer's thread, one request for each that has room, so that
    when it ends nothing is waiting behind it. Closing the generator returns at once: calls that are
    still running are left to end by themselves, and what they bring is dropped.

    Args:
        call: Answers one request; called from several threads.
        requests: The source; may be endless.
        workers: How many calls run at once.

    Yields:
        Number of the request in the source and its generation, as they are done.

    Raises:
        EngineError: A call raised it. No more is drawn, what is in flight is let out first.
    """
    asked: SimpleQueue[_Asked | None] = SimpleQueue()
    done: SimpleQueue[_Done] = SimpleQueue()
    source = enumerate(requests)
    running, started, broken = 0, 0, None
    exhausted = False
    try:
        while True:
            while running < workers and not exhausted and broken is None:
                item = next(source, None)
                if item is None:
                    exhausted = True
                    break
                if started < workers:
                    # Daemons: a process that ends must not wait for servers that are silent.
                    threading.Thread(target=_work, args=(call, asked, done), daemon=True).start()
                    started += 1
                asked.put(item)
                running += 1
            if not running:
                break
            number, outcome = done.get()
            running -= 1
            if isinstance(outcome, Generation):
                yield number, outcome
            elif isinstance(outcome, EngineError):
                broken = broken or outcome
            else:
                raise outcome
    finally:
        for _ in range(started):
            asked.put(None)
    if broken is not None:
        raise broken


def _work(
    call: Callable[[Request], Generation], asked: SimpleQueue[_Asked | None], done: SimpleQueue[_Done]
) -> None:
    while (item := asked.get()) is not None:
        number, request = item
        try:
            done.put((number, call(request)))
        except BaseException as error:  # noqa: BLE001 - raised again in the thread that waits
            done.put((number, error))
