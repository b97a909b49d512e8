"""What a figure was measured on, and how benchmarks write their results."""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]


def described() -> dict[str, Any]:
    """Machine, commit, command and versions behind a figure."""
    model = next(
        (line.split(":", 1)[1].strip() for line in _cpuinfo() if line.startswith("model name")),
        platform.machine(),
    )
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return {
        "command": " ".join(["python", *sys.argv]),
        "commit": commit.stdout.strip(),
        "date": datetime.now(UTC).date().isoformat(),
        "processor": f"{model}, {os.cpu_count()} processors",
        "bf16": any("amx_bf16" in line or "avx512_bf16" in line for line in _cpuinfo()),
        "python": platform.python_version(),
        "versions": {name: version(name) for name in ("rubricator", "openvino", "onnxruntime", "numpy")},
    }


def _cpuinfo() -> list[str]:
    path = Path("/proc/cpuinfo")
    return path.read_text(encoding="utf-8").splitlines() if path.exists() else []


def arguments(about: str) -> argparse.ArgumentParser:
    """A parser with the option that every benchmark has."""
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the same figures to FILE")
    return parser


def write(path: Path | None, figures: dict[str, Any]) -> None:
    """Write figures with what they were measured on."""
    if path is not None:
        content = {"measured_on": described(), **figures}
        path.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
