"""The command, run as a user runs it: in a process of its own.

Importing the program takes seconds and the tests run it far more than a hundred times, so `rubricator`
forks each process from one that has imported it. `installed` starts the script that a user types.
"""

from __future__ import annotations

import atexit
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

COMMAND = str(Path(sys.executable).with_name("rubricator"))
PLAIN = {"COLUMNS": "200", "NO_COLOR": "1"}
SECONDS = 600


def overrides(*settings: str) -> list[str]:
    """Settings as options of the command."""
    return [part for setting in settings for part in ("--set", setting)]


def installed(*arguments: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the installed script: what it costs to start, it costs here too."""
    return subprocess.run(
        [COMMAND, *arguments],
        cwd=cwd,
        env={**os.environ, **PLAIN, **environment},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )


def rubricator(*arguments: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command and wait for its end."""
    return start(*arguments, cwd=cwd, **environment).wait()


def start(*arguments: str, cwd: Path, **environment: str) -> Started:
    """Start the command; one at a time."""
    folder = tempfile.TemporaryDirectory()
    job = {
        "arguments": [COMMAND, *arguments],
        "cwd": str(cwd),
        "environment": {**os.environ, **PLAIN, **environment},
        "said": folder.name,
        "seconds": SECONDS,
    }
    forks = _forks()
    assert forks.stdin is not None
    assert forks.stdout is not None
    forks.stdin.write(json.dumps(job).encode() + b"\n")
    return Started(job["arguments"], int(forks.stdout.readline()), folder)


@dataclass(frozen=True)
class Started:
    """A command at work."""

    arguments: list[str]
    pid: int
    said: tempfile.TemporaryDirectory[str]

    def ended(self) -> bool:
        """Whether it has come to its end."""
        return bool(select.select([_forks().stdout], [], [], 0)[0])

    def send(self, number: signal.Signals) -> None:
        """Send it a signal."""
        os.kill(self.pid, number)

    def wait(self) -> subprocess.CompletedProcess[str]:
        """Its exit code, negative if a signal ended it, and what it said."""
        forks = _forks()
        assert forks.stdout is not None
        code = int(forks.stdout.readline())
        with self.said as folder:
            out, err = (Path(folder, name).read_text(encoding="utf-8") for name in ("out", "err"))
        return subprocess.CompletedProcess(self.arguments, code, out, err)


@cache
def _forks() -> subprocess.Popen[bytes]:
    # -P: the tests' folder is no place for the program to import from.
    process = subprocess.Popen(
        [sys.executable, "-P", str(Path(__file__).with_name("forks.py"))],
        env={**os.environ, **PLAIN},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        bufsize=0,  # `ended` asks whether there is more to read: nothing may wait in a buffer
    )
    atexit.register(process.communicate)
    return process
