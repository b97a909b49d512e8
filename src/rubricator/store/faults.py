"""Database errors as messages that say what to do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import URL
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from rubricator.errors import LockedStoreError, StoreError

# Names of SQLite result codes (https://www.sqlite.org/rescode.html); extended ones begin like these.
# `{named}` is the option or the setting that names the database.
OWN = "`label.store` of a run"
_LOCKED = "SQLITE_BUSY"
_SQLITE = {
    "SQLITE_CANTOPEN": (
        "cannot be opened: it is a folder, or the folder may not be written",
        "Name a file in a folder that you may write ({named}).",
    ),
    "SQLITE_READONLY": (
        "may not be written",
        "Give yourself the right to write it and its folder, or name another ({named}).",
    ),
    "SQLITE_NOTADB": (
        "is not a SQLite database",
        "Name another file ({named}), or move this one away.",
    ),
    "SQLITE_CORRUPT": (
        "is damaged",
        "Restore it from a backup, or move it away: a new one is then begun.",
    ),
    _LOCKED: (
        "is locked by another process",
        "Wait until that one is done, or stop it; nothing already saved is lost.",
    ),
    "SQLITE_FULL": (
        "cannot grow: the disk is full",
        "Free some disk space and run again; nothing already saved is lost.",
    ),
    "SQLITE_IOERR": (
        "could not be read or written by the system",
        "Check the disk and its free space; a database on a network folder is unsafe: use a local one.",
    ),
}


@contextmanager
def explained(url: URL, named: str) -> Iterator[None]:
    """Turn what SQLAlchemy raises inside the block into `StoreError`.

    Args:
        url: Of the database.
        named: The option or the setting that names it.

    Raises:
        LockedStoreError: Another process writes to the database.
        StoreError: It failed; the message hides the password of the URL.
    """
    try:
        yield
    except SQLAlchemyError as error:
        cause = error.orig if isinstance(error, DBAPIError) else None
        code = getattr(cause, "sqlite_errorname", "")
        for beginning, (problem, fix) in _SQLITE.items():
            if code.startswith(beginning):
                kind = LockedStoreError if beginning == _LOCKED else StoreError
                raise kind(f"The database {url.database} {problem}.", fix=fix.format(named=named)) from error
        shown = url.render_as_string(hide_password=True)
        raise StoreError(
            f"The database {shown} refused: {cause or error}",
            fix=f"Check that it runs and that the URL is right ({named}).",
        ) from error
