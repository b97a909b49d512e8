"""Whom an experiment was shown to, kept by a thread of its own that no request waits for."""

from __future__ import annotations

import logging
import threading
import time
from pathlib import Path

from rubricator.experiment.events import Exposure, save_exposures
from rubricator.experiment.plan import Arm
from rubricator.experiment.started import still_runs
from rubricator.serve.metrics import Metrics
from rubricator.serve.store_writer import StoreWriter
from rubricator.store import Store

_LOG = logging.getLogger(__name__)
_PAUSE = 0.5  # seconds between two writes
_MOST = 20_000
_Key = tuple[str, Arm, str]


class ExposureLog:
    """A bounded buffer of units that were answered, and what empties it into the store.

    A unit that is answered again before it is written takes no more room. A store that is locked, full or
    gone holds up nothing: units that do not fit meanwhile are lost and counted, in the figures at once and in
    the store as soon as it is back. Each write also notices whether the experiment was stopped.
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
        self._experiment, self._metrics, self._most = experiment, metrics, most
        self._waiting: dict[_Key, tuple[float, int]] = {}
        self._lost = 0
        self._lock = threading.Lock()
        self._writer = StoreWriter(
            place,
            self._write,
            about=f"Exposures of '{experiment}'",
            named="--experiment-store",
            pause=pause,
            wait_for_file=True,
        )
        self._writer.start()

    def add(self, unit: str, arm: Arm, model: str) -> None:
        """Keep that a unit was answered; it returns at once, whatever the store does."""
        with self._lock:
            self._put((unit, arm, model), time.time(), 1)

    def close(self) -> None:
        """Write what waits, for at most a few seconds; what is left then is lost, and said to be."""
        self._writer.close()
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

    def _write(self, store: Store) -> bool:
        with self._lock:
            taken, self._waiting = self._waiting, {}
            lost, self._lost = self._lost, 0
        try:
            rows = [
                Exposure(unit=unit, arm=arm, model=model, first=first, times=times)
                for (unit, arm, model), (first, times) in taken.items()
            ]
            if rows or lost:
                save_exposures(store, self._experiment, rows, lost=lost)
        except BaseException:
            with self._lock:
                self._lost += lost
                for key, (first, times) in taken.items():
                    self._put(key, first, times)
            raise
        self._metrics.exposures.labels("kept").inc(sum(times for _, times in taken.values()))
        self.running = still_runs(store, self._experiment)
        return bool(self._waiting)
