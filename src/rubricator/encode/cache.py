"""Vectors remembered between runs: only texts not seen before are encoded."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rubricator.encode.encoder import Encoder
from rubricator.encode.folders import unwritable
from rubricator.errors import EncoderError
from rubricator.progress import Advance, Progress, silent
from rubricator.records import content_hash

_CHUNK = 512
_TABLE = """
CREATE TABLE IF NOT EXISTS vectors (
    encoder TEXT NOT NULL, content TEXT NOT NULL, vector BLOB NOT NULL, PRIMARY KEY (encoder, content)
) WITHOUT ROWID
"""
_QUERY = """
SELECT content, vector FROM vectors WHERE encoder = ? AND content IN (SELECT value FROM json_each(?))
"""


class VectorCache:
    """An encoder with a memory: an SQLite file of vectors by content and encoder fingerprint.

    The file is made if absent; several encoders and processes may share one.

    Raises:
        EncoderError: The file cannot be made or is no such database.
    """

    def __init__(self, path: Path, encoder: Encoder) -> None:
        self._path = path
        self.encoder = encoder
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise unwritable(path.parent, error) from error
        with self._database() as database:
            database.execute("PRAGMA journal_mode=WAL")
            database.execute(_TABLE)

    @property
    def fingerprint(self) -> str:
        """The encoder's: names everything that could change a vector."""
        return self.encoder.fingerprint

    def encode(self, contents: Sequence[str], *, progress: Progress = silent) -> NDArray[np.float32]:
        """Vectors of texts, as `Encoder.encode` gives them; those in the file count as done at once.

        What is encoded is committed chunk by chunk: a killed run goes on where it was.

        Raises:
            EncoderError: The file cannot be read or written.
        """
        keys = [content_hash("content:1", content) for content in contents]
        by_key = dict(zip(keys, contents, strict=True))
        with self._database() as database, progress("Encoding texts", total=len(by_key)) as step:
            vectors_by_key = self._find(database, list(by_key))
            step(len(vectors_by_key))
            # Like lengths together: less padding.
            missing = sorted(by_key.keys() - vectors_by_key.keys(), key=lambda key: (-len(by_key[key]), key))
            for at in range(0, len(missing), _CHUNK):
                chunk = missing[at : at + _CHUNK]
                vectors = self.encoder.encode([by_key[key] for key in chunk], progress=_part_of(step))
                self._save(database, chunk, vectors)
                vectors_by_key.update(zip(chunk, vectors, strict=True))
        if not keys:
            return np.zeros((0, self.encoder.width), dtype=np.float32)
        return np.stack([vectors_by_key[key] for key in keys])

    def _find(self, database: sqlite3.Connection, keys: list[str]) -> dict[str, NDArray[np.float32]]:
        size = 4 * self.encoder.width
        rows = database.execute(_QUERY, [self.encoder.fingerprint, json.dumps(keys)])
        return {key: np.frombuffer(blob, dtype="<f4") for key, blob in rows if len(blob) == size}

    def _save(self, database: sqlite3.Connection, keys: list[str], vectors: NDArray[np.float32]) -> None:
        name = self.encoder.fingerprint
        rows = [(name, key, row.astype("<f4").tobytes()) for key, row in zip(keys, vectors, strict=True)]
        with database:
            database.executemany("INSERT OR REPLACE INTO vectors VALUES (?, ?, ?)", rows)

    @contextmanager
    def _database(self) -> Iterator[sqlite3.Connection]:
        try:
            with closing(sqlite3.connect(self._path, timeout=60)) as database:
                yield database
        except sqlite3.Error as error:
            raise EncoderError(
                f"The vector cache {self._path} cannot be used: {error}.",
                fix="Delete the file if it is damaged (its vectors are computed again), make room or rights "
                "there, or name another folder: `encode.cache` in rubricator.yaml or the environment "
                "variable RUBRICATOR_CACHE.",
            ) from error


def _part_of(step: Advance) -> Progress:
    @contextmanager
    def progress(description: str, *, total: int | None) -> Iterator[Advance]:  # noqa: ARG001
        yield step

    return progress
