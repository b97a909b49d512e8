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
from weakref import WeakKeyDictionary

from rubricator.errors import DataError, MissingExtraError, StoreError
from rubricator.monitor.observe import EXCERPT, anonymous_id, packed, projected, unknown_share
from rubricator.monitor.reference import Reference, parse_reference
from rubricator.predict import Predictor
from rubricator.records import Feature, Prediction, Text
from rubricator.serve.metrics import Metrics
from rubricator.serve.store_writer import StoreWriter
from rubricator.store import Store
from rubricator.store.predictions import LoggedPrediction, Loss, PredictionLog

_LOG = logging.getLogger(__name__)
_BATCH = 500
_PAUSE = 0.25  # seconds between two writes
_LANGUAGES = 20  # a second: telling a language takes a millisecond of a processor that requests need, too
_RETENTION_SECONDS = 3600.0
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
    """A bounded buffer, and what empties it into the store.

    A store that is locked, full or gone holds up nothing: what does not fit into the buffer meanwhile is
    lost and counted, in the figures at once and in the store as soon as it is back.
    """

    def __init__(self, settings: LogSettings, metrics: Metrics) -> None:
        self.settings = settings
        self._metrics = metrics
        self._waiting: deque[_Waiting] = deque()
        self._lost: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._closing = False
        self._references: WeakKeyDictionary[Predictor, Reference | None] = WeakKeyDictionary()
        self._next_language = self._next_deletion = 0.0
        self._writer = StoreWriter(
            settings.place, self._write, about="Predictions", named="--log", pause=_PAUSE
        )

    def start(self) -> None:
        """Begin to write; whatever the store does, this does not fail."""
        self._writer.start()

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
            self._writer.wake()

    def close(self) -> None:
        """Write what waits, for at most a few seconds; what is left then is lost, and said to be."""
        self._closing = True
        self._writer.close()
        left = len(self._waiting)
        if left:
            self._lose("shutdown", left)
            _LOG.warning("%d predictions could not be logged in %s before the end", left, self.settings.place)

    def _lose(self, reason: str, count: int) -> None:
        if count:
            with self._lock:
                self._lost[reason] += count
            self._metrics.log_lost.labels(reason).inc(count)

    def _write(self, store: Store) -> bool:
        # They leave the buffer once they are written: what waits never exceeds it.
        batch = [self._waiting[place] for place in range(min(_BATCH, len(self._waiting)))]
        with self._lock:
            lost = dict(self._lost)
        try:
            if batch or lost:
                now = datetime.now(UTC)
                losses = [Loss(now, reason, count) for reason, count in lost.items()]
                PredictionLog(store).append([self._logged(one) for one in batch], losses)
        except StoreError:
            raise
        except Exception:  # noqa: BLE001 - one row must not hold up those behind it
            _LOG.exception("%d predictions cannot be logged", len(batch))
            self._leave(batch)
            self._lose("fault", len(batch))
        else:
            self._leave(batch)
            with self._lock:
                self._lost.subtract(lost)
                self._lost = +self._lost
            self._metrics.logged.inc(len(batch))
        self._forget_old(store)
        return len(self._waiting) >= _BATCH or (self._closing and bool(self._waiting))

    def _leave(self, batch: Sequence[_Waiting]) -> None:
        for _ in batch:
            self._waiting.popleft()
        self._metrics.log_waiting.set(len(self._waiting))

    def _forget_old(self, store: Store) -> None:
        if self.settings.keep_days is None or time.monotonic() < self._next_deletion:
            return
        self._next_deletion = time.monotonic() + _RETENTION_SECONDS
        PredictionLog(store).forget(datetime.now(UTC) - timedelta(days=self.settings.keep_days))

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
