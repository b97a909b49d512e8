"""A thread that empties a buffer into a database: no request waits for it, whatever the database does."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path

from rubricator.errors import RubricatorError
from rubricator.serve.held_store import BUSY_SECONDS, HeldStore
from rubricator.store import Store

_LOG = logging.getLogger(__name__)
_LONGEST_PAUSE = 30.0
CLOSING_SECONDS = 5.0
"""How long what waits may take to be written at the end."""


class StoreWriter:
    """Calls `write` again and again with the opened database.

    A database that is locked, full or gone is tried again after pauses that double up to half a minute. A
    SQLite file that was taken away is made anew, or with `wait_for_file` waited for.
    """

    def __init__(
        self,
        place: str | Path,
        write: Callable[[Store], bool],
        *,
        about: str,
        named: str,
        pause: float,
        wait_for_file: bool = False,
    ) -> None:
        """Prepare the thread; `start` begins.

        Args:
            place: The database, a file or a URL.
            write: Writes some of what waits, and tells whether more does; what it raises is logged, and what
                it had to write has to wait on.
            about: What is written, for the log.
            named: The option that names the database, for errors.
            pause: Seconds between two calls: many small transactions would hold up those who read.
            wait_for_file: Whether something else makes the database.
        """
        self._write, self._about, self._pause = write, about, pause
        self._held = HeldStore(place, named=named, wait_for_file=wait_for_file)
        self._wake, self._end = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name=about, daemon=True)

    def start(self) -> None:
        """Begin to write; whatever the database does, this does not fail."""
        self._thread.start()

    def wake(self) -> None:
        """Write before the pause is over, unless the database failed."""
        self._wake.set()

    def close(self) -> None:
        """Write what waits, for at most a few seconds, and let go of the database."""
        self._end.set()
        self._wake.set()
        self._thread.join(CLOSING_SECONDS + BUSY_SECONDS)

    def _run(self) -> None:
        pause, failed, deadline = self._pause, False, float("inf")
        while True:
            (self._end if failed else self._wake).wait(pause)
            self._wake.clear()
            ending = self._end.is_set()
            if ending:
                deadline = min(deadline, time.monotonic() + CLOSING_SECONDS)
            more, failed = True, True
            try:
                more = self._write(self._held.opened())
                failed = False
            except RubricatorError as error:
                _LOG.warning("%s cannot be kept: %s", self._about, error.problem)
            except Exception:  # noqa: BLE001 - it must not end the thread: later ones may well be kept
                _LOG.exception("%s cannot be kept", self._about)
            if ending and (not more or time.monotonic() > deadline):
                break
            if failed:
                pause = min(max(2 * pause, self._pause), _LONGEST_PAUSE)
            else:
                pause = 0.0 if more else self._pause
            if ending and failed:
                time.sleep(min(pause, 0.2))
        self._held.close()
