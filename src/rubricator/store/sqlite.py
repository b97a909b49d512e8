"""What SQLite needs to be shared by several processes: a journal that readers do not block, and patience."""

from __future__ import annotations

import logging
import sqlite3
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import sqlalchemy as sa

_LOG = logging.getLogger(__name__)
_SILENT_SECONDS = 1.5  # of waiting for another process, before it is said


def prepare(engine: sa.Engine, busy_seconds: float) -> None:
    """Have connections wait so long for a process that writes; the log tells of a long wait."""
    database = str(engine.url.database)
    sa.event.listen(engine, "connect", partial(_prepare, database, busy_seconds))
    sa.event.listen(engine, "begin", partial(_begin, database, busy_seconds))


def _prepare(database: str, busy_seconds: float, connection: sqlite3.Connection, _record: Any) -> None:
    # The driver's own transactions start too late for table changes; `_begin` starts them.
    connection.isolation_level = None
    _patiently(partial(_use_write_ahead_log, connection), database, busy_seconds)
    connection.execute("PRAGMA synchronous=NORMAL")


def _use_write_ahead_log(connection: sqlite3.Connection, seconds: float) -> None:
    # SQLite's own waiting for locks leaves out the change of journal, which happens once per file.
    deadline = time.monotonic() + seconds
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if not _is_busy(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        else:
            return


def _begin(database: str, busy_seconds: float, connection: sa.Connection) -> None:
    if connection.get_execution_options().get("writing"):
        # A transaction that starts by reading and then writes fails at once where another process
        # writes; taking the write lock first waits for it instead.
        _patiently(partial(_take_write_lock, connection), database, busy_seconds)
    else:
        connection.exec_driver_sql("BEGIN")


def _take_write_lock(connection: sa.Connection, seconds: float) -> None:
    connection.exec_driver_sql(f"PRAGMA busy_timeout={round(1000 * seconds)}")
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _patiently(attempt: Callable[[float], None], database: str, seconds: float) -> None:
    """Do what waits for another process so many seconds; the log tells where that takes long."""
    silent = min(_SILENT_SECONDS, seconds)
    try:
        attempt(silent)
    except (sqlite3.OperationalError, sa.exc.OperationalError) as error:
        cause = error.orig if isinstance(error, sa.exc.OperationalError) else error
        if seconds <= silent or not _is_busy(cause):
            raise
        _LOG.warning(
            "The database %s is locked by another process; waiting for it, at most %.0f seconds more.",
            database,
            seconds - silent,
        )
        attempt(seconds - silent)


def _is_busy(error: BaseException | None) -> bool:
    return getattr(error, "sqlite_errorname", "") == "SQLITE_BUSY"
