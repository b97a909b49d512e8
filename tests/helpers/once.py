"""What is made once and read by the tests of every process."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest


def made_once(name: str, make: Callable[[Path], str], factory: pytest.TempPathFactory) -> Path:
    """A folder that one test process fills while the others wait; what `make` says lies in `done`."""
    shared = factory.getbasetemp()
    if os.environ.get("PYTEST_XDIST_WORKER"):
        shared = shared.parent
    folder = shared / name
    with (shared / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "done").exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            said = make(folder)
            (folder / "done").write_text(said, encoding="utf-8")
    return folder
