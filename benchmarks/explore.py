"""How long `rubricator explore` takes, and how much memory, by the number of texts.

    python benchmarks/explore.py --json benchmarks/results/explore.json
    python benchmarks/explore.py --texts 1000 10000 --seed 14

Texts are drawn from the crawl of news with their sources, times and labels; in each, one word in five is
replaced by one of another text, so that few are duplicates of each other. Every row is a process of its own.
Vectors are computed anew unless the same seed was run before: they are kept in the cache.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from machine import ROOT, arguments, write

DATA = Path(os.environ.get("RUBRICATOR_DATA", str(ROOT / "../shared/data")))
SIZES = (1_000, 10_000, 100_000)
MOST_ENCODED = 10_000
"""More texts are explored without vectors, for encoding takes minutes, unless `--encode-all` is given."""
CHANGED = 0.2


def write_texts(path: Path, count: int, *, seed: int) -> None:
    """Draw so many texts from the crawl, change them and write them as CSV."""
    rng = random.Random(seed)
    csv.field_size_limit(10_000_000)
    with (DATA / "news/crawled_news.tsv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    with (DATA / "news/golden.tsv").open(encoding="utf-8", newline="") as file:
        labels = {row["id"]: row["labels"] or "-" for row in csv.DictReader(file, delimiter="\t")}
    words = [word for row in rows for word in row["text"].split(" ")]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "title", "text", "source", "publication_date", "labels"])
        for number in range(count):
            row = rng.choice(rows)
            changed = [
                rng.choice(words) if rng.random() < CHANGED else word for word in row["text"].split(" ")
            ]
            known = (row["source"], row["publication_date"], labels.get(row["id"], ""))
            writer.writerow([number, row["title"], " ".join(changed), *known])


def explore_once(path: Path, *, vectors: bool) -> dict[str, Any]:
    """Explore the file in this process."""
    from rubricator.pipeline.explore import explore_files, settings_of_file

    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        found = explore_files(settings_of_file(path, {}), Path(folder), options=str(path), vectors=vectors)
        page = (found.folder / "explore.html").stat().st_size
    used = resource.getrusage(resource.RUSAGE_SELF)
    return {
        "texts": found.profile.texts,
        "vectors": found.profile.encoder or None,
        "seconds": round(time.monotonic() - started, 1),
        "processor_seconds": round(used.ru_utime + used.ru_stime, 1),
        "mib": round(used.ru_maxrss / 1024),
        "page_mib": round(page / 2**20, 2),
        "copies": found.profile.duplicates.copies,
        "cautions": len(found.cautions),
    }


def measured(sizes: list[int], *, seed: int, encode_all: bool) -> list[dict[str, Any]]:
    """A row for each size, without and with vectors, each measured in a process of its own."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for size in sizes:
            path = Path(folder) / f"{size}.csv"
            write_texts(path, size, seed=seed)
            for vectors in (False, True) if encode_all or size <= MOST_ENCODED else (False,):
                command = [sys.executable, __file__, "--file", str(path), *(["--vectors"] if vectors else [])]
                done = subprocess.run(command, capture_output=True, text=True, check=True)
                rows.append(json.loads(done.stdout.splitlines()[-1]))
                print(_line(rows[-1]), flush=True)
    return rows


def _line(row: dict[str, Any]) -> str:
    seconds = f"{row['seconds']:>8,.1f} s ({row['processor_seconds']:>7,.1f} s of processor)"
    figures = f"{seconds} {row['mib']:>7,} MiB   page {row['page_mib']:>5} MiB   {row['copies']:,} copies"
    return f"{row['texts']:>8,} texts  {row['vectors'] or 'no vectors':<12}{figures}"


def main() -> None:
    parser = arguments(__doc__ or "")
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument(
        "--texts", type=int, nargs="+", default=list(SIZES), metavar="N", help="numbers of texts"
    )
    parser.add_argument("--seed", type=int, default=13, help="draws the texts")
    parser.add_argument("--encode-all", action="store_true", help="with vectors whatever the number")
    parser.add_argument("--file", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--vectors", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.file:
        print(json.dumps(explore_once(options.file, vectors=options.vectors)))
        return
    rows = measured(options.texts, seed=options.seed, encode_all=options.encode_all)
    write(options.json, {"rows": rows})


if __name__ == "__main__":
    main()
