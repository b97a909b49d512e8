"""Every served prediction goes into a store, by a thread of its own that no request waits for."""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from weakref import WeakKeyDictionary

from rubricator.errors import DataError, MissingExtraError, StoreError
from rubricator.monitor.observe import EXCERPT, anonymous_id, packed, projected, unknown_share
from rubricator.monitor.reference import Reference, parse_reference
from rubricator.predict import Predictor
from rubricator.records import Feature, Prediction, Text
from rubricator.serve.metrics import Metrics
from rubricator.store import Store
from rubricator.store.predictions import LoggedPrediction, Loss, PredictionLog

_LOG = logging.getLogger(__name__)
_BATCH = 500
_PAUSE = 0.25  # seconds between two writes: many small transactions would hold up those who read
_BUSY_SECONDS = 2.0
_LONGEST_PAUSE = 30.0
_LANGUAGES = 20  # a second: telling a language takes a millisecond of a processor that requests need, too
_RETENTION_SECONDS = 3600.0
_CLOSING_SECONDS = 8.0
_LONGEST_NAME = 1000
_LONGEST_TEXT = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class LogSettings:
    """What `--log` was told.

    Attributes:
        place: The database, a file or a URL.
        texts: Whether the texts themselves may be kept.
        keep_days: After how many days predictions are deleted; None keeps them.
        salt: Of the hashes that name texts without an id.
        most: Predictions that may wait for the database; beyond them the newest are lost, and counted.
    """

    place: str
    texts: bool = False
    keep_days: float | None = None
    salt: str = ""
    most: int = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservedPrediction(Prediction):
    """A prediction with what is logged of its text: the beginning of its content, and its vector."""

    content: str
    characters: int
    vector: bytes | None


def classify_observed(predictor: Predictor, texts: list[Text], *, most: int = EXCERPT) -> list[Prediction]:
    """Predictions that carry what is logged of their texts, and at most so many characters of these."""
    predictions, vectors = predictor.classify_with_vectors(texts)
    rows = [None] * len(texts) if vectors is None else [packed(row) for row in projected(vectors)]
    return [
        ObservedPrediction(
            **{one.name: getattr(prediction, one.name) for one in fields(Prediction)},
            content=text.content[:most],
            characters=len(text.content),
            vector=vector,
        )
        for prediction, text, vector in zip(predictions, texts, rows, strict=True)
    ]


@dataclass(frozen=True, slots=True)
class _Waiting:
    at: datetime
    seconds: float
    predictor: Predictor
    role: str
    text: Text
    named: bool
    prediction: ObservedPrediction


