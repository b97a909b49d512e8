"""What the pipeline reaches: shipped news, a real crawl, reviews, SIB-200, with and without human labels.

    python benchmarks/pipeline.py --json benchmarks/results/pipeline.json

Needs the real data (RUBRICATOR_DATA, default ../shared/data beside the project) for all but the first row.
Runs land in runs/benchmarks/; what has not changed is not done again.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from machine import ROOT, arguments, described, write

COMMAND = str(Path(sys.executable).with_name("rubricator"))
ROWS: dict[str, tuple[str, list[str]]] = {
    "examples/news": ("examples/news/rubricator.yaml", []),
    "SIB-200 rus, all labels": ("benchmarks/real/sib200.yaml", []),
    "SIB-200 rus, no labels": ("benchmarks/real/sib200-zero.yaml", []),
    "SIB-200 rus, no labels, self-training": (
        "benchmarks/real/sib200-zero.yaml",
        ["train.self_training=true"],
    ),
    "news, 200 golden": ("benchmarks/real/news.yaml", []),
    "news, 200 golden alone": (
        "benchmarks/real/news.yaml",
        ["train.weak_label_weight=0.0", "train.models=[heads]"],
    ),
    "news, 200 golden, self-training": (
        "benchmarks/real/news.yaml",
        ["train.self_training=true", "train.models=[heads]"],
    ),
    "news, no labels": ("benchmarks/real/news-zero.yaml", []),
    "news, no labels, self-training": (
        "benchmarks/real/news-zero.yaml",
        ["train.self_training=true", "train.models=[heads]"],
    ),
    "reviews, 126 golden": ("benchmarks/real/reviews.yaml", []),
    "reviews, 126 golden alone": ("benchmarks/real/reviews.yaml", ["train.weak_label_weight=0.0"]),
    "reviews, no labels": ("benchmarks/real/reviews-zero.yaml", []),
}


def main() -> None:
    options = arguments(__doc__.splitlines()[0])
    options.add_argument(
        "--only", metavar="TEXT", help="only the rows whose name holds TEXT; others in the file stay"
    )
    given = options.parse_args()
    results = earlier(given.json) if given.only else {}
    for name, (config, overrides) in ROWS.items():
        if given.only and given.only not in name:
            continue
        results[name] = measured(name, config, overrides)
        print(line(name, results[name]), flush=True)
    write(given.json, {"rows": results})


def earlier(path: Path | None) -> dict[str, Any]:
    """Rows measured before, each with the commit it was measured at."""
    if path is None or not path.exists():
        return {}
    found = json.loads(path.read_text(encoding="utf-8"))
    commit = found["measured_on"]["commit"]
    return {name: {"commit": commit} | row for name, row in found["rows"].items()}


def measured(name: str, config: str, overrides: list[str]) -> dict[str, Any]:
    folder = ROOT / "runs/benchmarks" / name.replace("/", "-").replace(",", "").replace(" ", "-")
    told = [part for override in overrides for part in ("--set", override)]
    started = time.monotonic()
    done = subprocess.run(
        [COMMAND, "run", "-c", config, "--out", str(folder), *told],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(f"{name}: {done.stderr}")
    metrics = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    part = metrics["parts"][metrics["headline"]]
    kept = ("texts", "about", "accuracy", "macro_f1", "micro_f1", "weighted_f1", "subset_accuracy")
    return {
        "commit": described()["commit"],
        "config": config,
        "overrides": overrides,
        "seconds": round(time.monotonic() - started, 1),
        "winner": metrics["model"],
        **{key: part[key] for key in kept},
        "models": {
            model: {key: found[key] for key in kept[2:]} for model, found in metrics["models"].items()
        },
        "teachers": {
            report["teacher"]: {"macro_f1": report["macro_f1"], "accuracy": report["accuracy"]}
            for report in metrics["teachers"]
        },
        "weak_label_weight": metrics["weak_label_weight"],
        "latency": metrics["latency"],
    }


def line(name: str, row: dict[str, Any]) -> str:
    figure = "accuracy" if row["accuracy"] else "macro_f1"
    value = row[figure]
    others = ", ".join(
        f"{model} {found[figure]['value']:.3f}"
        for model, found in row["models"].items()
        if model != row["winner"]
    )
    return (
        f"{name:<40} {figure:<9} {value['value']:.3f} [{value['low']:.3f}, {value['high']:.3f}] "
        f"on {row['texts']} texts; {row['winner']}{', ' + others if others else ''}"
    )


if __name__ == "__main__":
    main()
