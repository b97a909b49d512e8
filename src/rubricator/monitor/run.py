"""Monitoring, run by run: new windows are judged, alerts opened, gone on with, ended and sent."""

from __future__ import annotations

import logging
import math
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import TypeAdapter

from rubricator.config.monitor import Monitor
from rubricator.errors import DataError, ServiceError
from rubricator.monitor.alerts import alert_text, update_alerts
from rubricator.monitor.channels import channels, is_quiet
from rubricator.monitor.examples import example_ids
from rubricator.monitor.judge import Judged, find_cause, judge
from rubricator.monitor.reference import Reference
from rubricator.monitor.sample import sample_of
from rubricator.monitor.threshold import ROUNDS, Threshold, calibrate
from rubricator.monitor.windows import Seen, Window, clock_notes, read_windows, waiting_note
from rubricator.progress import Progress, silent
from rubricator.review.feedback import Decision, read_decisions
from rubricator.stats.arrays import Bools
from rubricator.store import Store
from rubricator.store.alerts import Alert, MonitorMemory
from rubricator.store.predictions import LoggedPrediction, PredictionLog

_LOG = logging.getLogger(__name__)
_JUDGED = TypeAdapter(Judged)
_SEEN = TypeAdapter(Seen)
_MOST = 10_000
_WINDOW, _THRESHOLD, _UNTIL = "window:", "threshold:", "until"


