"""Alerts and what monitoring remembers between its runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from rubricator.store.database import Store
from rubricator.store.predictions import in_utc
from rubricator.store.tables import ALERTS, MONITOR_STATE


@dataclass(slots=True, kw_only=True)
class Alert:
    """Something changed; consecutive windows and checks that move together are one.

    Attributes:
        id: Its number; 0 until it is stored.
        model: Of which model the predictions are.
        since: Start of the first window that showed it.
        until: End of the last one.
        over: End of the window that no longer showed it; None while it lasts.
        sent: Channels that have it.
        about: What changed, as JSON values.
    """

    model: str
    since: datetime
    until: datetime
    over: datetime | None = None
    sent: list[str] = field(default_factory=list)
    about: dict[str, Any] = field(default_factory=dict)
    id: int = 0


class MonitorMemory:
    """Alerts, and JSON values by key, in a store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def alerts(self) -> list[Alert]:
        """All alerts, the oldest first.

        Raises:
            StoreError: The database refused.
        """
        with self._store.reading() as connection:
            rows = connection.execute(sa.select(ALERTS).order_by(ALERTS.c.id)).mappings().all()
        moments = ("since", "until", "over")
        return [
            Alert(**row | {name: None if row[name] is None else in_utc(row[name]) for name in moments})
            for row in map(dict, rows)
        ]

    def values(self, prefix: str) -> dict[str, Any]:
        """What is kept under keys that begin so.

        Raises:
            StoreError: The database refused.
        """
        state = MONITOR_STATE.c
        query = sa.select(state.key, state.value).where(state.key.startswith(prefix, autoescape=True))
        with self._store.reading() as connection:
            return {row.key: row.value for row in connection.execute(query.order_by(state.key))}

    def keep(self, alerts: list[Alert], values: Mapping[str, Any]) -> None:
        """Store alerts and values in one transaction; new alerts get their numbers.

        Raises:
            StoreError: The database refused; nothing is stored then.
        """
        with self._store.writing() as connection:
            for alert in alerts:
                row = {name: getattr(alert, name) for name in ("model", "since", "until", "over")}
                row |= {"sent": list(alert.sent), "about": dict(alert.about)}
                if alert.id:
                    connection.execute(sa.update(ALERTS).where(ALERTS.c.id == alert.id).values(row))
                else:
                    inserted = connection.execute(sa.insert(ALERTS).values(row)).inserted_primary_key
                    assert inserted is not None
                    alert.id = int(inserted[0])
            keys = list(values)
            connection.execute(sa.delete(MONITOR_STATE).where(MONITOR_STATE.c.key.in_(keys)))
            if values:
                rows = [{"key": key, "value": value} for key, value in values.items()]
                connection.execute(sa.insert(MONITOR_STATE), rows)