class PredictionLogger:
    """A bounded buffer, and the thread that empties it into the store.

    A store that is locked, full or gone holds up nothing: what does not fit into the buffer meanwhile is
    lost and counted, in the figures at once and in the store as soon as it is back.
    """

    def __init__(self, settings: LogSettings, metrics: Metrics) -> None:
        self.settings = settings
        self._metrics = metrics
        self._waiting: deque[_Waiting] = deque()
        self._lost: Counter[str] = Counter()
        self._lock, self._wake = threading.Lock(), threading.Event()
        self._closing = False
        self._store: Store | None = None
        self._references: WeakKeyDictionary[Predictor, Reference | None] = WeakKeyDictionary()
        self._next_language = self._next_deletion = 0.0
        self._thread = threading.Thread(target=self._run, name="prediction-log", daemon=True)

    def start(self) -> None:
        """Begin to write; whatever the store does, this does not fail."""
        self._thread.start()

    @property
    def classify(self) -> Callable[[Predictor, list[Text]], list[Prediction]]:
        """How a deployment classifies whose predictions are logged."""
        return partial(classify_observed, most=_LONGEST_TEXT) if self.settings.texts else classify_observed

    def offer(
        self,
        texts: Sequence[Text],
        predictions: Sequence[Prediction],
        predictor: Predictor,
        role: str,
        seconds: float,
    ) -> None:
        """Take the predictions of a request to be logged; it returns at once, whatever the store does."""
        at = datetime.now(UTC)
        rows = [
            _Waiting(at, seconds, predictor, role, _unread(text), text.id != str(position), prediction)
            for position, (text, prediction) in enumerate(zip(texts, predictions, strict=True))
            if isinstance(prediction, ObservedPrediction)
        ]
        room = self.settings.most - len(self._waiting)
        self._waiting.extend(rows[: max(room, 0)])
        self._metrics.log_waiting.set(len(self._waiting))
        self._lose("buffer", max(len(rows) - max(room, 0), 0))
        if len(self._waiting) >= _BATCH:
            self._wake.set()

    def close(self) -> None:
        """Write what waits, for at most a few seconds; what is left then is lost, and said to be."""
        self._closing = True
        self._wake.set()
        self._thread.join(_CLOSING_SECONDS + _BUSY_SECONDS)
        left = len(self._waiting)
        if left:
            self._lose("shutdown", left)
            _LOG.warning("%d predictions could not be logged in %s before the end", left, self._shown)
        if self._store is not None:
            self._store.close()

    @property
    def _shown(self) -> str:
        return Path(self.settings.place).name if "://" not in self.settings.place else self.settings.place

    def _lose(self, reason: str, count: int) -> None:
        if count:
            with self._lock:
                self._lost[reason] += count
            self._metrics.log_lost.labels(reason).inc(count)

    def _run(self) -> None:
        pause, failures, deadline = _PAUSE, 0, float("inf")
        while True:
            self._wake.wait(pause)
            self._wake.clear()
            if self._closing:
                deadline = min(deadline, time.monotonic() + _CLOSING_SECONDS)
            # They leave the buffer once they are written: what waits never exceeds it.
            batch = [self._waiting[place] for place in range(min(_BATCH, len(self._waiting)))]
            try:
                self._write(batch)
            except StoreError as error:
                failures += 1
                pause = min(_PAUSE * 2**failures, _LONGEST_PAUSE)
                _LOG.warning("Predictions cannot be logged: %s", error.problem)
            except Exception:  # noqa: BLE001 - one row must not end the thread: the next may be logged
                _LOG.exception("%d predictions cannot be logged", len(batch))
                self._leave(batch)
                self._lose("fault", len(batch))
            else:
                failures = 0
                self._leave(batch)
                pause = 0.0 if len(self._waiting) >= _BATCH or self._closing else _PAUSE
            if self._closing and (not self._waiting or time.monotonic() > deadline):
                return

    def _leave(self, batch: Sequence[_Waiting]) -> None:
        for _ in batch:
            self._waiting.popleft()
        self._metrics.log_waiting.set(len(self._waiting))

    def _write(self, batch: list[_Waiting]) -> None:
        with self._lock:
            lost = dict(self._lost)
        if batch or lost or self._store is None:
            if self._store is None:
                self._store = Store.open(self.settings.place, busy_seconds=_BUSY_SECONDS)
            now = datetime.now(UTC)
            losses = [Loss(now, reason, count) for reason, count in lost.items()]
            PredictionLog(self._store).append([self._logged(one) for one in batch], losses)
            with self._lock:
                self._lost.subtract(lost)
                self._lost = +self._lost
            self._metrics.logged.inc(len(batch))
        self._forget_old()

    def _forget_old(self) -> None:
        if self.settings.keep_days is None or time.monotonic() < self._next_deletion or self._store is None:
            return
        self._next_deletion = time.monotonic() + _RETENTION_SECONDS
        PredictionLog(self._store).forget(datetime.now(UTC) - timedelta(days=self.settings.keep_days))

    def _logged(self, one: _Waiting) -> LoggedPrediction:
        prediction, reference = one.prediction, self._reference(one.predictor)
        salt = self.settings.salt or one.predictor.manifest.data_fingerprint
        return LoggedPrediction(
            at=one.at,
            text_id=one.text.id[:_LONGEST_NAME] if one.named else anonymous_id(prediction.content, salt),
            model=prediction.model,
            taxonomy_version=prediction.taxonomy_version,
            role=one.role,
            categories=prediction.categories,
            probabilities={key: round(value, 6) for key, value in prediction.probabilities.items()},
            seconds=round(one.seconds, 6),
            characters=prediction.characters,
            language=self._language(prediction.content),
            unknown=None if reference is None else unknown_share(prediction.content, reference.vocabulary),
            source=one.text.source[:_LONGEST_NAME],
            features=_kept(one.text.features, one.predictor.features),
            vector=prediction.vector,
            text=prediction.content if self.settings.texts else None,
        )

    def _language(self, content: str) -> str:
        now = time.monotonic()
        if now < self._next_language:
            return ""
        self._next_language = now + 1 / _LANGUAGES
        from rubricator.encode.languages import language_of  # its tables take a second to read

        try:
            return language_of(content)
        except MissingExtraError:
            self._next_language = float("inf")
            return ""

    def _reference(self, predictor: Predictor) -> Reference | None:
        if predictor not in self._references:
            self._references[predictor] = _parsed(predictor)
        return self._references[predictor]


def _unread(text: Text) -> Text:
    """Without the text itself: ten thousand of them might wait."""
    return replace(text, title="", body="", content="")


def _parsed(predictor: Predictor) -> Reference | None:
    if predictor.reference is None:
        return None
    try:
        return parse_reference(predictor.reference, model=predictor.manifest.identifier)
    except DataError as error:
        _LOG.warning("%s Words that it does not know are not counted.", error.problem)
        return None


def _kept(features: Mapping[str, Feature], names: Sequence[str]) -> dict[str, Feature]:
    """The columns that the model looks at, long strings cut off."""
    values = {name: features.get(name) for name in names}
    return {name: value[:200] if isinstance(value, str) else value for name, value in values.items()}
