"""The log of served predictions: appended to while serving, read window by window."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from rubricator.records import Feature
from rubricator.store.database import Store, storable
from rubricator.store.tables import PREDICTION_LOSSES, PREDICTIONS

_PAGE = 5000
_DELETED = 5000  # rows in one transaction: a server that logs waits for no longer


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedPrediction:
    """One served prediction.

    Attributes:
        at: When it was answered, in UTC.
        text_id: As the client named the text; `#` and a salted hash of it where it did not.
        role: `champion` or `challenger`.
        categories: Keys that the model decided on.
        seconds: From the request to its answer.
        characters: Length of the cleaned text.
        language: ISO 639-1, empty where it cannot be told or was not asked.
        unknown: Share of its words that the reference does not know; None without one.
        features: Columns beside the text that the model looks at.
        vector: Projection of the text's vector, 16-bit floats; None where the model has none.
        text: The cleaned text, where it may be kept.
    """

    at: datetime
    text_id: str
    model: str
    taxonomy_version: str
    role: str
    categories: tuple[str, ...]
    probabilities: Mapping[str, float]
    seconds: float
    characters: int
    language: str = ""
    unknown: float | None = None
    source: str = ""
    features: Mapping[str, Feature] = field(default_factory=dict)
    vector: bytes | None = None
    text: str | None = None


_FIELDS = tuple(one.name for one in fields(LoggedPrediction))


@dataclass(frozen=True, slots=True)
class Loss:
    """Predictions that were served and could not be logged."""

    at: datetime
    reason: str
    count: int


class PredictionLog:
    """The predictions in a store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def append(self, predictions: Sequence[LoggedPrediction], losses: Sequence[Loss] = ()) -> None:
        """Append predictions, and losses that were counted since, in one transaction.

        Raises:
            StoreError: The database refused; nothing is appended then.
        """
        with self._store.writing() as connection:
            if predictions:
                connection.execute(sa.insert(PREDICTIONS), [_row(one) for one in predictions])
            if losses:
                connection.execute(sa.insert(PREDICTION_LOSSES), [asdict(one) for one in losses])

    def read(
        self,
        since: datetime | None = None,
        until: datetime | None = None,
        *,
        after: int = 0,
        texts: bool = False,
    ) -> Iterator[tuple[int, LoggedPrediction]]:
        """Predictions answered from `since` on and before `until`, with their numbers, in the order of these.

        Read page by page, so that no transaction stays open while the caller works; texts only if asked for.

        Raises:
            StoreError: The database refused.
        """
        wanted = [column for column in PREDICTIONS.c if texts or column.name != "text"]
        query = sa.select(*wanted).order_by(PREDICTIONS.c.id).limit(_PAGE)
        if since is not None:
            query = query.where(PREDICTIONS.c.at >= since)
        if until is not None:
            query = query.where(PREDICTIONS.c.at < until)
        while True:
            with self._store.reading() as connection:
                page = connection.execute(query.where(PREDICTIONS.c.id > after)).mappings().all()
            for row in page:
                yield row["id"], _prediction(row)
            if len(page) < _PAGE:
                return
            after = page[-1]["id"]

    def moments(self) -> Iterator[datetime]:
        """When each prediction was answered, in the order in which they were logged.

        Raises:
            StoreError: The database refused.
        """
        query = sa.select(PREDICTIONS.c.id, PREDICTIONS.c.at).order_by(PREDICTIONS.c.id).limit(_PAGE)
        last = 0
        while True:
            with self._store.reading() as connection:
                page = connection.execute(query.where(PREDICTIONS.c.id > last)).all()
            yield from (in_utc(row.at) for row in page)
            if len(page) < _PAGE:
                return
            last = page[-1].id

    def span(
        self, since: datetime | None = None, until: datetime | None = None
    ) -> tuple[datetime, datetime] | None:
        """When the first and the last prediction of a stretch were answered; None where there is none.

        Raises:
            StoreError: The database refused.
        """
        at = PREDICTIONS.c.at
        query = sa.select(sa.func.min(at), sa.func.max(at))
        if since is not None:
            query = query.where(at >= since)
        if until is not None:
            query = query.where(at < until)
        with self._store.reading() as connection:
            first, last = connection.execute(query).one()
        return None if first is None else (in_utc(first), in_utc(last))

    def losses(self, since: datetime | None = None, until: datetime | None = None) -> dict[str, int]:
        """How many predictions were served and not logged, by reason.

        Raises:
            StoreError: The database refused.
        """
        table = PREDICTION_LOSSES.c
        query = sa.select(table.reason, sa.func.sum(table["count"])).group_by(table.reason)
        if since is not None:
            query = query.where(table.at >= since)
        if until is not None:
            query = query.where(table.at < until)
        with self._store.reading() as connection:
            return {reason: int(count) for reason, count in connection.execute(query)}

    def forget(self, before: datetime) -> int:
        """Delete what was answered before a moment, a few thousand rows at a time; how many they were.

        Raises:
            StoreError: The database refused; what was deleted till then is gone.
        """
        some = sa.select(PREDICTIONS.c.id).where(PREDICTIONS.c.at < before).limit(_DELETED)
        deleted = 0
        while True:
            with self._store.writing() as connection:
                count = connection.execute(sa.delete(PREDICTIONS).where(PREDICTIONS.c.id.in_(some))).rowcount
            deleted += count
            if count < _DELETED:
                return deleted


def _row(one: LoggedPrediction) -> dict[str, Any]:
    return {name: getattr(one, name) for name in _FIELDS} | {
        "text_id": storable(one.text_id),
        "source": storable(one.source),
        "text": None if one.text is None else storable(one.text),
        "categories": list(one.categories),
        "probabilities": dict(one.probabilities),
        "features": {
            name: storable(value) if isinstance(value, str) else value for name, value in one.features.items()
        },
    }


def _prediction(row: Any) -> LoggedPrediction:
    values = {name: row[name] for name in _FIELDS if name in row}
    return LoggedPrediction(**values | {"at": in_utc(row["at"]), "categories": tuple(row["categories"])})


def in_utc(moment: datetime) -> datetime:
    """A moment as a database gave it back, with its zone."""
    # SQLite keeps no zone; all that is written is in UTC.
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
