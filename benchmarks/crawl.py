"""From a crawl to a model: seconds of every stage now and at an earlier commit, in turn, with empty caches.

    python benchmarks/crawl.py --before 7d5e7bc --rounds 1 --json benchmarks/results/crawl.json

Both run `benchmarks/real/news.yaml` of their own commit on the 6,847 news (RUBRICATOR_DATA, default
../shared/data beside the project), with this environment's packages. Vectors are computed anew each time; the
encoders' files are made once before. Work lies in runs/benchmarks/crawl/.
"""

from __future__ import annotations

import os
import re
import resource
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from machine import ROOT, arguments, write

HOME = ROOT / "runs/benchmarks/crawl"
COMMAND = [sys.executable, "-c", "from rubricator.cli import main; main()"]
DATA = Path(os.environ.get("RUBRICATOR_DATA") or ROOT.parent / "shared/data").resolve()
STAGE = re.compile(r"^(\w+) .*\(([\d.]+) s\)$", re.MULTILINE)


def main() -> None:
    options = arguments(__doc__.splitlines()[0])
    options.add_argument("--before", required=True, metavar="COMMIT")
    options.add_argument("--rounds", type=int, default=1)
    given = options.parse_args()
    sides = {"before": checkout(given.before), "now": ROOT}
    for root in sides.values():
        run(root, ROOT / "examples/news", "examples/news/rubricator.yaml", keep=True)  # encoders' files
    rounds: dict[str, list[dict[str, float]]] = {name: [] for name in sides}
    for _ in range(given.rounds):
        for name, root in sides.items():
            rounds[name].append(run(root, DATA, "benchmarks/real/news.yaml"))
    figures = {name: medians(one) for name, one in rounds.items()}
    show(figures)
    write(given.json, {"before": given.before, "rounds": given.rounds, "seconds": figures})


def checkout(commit: str) -> Path:
    """The project as it was."""
    folder = HOME / commit
    if not folder.exists():
        folder.mkdir(parents=True)
        archive = subprocess.run(["git", "archive", commit], cwd=ROOT, capture_output=True, check=True)
        subprocess.run(["tar", "-x", "-C", folder], input=archive.stdout, check=True)
    return folder


def run(root: Path, data: Path, settings: str, *, keep: bool = False) -> dict[str, float]:
    """Seconds by stage, in all, and of the processor. `keep` only makes what later runs share."""
    out, cache = HOME / "out", HOME / "cache"
    shutil.rmtree(out, ignore_errors=True)
    for file in cache.glob("vectors.sqlite*"):
        file.unlink()
    # What the earlier commit needs and this environment lacks may stand in PYTHONPATH.
    paths = [str(root / "src"), *filter(None, [os.environ.get("PYTHONPATH")])]
    spent, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    done = subprocess.run(
        [*COMMAND, "run", "-c", settings, "--out", out, "--set", f"encode.cache={cache}"],
        cwd=root,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths), "RUBRICATOR_DATA": str(data)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(f"{root}: {done.stdout}{done.stderr}")
    if keep:
        return {}
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    processor = ended.ru_utime + ended.ru_stime - spent.ru_utime - spent.ru_stime
    stages = {name: float(seconds) for name, seconds in STAGE.findall(done.stdout)}
    return {**stages, "all": time.monotonic() - started, "processor": processor}


def medians(rounds: list[dict[str, float]]) -> dict[str, float]:
    return {name: round(statistics.median(one[name] for one in rounds), 1) for name in rounds[0]}


def show(figures: dict[str, dict[str, Any]]) -> None:
    print(f"{'seconds':<12}{'before':>10}{'now':>10}{'ratio':>8}")
    for name, before in figures["before"].items():
        now = figures["now"].get(name)
        cells = f"{now:>10.1f}{before / now:>8.2f}" if now else ""
        print(f"{name:<12}{before:>10.1f}{cells}")


if __name__ == "__main__":
    main()
