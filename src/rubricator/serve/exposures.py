"""Whom an experiment was shown to, kept by a thread of its own that no request waits for."""

from __future__ import annotations

import logging
import threading
import time
from pathlib import Path

from rubricator.errors import RubricatorError, StoreError
from rubricator.experiment.events import Exposure, save_exposures
from rubricator.experiment.plan import Arm
from rubricator.experiment.started import still_runs
from rubricator.serve.metrics import Metrics
from rubricator.serve.store_thread import BUSY_SECONDS
from rubricator.store import Store

_LOG = logging.getLogger(__name__)
_PAUSE = 0.5  # seconds between two writes
_LONGEST_PAUSE = 30.0
_CLOSING_SECONDS = 5.0
_MOST = 20_000
_Key = tuple[str, Arm, str]


class ExposureLog:
    """A bounded buffer of units that were answered, and the thread that empties it into the store.

    A unit that is answered again before it is written takes no more room. A store that is locked, full or
    gone holds up nothing: units that do not fit meanwhile are lost and counted, in the figures at once and in
    the store as soon as it is back. The same thread notices when the experiment is stopped.
    """

    def __init__(
        self,
        place: str | Path,
        experiment: str,
        metrics: Metrics,
        *,
        most: int = _MOST,
        pause: float = _PAUSE,
    ) -> None:
        self.running = True
        self._place, self._experiment, self._metrics, self._most = place, experiment, metrics, most
        self._pause = pause
        self._waiting: dict[_Key, tuple[float, int]] = {}
        self._lost = 0
        self._lock, self._end = threading.Lock(), threading.Event()
        self._store: Store | None = None
        self._thread = threading.Thread(target=self._run, name="exposures", daemon=True)
        self._thread.start()

    def add(self, unit: str, arm: Arm, model: str) -> None:
        """Keep that a unit was answered; it returns at once, whatever the store does."""
        with self._lock:
            self._put((unit, arm, model), time.time(), 1)

    def close(self) -> None:
        """Write what waits, for at most a few seconds; what is left then is lost, and said to be."""
        self._end.set()
        self._thread.join(_CLOSING_SECONDS + BUSY_SECONDS)
        if self._waiting:
            self._lose(len(self._waiting))
        if self._lost:
            _LOG.warning("%d exposures of '%s' could not be kept", self._lost, self._experiment)

    def _put(self, key: _Key, first: float, times: int) -> None:
        before = self._waiting.get(key)
        if before is not None:
            self._waiting[key] = (min(first, before[0]), times + before[1])
        elif len(self._waiting) < self._most:
            self._waiting[key] = (first, times)
        else:
            self._lose(1)

    def _lose(self, count: int) -> None:
        self._lost += count
        self._metrics.exposures.labels("lost").inc(count)

    def _run(self) -> None:
        pause, deadline = self._pause, float("inf")
        while True:
            ending = self._end.wait(pause)
            if ending:
                deadline = min(deadline, time.monotonic() + _CLOSING_SECONDS)
            try:
                self._write()
                pause = self._pause
            except RubricatorError as error:
                _LOG.warning("Exposures of '%s' cannot be kept: %s", self._experiment, error.problem)
                pause = min(2 * pause, _LONGEST_PAUSE)
            except Exception:  # noqa: BLE001 - it must not end the thread: later ones may well be kept
                _LOG.exception("Exposures of '%s' cannot be kept", self._experiment)
                pause = min(2 * pause, _LONGEST_PAUSE)
            if ending:
                if not self._waiting or time.monotonic() > deadline:
                    break
                time.sleep(min(pause, 0.2))
        if self._store is not None:
            self._store.close()

    def _write(self) -> None:
        with self._lock:
            taken, self._waiting = self._waiting, {}
            lost, self._lost = self._lost, 0
        try:
            rows = [
                Exposure(unit=unit, arm=arm, model=model, first=first, times=times)
                for (unit, arm, model), (first, times) in taken.items()
            ]
            store = self._opened()
            if rows or lost:
                save_exposures(store, self._experiment, rows, lost=lost)
            self.running = still_runs(store, self._experiment)
        except BaseException:
            with self._lock:
                self._lost += lost
                for key, (first, times) in taken.items():
                    self._put(key, first, times)
            raise
        self._metrics.exposures.labels("kept").inc(sum(times for _, times in taken.values()))

    def _opened(self) -> Store:
        if self._store is not None and self._store.gone:
            self._store.close()
            self._store = None
        if self._store is None:
            if isinstance(self._place, Path) and not self._place.exists():
                raise StoreError(f"The database {self._place} is gone.", fix="Put it back.")
            self._store = Store.open(self._place, busy_seconds=BUSY_SECONDS)
        return self._store