@dataclass(frozen=True, slots=True)
class MonitorRun:
    """What one run found.

    Attributes:
        judged: Windows that were judged now, the oldest first.
        opened: Alerts that were opened.
        lasting: All alerts that are not over.
        unsent: Why an alert could not be sent, by channel.
        held: Alerts that wait for the end of quiet hours.
        notes: What is to be known of the log, as sentences.
    """

    judged: list[Judged]
    opened: list[Alert]
    lasting: list[Alert]
    unsent: dict[str, str] = field(default_factory=dict)
    held: int = 0
    notes: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Monitoring:
    """A log of predictions beside the references of its models.

    Example:
        >>> with Store.open("log.sqlite") as store:  # doctest: +SKIP
        ...     Monitoring(store, [read_reference(Path("runs/news"))]).run()

    Args:
        store: Where predictions are logged, and where what was judged is kept.
        references: One for each model that is watched.
        settings: The section `monitor`.
        reviews: Where decisions of editors are; by default in the same store.
        folder: Where lists of ids to review are written; None writes none.
        progress: Shows the resampling of the thresholds, which takes seconds once for each size of window.
    """

    store: Store
    references: Sequence[Reference]
    settings: Monitor = field(default_factory=Monitor)
    reviews: Store | None = None
    folder: Path | None = None
    progress: Progress = silent
    rounds: int = ROUNDS
    _thresholds: dict[str, Threshold] = field(default_factory=dict)
    _by_model: dict[str, Reference] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for reference in self.references:
            reference.require_rows()
            if not reference.model:
                raise DataError(
                    "A reference does not say of which model it is.",
                    fix="Name the folder of the artifact, not the file inside it.",
                )
            self._by_model[reference.model] = reference
        memory = MonitorMemory(self.store)
        self._thresholds = {
            key: Threshold(tuple(value["smallest"]), value["size"])
            for key, value in memory.values(_THRESHOLD).items()
        }

    def run(self, now: datetime | None = None) -> MonitorRun:
        """Judge the windows that are over and were not judged yet, and send what has to be said.

        Each window is judged and stored whole, so a run that is killed goes on where it was, and none is
        judged twice; of two at once on one store the second is refused, so that no alert is sent twice.

        Raises:
            LockedStoreError: Another process does the same.
            StoreError: A database refused.
            DataError: There is no prediction in the log.
        """
        now = now or datetime.now(UTC)
        memory, log = MonitorMemory(self.store), PredictionLog(self.store)
        with self.store.alone("monitor run"):
            return self._run(now, memory, log)

    def _run(self, now: datetime, memory: MonitorMemory, log: PredictionLog) -> MonitorRun:
        if log.span() is None:
            raise DataError(
                "The log holds no prediction.", fix="Serve with it: `rubricator serve ARTIFACT --log STORE`."
            )
        state = memory.values(_UNTIL).get(_UNTIL)
        seen = _SEEN.validate_python(state) if state else None
        decisions = read_decisions(self.reviews or self.store)
        alerts = memory.alerts()
        before = len(alerts)
        judged: list[Judged] = []
        models = {one.model for one in self.judged()}
        for window in read_windows(log, self.settings, now, seen):
            results = self._judge(window, decisions)
            changed = self._alerted(alerts, results, models, window)
            values: dict[str, Any] = {
                f"{_WINDOW}{one.start.isoformat()}:{one.model}": _plain(one) for one in results
            }
            values |= {_UNTIL: _SEEN.dump_python(window.seen, mode="json")}
            values |= {
                key: {"smallest": list(one.smallest), "size": one.size}
                for key, one in self._thresholds.items()
            }
            memory.keep(changed, values)
            alerts += [alert for alert in changed if alert not in alerts]
            judged += results
            seen = window.seen
        notes = self._notes(log, now)
        if isinstance(self.settings.window, int) and (
            note := waiting_note(log, self.settings.window, now, seen)
        ):
            notes.append(note)
        unsent, held = self._send(memory, alerts, now)
        return MonitorRun(
            judged,
            alerts[before:],
            [alert for alert in alerts if alert.over is None],
            unsent,
            held,
            notes,
        )

    def judged(self) -> list[Judged]:
        """Every window that was judged, the oldest first.

        Raises:
            StoreError: The database refused.
        """
        kept = MonitorMemory(self.store).values(_WINDOW)
        return sorted(map(_JUDGED.validate_python, kept.values()), key=lambda one: (one.start, one.model))

    def _judge(self, window: Window, decisions: Sequence[Decision]) -> list[Judged]:
        rows = window.by_model()
        watched = [
            model
            for model, some in rows.items()
            if model in self._by_model and len(some) >= self.settings.min_rows
        ]
        if not rows:
            note = "Nothing was predicted."
            return [Judged(model="", start=window.start, end=window.end, rows=0, state="few", note=note)]
        return [
            self._judged(window, model, some, decisions, max(len(watched), 1))
            for model, some in sorted(rows.items())
        ]

    def _judged(
        self,
        window: Window,
        model: str,
        rows: list[LoggedPrediction],
        decisions: Sequence[Decision],
        models: int,
    ) -> Judged:
        versions = Counter(row.taxonomy_version for row in rows)
        common: dict[str, Any] = {
            "model": model,
            "start": window.start,
            "end": window.end,
            "rows": len(rows),
            "taxonomy_version": versions.most_common(1)[0][0],
            "seconds": _latency(rows),
        }
        reference = self._by_model.get(model)
        if reference is None:
            return Judged(state="unknown", note="No reference of this model.", **common)
        if len(rows) < self.settings.min_rows:
            note = f"Fewer than {self.settings.min_rows} predictions: too few to tell."
            return Judged(state="few", note=note, **common)
        rows = _drawn(rows, {one.text_id for one in decisions})
        sample = sample_of(rows, reference.space)
        truth = reviewed_truth(rows, decisions, reference)
        checks, rate, threshold, performance = judge(
            sample, reference, self.settings, self._threshold, truth, models=models
        )
        result = Judged(
            state="quiet", rate=rate, threshold=threshold, checks=checks, performance=performance, **common
        )
        if not result.moved:
            return result
        examples = example_ids(result.moved[0], sample, reference.sample, reference.space)
        return _JUDGED.validate_python(
            _plain(result)
            | {
                "state": "alarm",
                "cause": find_cause(sample, reference, self.settings, threshold),
                "examples": examples,
            }
        )

    def _threshold(self, reference: Reference, size: int, rate: float) -> Threshold:
        # A rate that the rounds cannot show would never alarm.
        rounds = max(self.rounds, math.ceil(1 / rate))
        key = f"{_THRESHOLD}{reference.digest}:{size}:{rounds}"
        if key not in self._thresholds:
            self._thresholds[key] = calibrate(reference, size, rounds=rounds, progress=self.progress)
        return self._thresholds[key]

    def _alerted(
        self, alerts: list[Alert], results: list[Judged], models: set[str], window: Window
    ) -> list[Alert]:
        changed: list[Alert] = []
        for one in results:
            reference = self._by_model.get(one.model)
            titles = {} if reference is None else reference.titles
            # The first window of the first model is no change of models.
            is_new = one.model not in models and bool(models)
            changed += update_alerts(alerts, one, titles, new_model=is_new)
        present = {one.model for one in results if one.model}
        models |= present
        # A model that no longer serves changes no more.
        if window.alone is None:
            gone = [one for one in alerts if one.over is None and present and one.model not in present]
        else:
            gone = [
                one
                for one in alerts + changed
                if window.leaving and one.over is None and one.model == window.alone
            ]
        for alert in gone:
            alert.over = results[0].end
        return changed + gone

    def _send(
        self, memory: MonitorMemory, alerts: Iterable[Alert], now: datetime
    ) -> tuple[dict[str, str], int]:
        ways = channels(self.settings)
        waiting = [alert for alert in alerts if not set(ways) <= set(alert.sent)]
        if is_quiet(self.settings, now):
            return {}, len(waiting)
        unsent: dict[str, str] = {}
        for alert in waiting:
            file = self._write_ids(alert)
            text = alert_text(alert, ids_file=file, texts=self._texts(alert))
            payload = alert_payload(alert) | {"text": text}
            for name, send in ways.items():
                if name in alert.sent or name in unsent:
                    continue
                try:
                    send(text, payload)
                except ServiceError as error:
                    unsent[name] = f"{error.problem} {error.fix}"
                else:
                    alert.sent.append(name)
                    # At once: a run that is killed here must not tell it twice.
                    memory.keep([alert], {})
        return unsent, 0

    def _write_ids(self, alert: Alert) -> str:
        if self.folder is None or not alert.about["examples"]:
            return ""
        path = self.folder / f"alert-{alert.id}.txt"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            path.write_text("\n".join(alert.about["examples"]) + "\n", encoding="utf-8")
        except OSError as error:
            _LOG.warning("The ids of the alert cannot be written to %s: %s", path, error.strerror)
            return ""
        return str(path)

    def _texts(self, alert: Alert) -> dict[str, str]:
        """The beginnings of the first examples, where texts were logged and may be told."""
        if not self.settings.texts:
            return {}
        wanted = set(alert.about["examples"][:5])
        rows = PredictionLog(self.store).read(alert.since, alert.until, texts=True)
        return {row.text_id: row.text[:200] for _, row in rows if row.text_id in wanted and row.text}

    def _notes(self, log: PredictionLog, now: datetime) -> list[str]:
        notes = clock_notes(log, now)
        losses = log.losses()
        if losses:
            why = ", ".join(f"{count:,} ({reason})" for reason, count in sorted(losses.items()))
            notes.append(f"Served and not logged: {why} predictions. What is told here leaves them out.")
        return notes


