"""How much memory a process takes that does nothing but encode: run as a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from rubricator.encode.encoder import Encoder

_STATUS = Path("/proc/self/status")


def peak_memory(encoders: Iterable[Encoder], texts: Sequence[str]) -> int | None:
    """Peak resident memory in bytes of a fresh process that loads encoders and encodes texts.

    None where the system does not say, or the process did not get that far.
    """
    if not _STATUS.exists():
        return None
    loaded = [_as_loaded(encoder) for encoder in encoders]
    asked = json.dumps({"encoders": loaded, "texts": list(texts)})
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(part for part in sys.path if part)}
    command = [sys.executable, "-m", __name__]
    process = subprocess.run(  # noqa: S603 - this module itself
        command, input=asked, capture_output=True, text=True, env=environment, check=False
    )
    return int(process.stdout) if process.returncode == 0 and process.stdout.strip().isdigit() else None


def _as_loaded(encoder: Encoder) -> dict[str, str]:
    """What loads the encoder as it is now; in 8 bits its own card says it."""
    about = encoder.describe()
    if about["precision"] == "int8":
        return {"folder": str(encoder.folder)}
    return {"folder": str(encoder.folder), "runtime": about["runtime"], "precision": about["precision"]}


def _main() -> None:
    asked = json.load(sys.stdin)
    for one in asked["encoders"]:
        folder = Path(one.pop("folder"))
        Encoder.load(folder, **one).encode(asked["texts"])
    line = next(line for line in _STATUS.read_text().splitlines() if line.startswith("VmHWM"))
    sys.stdout.write(str(int(line.split()[1]) * 1024))


if __name__ == "__main__":
    _main()
