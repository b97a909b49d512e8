"""Categories that come after the first day: what adding two to three costs and brings, on a real news crawl.

    python benchmarks/categories.py --json benchmarks/results/categories.json

Politics, economy and culture are trained first, technology and sport are added by `rubricator category`,
the golden texts are judged again in a file that `rubricator review --stale` writes, and all five are trained
from the beginning beside it. No label of a person teaches: the 200 golden texts measure.
It needs the real data (RUBRICATOR_DATA, default ../shared/data beside the project). Runs land in
runs/benchmarks/categories/, where finished steps are not done again; `--fresh` begins from nothing.
"""

from __future__ import annotations

import csv
import json
import os
import resource
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import yaml
from machine import ROOT, arguments, described, write

HOME = ROOT / "runs/benchmarks/categories"
SETTINGS = ROOT / "benchmarks/real/news-zero.yaml"
FIRST = ("politics", "economy", "culture")
ADDED = ("technology", "sport")
COMMAND = [sys.executable, "-c", "from rubricator.cli import main; main()"]
DATA = Path(os.environ.get("RUBRICATOR_DATA") or ROOT.parent / "shared/data")


def main() -> None:
    options = arguments(__doc__.splitlines()[0])
    options.add_argument("--fresh", action="store_true", help="begin from nothing, vectors included")
    given = options.parse_args()
    if given.fresh:
        shutil.rmtree(HOME, ignore_errors=True)
    run, whole, full = HOME / "run", HOME / "five", taxonomy()
    three, five = project("three", FIRST), project("five", (*FIRST, *ADDED))
    here = ["-c", three, "--out", run]
    steps = {"run with three categories, nothing stored": step("first", ["run", *here])}
    before = figures("before", run / "artifact")
    for key in ADDED:
        if key not in keys_of(three):  # else a killed run had come so far
            one = full[key]
            words = ["--title", one["name"], "--description", one["description"]]
            words += ["--keywords", ",".join(one["keywords"])]
            steps[f"category add {key}"] = step(f"add-{key}", ["category", "add", key, *words, *here])
    asked = HOME / "again.csv"
    if not (HOME / "asked.json").exists():
        asked.unlink(missing_ok=True)
    steps["review --stale --export"] = step("asked", ["review", "--stale", "--export", asked, *here])
    judge(asked)
    steps["review --stale --import"] = step("judged", ["review", "--stale", "--import", asked, *here])
    steps["category apply"] = step("apply", ["category", "apply", *here])
    after = figures("after", run / "artifact")
    steps["run with five categories, vectors stored"] = step("full", ["run", "-c", five, "--out", whole])
    again = figures("full", whole / "artifact")
    sides = {"before": before, "after": after, "whole run": again}
    same = {key: before["bits"][key] == after["bits"][key] for key in FIRST}
    rows = {key: {name: one["f1"].get(key) for name, one in sides.items()} for key in (*FIRST, *ADDED)}
    rows["macro-F1"] = {name: one["macro_f1"] for name, one in sides.items()}
    shares, differences = shares_of(steps), paired(after, again)
    show(steps, shares, rows, same, differences)
    content = {
        "texts": texts(),
        "steps": {name: {key: one[key] for key in one if key != "told"} for name, one in steps.items()},
        "shares": shares,
        "f1": rows,
        "after_minus_whole_run": differences,
        "same_bits": same,
    }
    write(given.json, content)


def taxonomy() -> dict[str, dict[str, Any]]:
    content = yaml.safe_load((ROOT / "benchmarks/real/news-taxonomy.yaml").read_text(encoding="utf-8"))
    return {one["key"]: one for one in content["categories"]}


def project(name: str, keys: tuple[str, ...]) -> Path:
    """Settings with some of the categories; a list that was changed already stays as it is."""
    folder = HOME / name
    folder.mkdir(parents=True, exist_ok=True)
    settings = yaml.safe_load(SETTINGS.read_text(encoding="utf-8"))
    settings["data"]["files"] = [str(DATA / "news/crawled_news.tsv")]
    settings["golden"]["file"] = str(golden_file(keys))
    settings["taxonomy"] = "taxonomy.yaml"
    settings["encode"] = {"cache": str(HOME / "cache")}
    (folder / "rubricator.yaml").write_text(yaml.safe_dump(settings, allow_unicode=True), encoding="utf-8")
    if not (folder / "taxonomy.yaml").exists():
        # What a command cannot say is left out of both: words that speak against a category.
        some = [{k: v for k, v in taxonomy()[key].items() if k != "exclude"} for key in keys]
        content = {"name": "Новости", "task": "multi-label", "categories": some}
        text = yaml.safe_dump(content, allow_unicode=True, sort_keys=False)
        (folder / "taxonomy.yaml").write_text(text, encoding="utf-8")
    return folder / "rubricator.yaml"


def keys_of(settings: Path) -> list[str]:
    content = yaml.safe_load(settings.with_name("taxonomy.yaml").read_text(encoding="utf-8"))
    return [one["key"] for one in content["categories"]]


def golden_file(keys: tuple[str, ...]) -> Path:
    """The golden set as people know it who were asked about these categories."""
    path = HOME / f"golden-{len(keys)}.tsv"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file, delimiter="\t")
        rows.writerow(("id", "labels"))
        for id_, labels in golden().items():
            rows.writerow((id_, ",".join(key for key in labels if key in keys) or "-"))
    return path


