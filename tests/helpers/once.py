"""What is made once and read by the tests of every process."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from filelock import FileLock

_at_work: list[threading.Thread] = []


def made_once(name: str, make: Callable[[Path], str], factory: pytest.TempPathFactory) -> Path:
    """A folder that one test process fills while the others wait; what `make` says lies in `done`."""
    shared = factory.getbasetemp()
    if os.environ.get("PYTEST_XDIST_WORKER"):
        shared = shared.parent
    folder = shared / name
    with FileLock(shared / f"{name}.lock"):
        if not (folder / "done").exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            output = make(folder)
            (folder / "done").write_text(output, encoding="utf-8")
    return folder


def make_ahead(name: str, make: Callable[[Path], str], factory: pytest.TempPathFactory) -> None:
    """Begin to make it while other tests run.

    If that fails, whoever needs it makes it again and shows why.
    """

    def work() -> None:
        with suppress(Exception, pytest.skip.Exception):
            made_once(name, make, factory)

    _at_work.append(threading.Thread(target=work, daemon=True))
    _at_work[-1].start()


def wait_for_all() -> None:
    """Let what was begun come to its end: other processes may need it."""
    for thread in _at_work:
        thread.join()
