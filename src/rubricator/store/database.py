"""The store: answers saved as they come, found by key."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Self

import sqlalchemy as sa
from filelock import FileLock, Timeout
from sqlalchemy.dialects import postgresql as postgresql_dialect
from sqlalchemy.dialects import sqlite as sqlite_dialect
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from rubricator.errors import DataError, LockedStoreError, StoreError
from rubricator.records import Answer, Status
from rubricator.store.faults import OWN, explained
from rubricator.store.migrate import ADVISORY_LOCK, migrate
from rubricator.store.sqlite import prepare
from rubricator.store.tables import ANSWERS

_FIELDS = tuple(field.name for field in dataclasses.fields(Answer))
_BUSY_SECONDS = 30.0
_PAGE = 500  # SQLite before 3.32 takes at most 999 parameters in one statement


class Store:
    """A database of answers. Open with `Store.open`; use as a context manager or close it."""

    def __init__(self, engine: sa.Engine, *, named: str = OWN) -> None:
        self._engine = engine
        self._named = named
        self._writing = engine.execution_options(writing=True)

    @classmethod
    def open(cls, place: str | Path, *, busy_seconds: float = _BUSY_SECONDS, named: str = OWN) -> Self:
        """Open a database, making it (and its folder) or bringing it to the newest version.

        It is named by the path of a SQLite file, or a URL (`postgresql://user@host/name`, `sqlite:///path`).
        `busy_seconds` is how long each statement waits for another process that writes to a SQLite file, and
        about how long for a server to answer; where it is long, the log tells of waiting. `named` is the
        option or the setting that names the place, for errors.

        Raises:
            LockedStoreError: Another process writes to it.
            StoreError: The place cannot be written, is no database, is damaged, or is from a newer version.
        """
        url = _url(place)
        store = cls(_engine(url, busy_seconds, named), named=named)
        try:
            with store.writing() as connection:
                migrate(connection, named=named)
        except BaseException:
            store.close()
            raise
        return store

    @classmethod
    def open_existing(cls, place: str | Path, *, named: str, fix: str) -> Self:
        """Open a database that something else made; `fix` says what does, where it is not there.

        Raises:
            DataError: There is none.
            StoreError: As `open`.
        """
        url = _url(place)
        if url.get_backend_name() == "sqlite" and not _file(url).exists():
            raise DataError(f"There is no database {place}.", fix=fix)
        return cls.open(place, named=named)

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """A connection for statements that read.

        Raises:
            StoreError: The database refused.
        """
        with explained(self._engine.url, self._named), self._engine.connect() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        """A connection in a transaction: what the block writes is kept if it ends without an exception.

        Raises:
            StoreError: The database refused; nothing is kept then.
        """
        with explained(self._engine.url, self._named), self._writing.begin() as connection:
            yield connection

    @contextmanager
    def alone(self, work: str) -> Iterator[None]:
        """Keep others from the same work on this database; a process that is killed lets go.

        Raises:
            LockedStoreError: Another process is at it.
            StoreError: The database refused.
        """
        with self._claim(work) as is_free:
            if not is_free:
                raise LockedStoreError(
                    f"Another {work} is at work on the database {self._engine.url.database}.",
                    fix="Wait until it is done.",
                )
            yield

    @contextmanager
    def _claim(self, work: str) -> Iterator[bool]:
        url = self._engine.url
        if url.get_backend_name() == "postgresql":
            own = self._engine.execution_options(isolation_level="AUTOCOMMIT")
            with explained(url, self._named), own.connect() as connection:
                is_free = sa.select(sa.func.pg_try_advisory_lock(ADVISORY_LOCK, sa.func.hashtext(work)))
                try:
                    yield bool(connection.scalar(is_free))
                finally:
                    connection.invalidate()  # closes the session, which holds the lock
        elif not self._is_file:
            yield True
        else:
            file = _file(url)
            lock = FileLock(file.with_name(f"{file.name}.{work.replace(' ', '-')}.lock"), blocking=False)
            try:
                lock.acquire()
            except Timeout:
                yield False
                return
            try:
                yield True
            finally:
                lock.release()

    @property
    def gone(self) -> bool:
        """Whether the file was taken away: what is written to an open SQLite file then is lost in silence."""
        return self._is_file and not _file(self._engine.url).exists()

    @property
    def _is_file(self) -> bool:
        url = self._engine.url
        return url.get_backend_name() == "sqlite" and url.database not in (None, "", ":memory:")

    def insert(self, table: sa.Table) -> Any:
        """An `INSERT` that may say what becomes of rows that are there already (`on_conflict_do_update`)."""
        postgresql = self._engine.dialect.name == "postgresql"
        return postgresql_dialect.insert(table) if postgresql else sqlite_dialect.insert(table)

    def save(self, answers: Iterable[Answer]) -> None:
        """Save answers in one transaction. An `ok` answer is never overwritten by a failure.

        Raises:
            StoreError: The database refused; none of these answers is saved then.
        """
        now = datetime.now(UTC)
        # One statement may not meet the same key twice, so the last word on each key goes in.
        rows: dict[str, dict[str, Any]] = {}
        for answer in answers:
            earlier = rows.get(answer.key)
            if earlier is None or answer.status is Status.OK or earlier["status"] != Status.OK:
                rows[answer.key] = _row(answer, now)
        if not rows:
            return
        with self.writing() as connection:
            connection.execute(_upsert(self.insert(ANSWERS)), list(rows.values()))

    def find(self, keys: Collection[str]) -> dict[str, Answer]:
        """The stored answers among `keys`, whatever their status, by key.

        Raises:
            StoreError: The database refused.
        """
        answers: dict[str, Answer] = {}
        with self.reading() as connection:
            for some in _pages(keys):
                rows = connection.execute(sa.select(ANSWERS).where(ANSWERS.c.key.in_(some)))
                answers.update((row.key, _answer(row)) for row in rows)
        return answers

    def answers(self, teacher: str | None = None) -> Iterator[Answer]:
        """All answers, or those of one teacher, in the order of their keys.

        Read page by page, so that no transaction stays open while the caller works.

        Raises:
            StoreError: The database refused.
        """
        query = sa.select(ANSWERS).order_by(ANSWERS.c.key).limit(_PAGE)
        if teacher is not None:
            query = query.where(ANSWERS.c.teacher == teacher)
        last = ""
        while True:
            with self.reading() as connection:
                page = [_answer(row) for row in connection.execute(query.where(ANSWERS.c.key > last))]
            yield from page
            if len(page) < _PAGE:
                return
            last = page[-1].key

    def teachers(self) -> list[str]:
        """Names of all who answered.

        Raises:
            StoreError: The database refused.
        """
        with self.reading() as connection:
            return list(
                connection.scalars(sa.select(ANSWERS.c.teacher).distinct().order_by(ANSWERS.c.teacher))
            )

    def remove(self, keys: Collection[str]) -> None:
        """Forget the answers with these keys, in one transaction; keys that are not there are no fault.

        Raises:
            StoreError: The database refused; nothing is forgotten then.
        """
        with self.writing() as connection:
            for some in _pages(keys):
                connection.execute(sa.delete(ANSWERS).where(ANSWERS.c.key.in_(some)))

    def close(self) -> None:
        """Let go of the database."""
        self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _url(place: str | Path) -> sa.URL:
    if isinstance(place, Path) or "://" not in place:
        return sa.URL.create("sqlite", database=str(place))
    try:
        return sa.make_url(place)
    except (ArgumentError, ValueError) as error:  # ValueError: of the port
        raise StoreError(
            f"'{place}' is not a database URL.", fix="Write for example postgresql://user@host/name."
        ) from error


def _engine(url: sa.URL, busy_seconds: float = _BUSY_SECONDS, named: str = OWN) -> sa.Engine:
    kind = url.get_backend_name()
    if kind not in ("sqlite", "postgresql"):
        raise StoreError(
            f"Databases of the kind '{kind}' are not supported.", fix="Use SQLite or PostgreSQL."
        )
    if kind == "sqlite" and url.database:
        try:
            _file(url).parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(
                f"The folder of the database {url.database} cannot be made: {error.strerror}.",
                fix=f"Name a file in a folder that you may write ({named}).",
            ) from error
    waits = (
        {"timeout": busy_seconds} if kind == "sqlite" else {"connect_timeout": max(2, round(busy_seconds))}
    )
    try:
        engine = sa.create_engine(
            url, json_serializer=partial(json.dumps, ensure_ascii=False), connect_args=waits
        )
    except (ModuleNotFoundError, NoSuchModuleError) as error:
        raise StoreError(
            f"The driver of {url.drivername} is not installed: {error}.", fix="pip install 'psycopg[binary]'"
        ) from error
    if kind == "sqlite":
        prepare(engine, busy_seconds)
    return engine


def _file(url: sa.URL) -> Path:
    # SQLite has a form of a path with options of its own: `file:/folder/a.db?mode=ro`.
    return Path((url.database or "").removeprefix("file:").partition("?")[0])


def _upsert(insert: Any) -> Any:
    new = insert.excluded
    return insert.on_conflict_do_update(
        index_elements=[ANSWERS.c.key],
        set_={column.name: new[column.name] for column in ANSWERS.c if not column.primary_key},
        where=sa.or_(ANSWERS.c.status != Status.OK.value, new.status == Status.OK.value),
    )


def _row(answer: Answer, created: datetime) -> dict[str, Any]:
    return {name: getattr(answer, name) for name in _FIELDS} | {
        "text_id": storable(answer.text_id),
        "status": answer.status.value,
        "scores": dict(answer.scores),
        "raw": storable(answer.raw),
        "created": created,
    }


def _answer(row: Any) -> Answer:
    values = {name: getattr(row, name) for name in _FIELDS}
    return Answer(**values | {"status": Status(row.status)})


def storable(written: str) -> str:
    """Without what no database column takes: lone surrogates (not UTF-8) and, in PostgreSQL, NUL."""
    return written.encode("utf-8", "replace").decode().replace("\0", "\ufffd")


def _pages(keys: Iterable[str]) -> Iterator[list[str]]:
    distinct = list(dict.fromkeys(keys))
    for start in range(0, len(distinct), _PAGE):
        yield distinct[start : start + _PAGE]
