"""A database that requests write to, by a thread of its own: a locked one holds up nobody who classifies."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from fastapi import HTTPException

from rubricator.errors import StoreError
from rubricator.serve.held_store import HeldStore
from rubricator.serve.problems import retry_after
from rubricator.store import Store

_WAITING = 64  # pieces of work that may wait for the database
Result = TypeVar("Result")


class StoreThread:
    """The database is opened when the first work comes, and anew after its file was taken away."""

    def __init__(self, place: str | Path, *, name: str) -> None:
        self._name, self._held = name, HeldStore(place)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=name)
        self._waiting = 0

    async def run(self, work: Callable[[Store], Result]) -> Result:
        """Do something with the database.

        Raises:
            HTTPException: 503 where the database refuses, or too much waits for it.
            Exception: Whatever else `work` raises.
        """
        if self._waiting >= _WAITING:
            raise HTTPException(503, f"Too much {self._name} waits for the database.", retry_after(5))
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(
                self._thread, lambda: work(self._held.opened())
            )
        except StoreError as error:
            raise HTTPException(503, f"{error.problem} Send it again later.", retry_after(5)) from error
        finally:
            self._waiting -= 1

    def close(self) -> None:
        """Wait for what is being written, and let go of the database."""
        self._thread.shutdown()
        self._held.close()
