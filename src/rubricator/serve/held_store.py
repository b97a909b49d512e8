"""A database that a thread of the service holds open: made or found again after its file was taken away."""

from __future__ import annotations

import logging
from pathlib import Path

from rubricator.errors import StoreError
from rubricator.store import Store
from rubricator.store.faults import OWN

_LOG = logging.getLogger(__name__)
BUSY_SECONDS = 2.0
"""How long a statement waits for another process."""


class HeldStore:
    """Opens the database when it is first wanted. It serves one thread at a time."""

    def __init__(self, place: str | Path, *, named: str = OWN, wait_for_file: bool = False) -> None:
        """Open nothing yet.

        Args:
            place: The database, a file or a URL.
            named: The option that names it, for errors.
            wait_for_file: Whether something else makes a file; one that is missing is an error then.
        """
        self._place, self._named, self._wait_for_file = place, named, wait_for_file
        self._store: Store | None = None

    def opened(self) -> Store:
        """The open database.

        Raises:
            StoreError: It cannot be opened, or its file is waited for.
        """
        if self._store is not None and self._store.gone:
            self.close()
            _LOG.warning("The database %s was taken away.", self._place)
        if self._store is None:
            if self._wait_for_file and "://" not in str(self._place) and not Path(self._place).exists():
                raise StoreError(f"The database {self._place} is gone.", fix="Put it back.")
            self._store = Store.open(self._place, busy_seconds=BUSY_SECONDS, named=self._named)
        return self._store

    def close(self) -> None:
        """Let go of the database."""
        if self._store is not None:
            self._store.close()
            self._store = None
