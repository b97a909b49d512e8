"""When a request is sent again, how long that waits, and when it is time to give up on a server."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TypeVar

from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_attempt
from tenacity.wait import wait_random_exponential

from rubricator.errors import EngineError

FIRST_WAIT = 0.5
LONGEST_WAIT = 60.0
LONGEST_RETRY_AFTER = 120.0
GIVE_UP_AFTER = 5
NO_ANSWER = 0
_OK = 200
_TRANSIENT = frozenset({NO_ANSWER, _OK, 408, 409, 425, 429, 500, 502, 503, 504, 529})

_T = TypeVar("_T")


class NoAnswerError(Exception):
    """A request that got no usable answer.

    Args:
        problem: What came instead, for people.
        status: The HTTP status; `NO_ANSWER` where there was none, 200 where the answer was broken.
        code: The server's own name for it, such as `content_filter`.
        wait: Seconds after which the server wants to be asked again, if it says so.
    """

    def __init__(
        self, problem: str, *, status: int = NO_ANSWER, code: str = "", wait: float | None = None
    ) -> None:
        super().__init__(problem)
        self.problem = problem
        self.status = status
        self.code = code
        self.wait = wait

    @property
    def again(self) -> bool:
        """Whether the same request may succeed later."""
        return self.status in _TRANSIENT


class Retries:
    """Sends again what may succeed later, and stops a run whose server does not answer at all.

    Waits grow exponentially with full jitter; a server that says how long to wait is obeyed. When
    several requests in a row, over all threads, failed after all their attempts, the server counts
    as gone (a circuit breaker): better to stop than to fail thousands of texts one by one.
    """

    def __init__(self, server: str, retries: int) -> None:
        self._server = server
        self._retries = retries
        self._lock = threading.Lock()
        self._lost_in_a_row = 0

    def call(self, send: Callable[[], _T], stop: threading.Event) -> _T:
        """Send until there is an answer; once `stop` is set, nothing is waited for any more.

        Raises:
            NoAnswerError: The request was rejected, or the last attempt failed.
            EngineError: The server counts as gone.
        """

        def sleep(seconds: float) -> None:
            if stop.wait(seconds):
                raise NoAnswerError("the run was stopped before there was an answer")

        attempts = Retrying(
            stop=stop_after_attempt(self._retries + 1),
            retry=retry_if_exception(lambda error: isinstance(error, NoAnswerError) and error.again),
            wait=_wait,
            sleep=sleep,
            reraise=True,
        )
        try:
            answer = attempts(send)
        except NoAnswerError as fault:
            if not stop.is_set():
                self._count(fault)
            raise
        with self._lock:
            self._lost_in_a_row = 0
        return answer

    def _count(self, fault: NoAnswerError) -> None:
        # A server that answers in a wrong form is there, and may answer the next text rightly.
        gone = fault.again and fault.status != _OK
        with self._lock:
            self._lost_in_a_row = self._lost_in_a_row + 1 if gone else 0
            lost = self._lost_in_a_row
        if lost >= GIVE_UP_AFTER:
            raise EngineError(
                f"The server at {self._server} does not answer: {lost} requests in a row failed after "
                f"{self._retries + 1} attempts each, the last with: {fault.problem}",
                fix="See whether the server runs and what its limits are. What was answered is stored; run "
                "again to go on.",
            ) from fault


def retry_after(header: str | None) -> float | None:
    """Seconds that a `Retry-After` header asks for, given as seconds or as a date (RFC 9110)."""
    if not header:
        return None
    try:
        seconds = float(header)
    except ValueError:
        try:
            date = parsedate_to_datetime(header)
        except ValueError:
            return None
        date = date if date.tzinfo else date.replace(tzinfo=UTC)
        seconds = (date - datetime.now(UTC)).total_seconds()
    return min(max(0.0, seconds), LONGEST_RETRY_AFTER)


def _wait(state: RetryCallState) -> float:
    fault = state.outcome.exception() if state.outcome else None
    if isinstance(fault, NoAnswerError) and fault.wait is not None:
        return fault.wait
    return wait_random_exponential(multiplier=FIRST_WAIT, max=LONGEST_WAIT)(state)
