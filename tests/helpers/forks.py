"""A process that has imported the program and forks for every command it is told to run."""

from __future__ import annotations

import importlib
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

from rubricator.cli import main

LATER = ("rubricator.cli.stages", "rubricator.predict", "rubricator.store", "sklearn.model_selection")
"""What most commands import on their way; the last, with pandas behind it, is as slow as all the rest."""


def job_to_do() -> dict[str, Any] | None:
    """In a fork, its job; the process itself tells each fork's id and exit code while there are jobs."""
    while line := sys.stdin.readline():
        pid = os.fork()
        if pid == 0:
            return json.loads(line)
        os.write(1, f"{pid}\n".encode())
        os.write(1, f"{os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])}\n".encode())
    return None


def become(job: dict[str, Any]) -> None:
    """Look like a process that was started by itself."""
    for stream, name in enumerate((os.devnull, "out", "err")):
        handle = os.open(Path(job["said"], name), os.O_RDWR | os.O_CREAT)
        os.dup2(handle, stream)
        os.close(handle)
    signal.alarm(job["seconds"])
    os.chdir(job["cwd"])
    os.environ.clear()
    os.environ.update(job["environment"])
    sys.argv = job["arguments"]


if __name__ == "__main__":
    for module in LATER:
        importlib.import_module(module)
    job = job_to_do()
    if job is not None:
        become(job)
        main()
