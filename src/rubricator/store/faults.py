"""Database errors as messages that say what to do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import URL
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from rubricator.errors import StoreError

# Names of SQLite result codes (https://www.sqlite.org/rescode.html); extended ones begin like these.
_SQLITE = {
    "SQLITE_CANTOPEN": (
        "cannot be opened: it is a folder, or the folder may not be written",
        "Name a file in a folder that you may write (a run's is `label.store`).",
    ),
    "SQLITE_READONLY": (
        "may not be written",
        "Give yourself the right to write it and its folder, or name another (a run's is `label.store`).",
    ),
    "SQLITE_NOTADB": (
        "is not a SQLite database",
        "Name another file (a run's is `label.store`), or move this one away.",
    ),
    "SQLITE_CORRUPT": (
        "is damaged",
        "Restore it from a backup, or move it away: the teachers will then be asked again.",
    ),
    "SQLITE_BUSY": (
        "is locked by another process",
        "Wait until the other run ends, or stop it; nothing already saved is lost.",
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
def explained(url: URL) -> Iterator[None]:
    """Turn what SQLAlchemy raises inside the block into `StoreError`.

    Raises:
        StoreError: The database failed; the message hides the password of the URL.
    """
    try:
        yield
    except SQLAlchemyError as error:
        cause = error.orig if isinstance(error, DBAPIError) else None
        code = getattr(cause, "sqlite_errorname", "")
        for beginning, (problem, fix) in _SQLITE.items():
            if code.startswith(beginning):
                raise StoreError(f"The database {url.database} {problem}.", fix=fix) from error
        shown = url.render_as_string(hide_password=True)
        raise StoreError(
            f"The database {shown} refused: {cause or error}",
            fix="Check that it runs and that the URL is right.",
        ) from error
