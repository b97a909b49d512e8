"""What becomes of the synthetic texts of a small base model, stage by stage: made, kept, why dropped.

    RUBRICATOR_DATA=../shared/data python benchmarks/augment.py --json benchmarks/results/augment.json

The bundled model of 270 million parameters writes reviews for three rare categories of the labelled ones, in
three stages and by grafting, on a real llama.cpp server, and judges them itself. Nearly all that so weak a
model writes is nonsense: the figures say whether it is thrown away, and by what.
"""

from __future__ import annotations

import csv
import os
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from machine import ROOT, arguments, write

from rubricator.config import read_config
from rubricator.dataset.files import read_json
from rubricator.dataset.synthetic import CANDIDATES, read_synthetic
from rubricator.pipeline.augment import STATISTICS
from rubricator.pipeline.stage import Run, run_stages
from rubricator.pipeline.stages import STAGES
from rubricator.taxonomy import Taxonomy

RARE = ("accessories", "textile", "kids")
UNLABELLED = 300
CONFIG = """
name: augment
taxonomy: taxonomy.yaml
data:
  files: [texts.csv]
  columns: {{body: text, labels: label}}
golden: {{use: train}}
split: {{test: 0.1}}
label: {{teachers: [rules]}}
encode: {{max_tokens: 128}}
augment:
  models:
    - engine: {{kind: gguf, concurrency: 4, threads: {threads}, context: 2048}}
  categories: [{rare}]
  way: {way}
  how_many: count
  count: {count}
  max_ratio: {ratio}
  attempts: {attempts}
  max_text_tokens: 96
"""


def main() -> None:
    options = arguments(__doc__.splitlines()[0])
    options.add_argument("--ratio", type=float, default=1.0, help="synthetic texts to a real one")
    options.add_argument("--attempts", type=int, default=2)
    options.add_argument("--threads", type=int, default=2)
    options.add_argument("--keep", type=Path, help="folder in which the runs, with the texts kept, stay")
    given = options.parse_args()
    data = Path(os.environ.get("RUBRICATOR_DATA", ROOT.parent / "shared/data")) / "reviews"
    figures: dict[str, Any] = {"data": "reviews/golden.csv", "categories": list(RARE), "ways": {}}
    with tempfile.TemporaryDirectory() as temporary:
        folder = given.keep or Path(temporary)
        for way in ("write", "graft"):
            figures["ways"][way] = _measured(folder / way, data, way, given)
            _print(way, figures["ways"][way])
    if given.json:
        write(given.json, figures)


def _measured(folder: Path, data: Path, way: str, given: Any) -> dict[str, Any]:
    folder.mkdir(parents=True, exist_ok=True)
    _write_project(folder, data, way, given)
    config = read_config(folder / "rubricator.yaml")
    run = Run(config, Taxonomy.read(folder / "taxonomy.yaml"), folder / "run", say=print)
    run_stages(run, STAGES, until="label")
    started = time.monotonic()
    run_stages(run, STAGES, until="augment")
    seconds = time.monotonic() - started
    report = read_json(run.folder / STATISTICS)
    kept = read_synthetic(run.folder / CANDIDATES)
    return {
        "wanted": report["wanted"],
        "stages": report["stages"],
        "kept": Counter(text.categories[0] for text in kept),
        "minutes": round(seconds / 60, 1),
    }


def _write_project(folder: Path, data: Path, way: str, given: Any) -> None:
    real = ROOT / "benchmarks/real/reviews-taxonomy.yaml"
    (folder / "taxonomy.yaml").write_text(real.read_text(encoding="utf-8"), encoding="utf-8")
    with (folder / "texts.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["text", "label"])
        writer.writerows([row["text"], row["label"]] for row in _rows(data / "golden.csv"))
        writer.writerows([row["text"], ""] for row in _rows(data / "train.csv")[:UNLABELLED])
    settings = CONFIG.format(
        way=way,
        rare=", ".join(RARE),
        count=30,
        ratio=given.ratio,
        attempts=given.attempts,
        threads=given.threads,
    )
    (folder / "rubricator.yaml").write_text(settings, encoding="utf-8")


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _print(way: str, measured: Mapping[str, Any]) -> None:
    stages: Sequence[Mapping[str, Any]] = measured["stages"]
    print(f"\n{way}: {measured['minutes']} min")
    print(f"{'category':<14}{'stage':<12}{'made':>6}{'kept':>6}  why dropped")
    for row in stages:
        why = ", ".join(f"{count} {reason}" for reason, count in row["dropped"].items())
        print(f"{row['category']:<14}{row['stage']:<12}{row['made']:>6}{row['kept']:>6}  {why}")


if __name__ == "__main__":
    main()