def reviewed_truth(
    rows: Sequence[LoggedPrediction], decisions: Sequence[Decision], reference: Reference
) -> dict[int, Bools]:
    """What people stated of logged texts, blind and drawn by lot, by row; the latest word on a text counts.

    A decision belongs to a text by its id.
    """
    by_id = {row.text_id: number for number, row in enumerate(rows)}
    keys = frozenset(reference.space.keys)
    truth: dict[int, Bools] = {}
    for one in decisions:
        if one.shown != "blind" or one.chosen != "random" or one.text_id not in by_id:
            continue
        if keys.issuperset(one.categories):
            truth[by_id[one.text_id]] = reference.space.indicators([one.categories])[0]
    return truth


def alert_payload(alert: Alert) -> dict[str, Any]:
    """An alert as JSON values."""
    return {
        "id": alert.id,
        "model": alert.model,
        "since": alert.since.isoformat(),
        "until": alert.until.isoformat(),
        "over": None if alert.over is None else alert.over.isoformat(),
        **alert.about,
    }


def _drawn(rows: list[LoggedPrediction], reviewed: Collection[str]) -> list[LoggedPrediction]:
    """At most 10,000 rows at random, and what people looked at: more take longer and say the same."""
    if len(rows) <= _MOST:
        return rows
    drawn = set(np.random.default_rng(len(rows)).permutation(len(rows))[:_MOST].tolist())
    return [row for number, row in enumerate(rows) if number in drawn or row.text_id in reviewed]


def _latency(rows: Sequence[LoggedPrediction]) -> dict[str, float]:
    seconds = np.array([row.seconds for row in rows])
    return {"p50": float(np.quantile(seconds, 0.5)), "p95": float(np.quantile(seconds, 0.95))}


def _plain(judged: Judged) -> dict[str, Any]:
    plain: dict[str, Any] = _JUDGED.dump_python(judged, mode="json")
    return plain
