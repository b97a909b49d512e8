"""An experiment in the service: who belongs to which arm, and `POST /v1/outcomes`."""

from __future__ import annotations

import logging
import time
from collections import Counter
from pathlib import Path

from fastapi import FastAPI

from rubricator.experiment.assignment import Assignment
from rubricator.experiment.events import Outcome, save_outcomes
from rubricator.experiment.plan import Arm, Plan
from rubricator.experiment.started import started_experiment
from rubricator.serve.event_schemas import OutcomesRequest, OutcomesStored
from rubricator.serve.exposures import ExposureLog
from rubricator.serve.metrics import Metrics
from rubricator.serve.problems import problems
from rubricator.serve.store_thread import StoreThread
from rubricator.store import Store

_LOG = logging.getLogger(__name__)
_LONGEST_UNIT = 255
_FIX = "`rubricator ab start PLAN` makes it; --experiment-store names another."


class ServedExperiment:
    """A started experiment whose arms are answered by the champion and the challenger."""

    def __init__(self, plan: Plan, place: str | Path) -> None:
        """Open it.

        Raises:
            DataError: It was not started, or its plan was changed since.
            StoreError: The database cannot be read.
        """
        with Store.open_existing(place, named="--experiment-store", fix=_FIX) as store:
            started = started_experiment(store, plan)
        self.plan = plan
        self.thread = StoreThread(place, name="outcomes")
        self._place = place
        self._assignment: Assignment = started.assignment
        self._stopped = started.stopped is not None
        if self._stopped:
            _LOG.warning("The experiment '%s' was stopped: the champion answers everybody.", plan.name)
        self._log: ExposureLog | None = None

    def start(self, metrics: Metrics) -> None:
        """Begin to keep exposures."""
        self._log = ExposureLog(self._place, self.plan.name, metrics)

    def arm(self, unit: str) -> Arm | None:
        """The arm of whom an answer is for; None where it takes no part, or the experiment was stopped."""
        if not unit or len(unit) > _LONGEST_UNIT or self._stopped:
            return None
        return self._assignment.arm(unit) if self._log is None or self._log.running else None

    def expose(self, unit: str, arm: Arm, model: str) -> None:
        """Keep that a unit was answered."""
        if self._log is not None:
            self._log.add(unit, arm, model)

    def close(self) -> None:
        """Write what waits, and let go of the database."""
        if self._log is not None:
            self._log.close()
        self.thread.close()


def unit_of(split_key: str | None) -> str:
    """Whom an answer is for, as the header names it (in UTF-8, which servers read as Latin-1), or nobody."""
    if split_key is None:
        return ""
    try:
        return split_key.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return split_key


def add_outcomes(app: FastAPI, experiment: ServedExperiment) -> None:
    """Add the path that takes outcomes."""

    @app.post("/v1/outcomes", tags=["experiments"], responses=problems(400, 401, 413, 422, 429, 503))
    async def outcomes(sent: OutcomesRequest) -> OutcomesStored:
        """Keep what units did after they were answered; what is sent again under its id is kept once."""
        now = time.time()
        rows = [
            Outcome(
                id=one.id,
                unit=one.unit,
                event=one.event,
                value=one.value,
                at=now if one.at is None else one.at.timestamp(),
            )
            for one in sent.outcomes
        ]
        saved = await experiment.thread.run(lambda store: save_outcomes(store, rows, received=now))
        unread = Counter(one.event for one in rows if one.event not in experiment.plan.events)
        return OutcomesStored(
            stored=saved.stored,
            repeated=saved.repeated,
            contradicted=saved.contradicted,
            unread=dict(unread),
        )