def golden() -> dict[str, list[str]]:
    with (DATA / "news/golden.tsv").open(encoding="utf-8", newline="") as file:
        return {
            row["id"]: [key for key in row["labels"].split(",") if key]
            for row in csv.DictReader(file, delimiter="\t")
        }


def judge(path: Path) -> None:
    """What a person does: the column `labels`, from the golden set as labelled with all five in sight."""
    truth = golden()
    table = pl.read_csv(path, infer_schema=False)
    labels = [",".join(truth[id_]) or "-" for id_ in table["id"]]
    table.with_columns(pl.Series("labels", labels)).write_csv(path)


def step(name: str, command: list[Any]) -> dict[str, Any]:
    """Run a command once and keep what it took: in processor seconds, too, for the machine may be shared."""
    record = HOME / f"{name}.json"
    if record.exists():
        return dict(json.loads(record.read_text(encoding="utf-8")))
    spent, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    done = subprocess.run(
        [*COMMAND, *map(str, command)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"{name}: {done.stdout}{done.stderr}")
    now = resource.getrusage(resource.RUSAGE_CHILDREN)
    content = {
        "minutes": round((time.monotonic() - started) / 60, 2),
        "processor_seconds": round(now.ru_utime + now.ru_stime - spent.ru_utime - spent.ru_stime, 1),
        "commit": described()["commit"],
        "told": done.stdout.splitlines()[-40:],
    }
    record.write_text(json.dumps(content, ensure_ascii=False, indent=1), encoding="utf-8")
    return content


def figures(name: str, artifact: Path) -> dict[str, Any]:
    """F1 on the golden texts of every category an artifact knows, and its probabilities to the last bit."""
    record = HOME / f"{name}-figures.json"
    if record.exists():
        return dict(json.loads(record.read_text(encoding="utf-8")))
    from rubricator.predict import Predictor
    from rubricator.records import Text
    from rubricator.stats.significance import resample

    crawl = pl.read_csv(DATA / "news/crawled_news.tsv", separator="\t", infer_schema=False)
    truth = golden()
    rows = [row for row in crawl.iter_rows(named=True) if row["id"] in truth]
    predictor = Predictor.load(artifact)
    texts = [
        Text(id=row["id"], title=row["title"] or "", body=row["text"] or "", source=row["source"] or "")
        for row in rows
    ]
    predictions = predictor.predict(texts)
    keys = predictor.taxonomy.keys
    right = np.array([[key in truth[one.text_id] for key in keys] for one in predictions])
    said = np.array([[key in one.categories for key in keys] for one in predictions])
    sampled = resample(right, said, draws=2000, seed=13)
    content = {
        "macro_f1": interval(sampled.estimate("macro_f1")),
        "f1": {key: interval(sampled.estimate("f1", column)) for column, key in enumerate(keys)},
        "ids": [one.text_id for one in predictions],
        "said": {key: [key in one.categories for one in predictions] for key in keys},
        "bits": {key: [one.probabilities[key].hex() for one in predictions] for key in keys},
    }
    record.write_text(json.dumps(content), encoding="utf-8")
    return content


def shares_of(steps: dict[str, Any]) -> dict[str, float]:
    """What following the list costs in processor seconds, as shares of a run."""
    first, *between, whole = (one["processor_seconds"] for one in steps.values())
    apply = steps["category apply"]["processor_seconds"]
    return {
        "apply, of the first run": round(apply / first, 3),
        "apply, of the run with vectors stored": round(apply / whole, 3),
        "all commands, of the first run": round(sum(between) / first, 3),
        "all commands, of the run with vectors stored": round(sum(between) / whole, 3),
    }


def paired(one: dict[str, Any], other: dict[str, Any]) -> dict[str, dict[str, float]]:
    """F1 after the extension minus that of the whole run, on the same samples of the same texts."""
    from rubricator.stats.significance import change, resample

    assert one["ids"] == other["ids"]
    keys, truth = (*FIRST, *ADDED), golden()
    right = np.array([[key in truth[id_] for key in keys] for id_ in one["ids"]])
    old, new = (
        resample(right, np.array([side["said"][key] for key in keys]).T, draws=2000, seed=13)
        for side in (other, one)
    )
    differences = {key: interval(change(old, new, "f1", column)) for column, key in enumerate(keys)}
    return differences | {"macro-F1": interval(change(old, new, "macro_f1"))}


def interval(estimate: Any) -> dict[str, float]:
    return {"value": estimate.value, "low": estimate.low, "high": estimate.high}


def texts() -> int:
    return len(pl.read_parquet(HOME / "run/stages/texts.parquet"))


def show(
    steps: dict[str, Any],
    shares: dict[str, float],
    rows: dict[str, Any],
    same: dict[str, bool],
    differences: dict[str, Any],
) -> None:
    for name, one in steps.items():
        print(f"{name:<44} {one['minutes']:>7.2f} min {one['processor_seconds']:>9,.1f} processor seconds")
    for name, share in shares.items():
        print(f"{name:<44} {share:>7.1%}")
    names = (*rows["macro-F1"], "after − whole run")
    print(f"\n{'F1 on 200 golden texts':<24}" + "".join(f"{name:>24}" for name in names))
    for key, sides in rows.items():
        cells = "".join(f"{cell(one):>24}" for one in (*sides.values(), differences[key]))
        print(f"{key:<24}{cells}  {'same bits' if same.get(key) else ''}")


def cell(one: dict[str, float] | None) -> str:
    return "–" if one is None else f"{one['value']:.3f} [{one['low']:.3f}, {one['high']:.3f}]"


if __name__ == "__main__":
    main()
