"""Whether monitoring alarms rightly: false alarms on undisturbed weeks, and what it sees of real changes.

    python benchmarks/monitor.py --json benchmarks/results/monitor.json

A linear model learns from the crawl of news up to `CUT`. A real `rubricator serve --log` answers all later
texts in the order of their time, the same texts in a broken encoding, and texts of a kind that it never saw.
- *in time*: the later weeks as they came, judged against the model's own reference;
- *undisturbed*: served predictions shuffled in time; half are the reference, weeks are drawn from the others.
  How many alarm, beside the stated rate;
- *disturbed*: eight such weeks, of which the last four hold a category that appears, a source that floods,
  texts in a broken encoding, or a model with another list of categories. When it alarms, by how many alerts.

Times of publication replace those of answers in the log. No text is kept.
"""

from __future__ import annotations

import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import polars as pl
from machine import ROOT, arguments, write

from rubricator.artifact import read_artifact
from rubricator.config import Monitor
from rubricator.monitor.checks import compare
from rubricator.monitor.judge import mark
from rubricator.monitor.reference import Reference, parse_reference
from rubricator.monitor.run import Monitoring
from rubricator.monitor.sample import sample_of
from rubricator.monitor.threshold import Threshold, calibrate, window_size
from rubricator.stats.shares import wilson
from rubricator.store import Store
from rubricator.store.alerts import MonitorMemory
from rubricator.store.predictions import LoggedPrediction, PredictionLog
from rubricator.times import parse_time

DATA = Path(os.environ.get("RUBRICATOR_DATA", ROOT.parent / "shared/data"))
BEGIN, CUT = datetime(2023, 10, 1, tzinfo=UTC), datetime(2024, 11, 11, tzinfo=UTC)
WEEK = timedelta(days=7)
MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
ROWS = 150  # predictions in an invented week
BEFORE, AFTER = 4, 4  # undisturbed and disturbed weeks
OTHERS = 500  # texts in a broken encoding, and of another kind
TOGETHER = 20  # texts in a request
SHARE = 0.3  # of a disturbed week that is disturbed
ANY_EFFECT = {"smallest_share": 0, "smallest_distribution": 0, "smallest_mix": 0, "smallest_vectors": 0}
CONFIG = """
name: monitored
taxonomy: {taxonomy}
data:
  files: [{file}]
  columns: {{id: id, title: title, body: text, source: source, time: time}}
golden: {{file: {golden}, use: test}}
split: {{validation: 0.3}}
label:
  teachers: [{{kind: rules}}]
train: {{models: [linear], weak_label_weight: 1}}
evaluate: {{plots: false, bootstrap: 100}}
"""


def main() -> None:
    options = arguments(__doc__.splitlines()[0])
    options.add_argument("--splits", type=int, default=5, help="references drawn")
    options.add_argument("--windows", type=int, default=80, help="undisturbed weeks for each")
    options.add_argument("--replays", type=int, default=6, help="of each disturbance")
    options.add_argument("--run", type=Path, help="folder that keeps model and log for another time")
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as home:
        folder = (given.run or Path(home)).absolute()
        folder.mkdir(parents=True, exist_ok=True)
        later = prepared(folder)
        if not (folder / "out/artifact/manifest.json").exists():
            program("run", "-c", str(folder / "monitored.yaml"), "--out", str(folder / "out"))
        answers: dict[str, Any] = {}
        if not (folder / "log.sqlite").exists():
            answers = served(folder, later)
        keep_times(folder / "log.sqlite", {f"plain:{row['id']}": row["time"] for row in later.to_dicts()})
        rows = logged(folder / "log.sqlite")
        artifact = read_artifact(folder / "out/artifact")
        assert artifact.reference is not None
        reference = parse_reference(artifact.reference, model=artifact.manifest.identifier)
        figures: dict[str, Any] = {
            "served": answers or "by an earlier run",
            "in time": in_time(rows, reference),
        }
        show("in time", figures["in time"])
        thresholds: dict[int, Threshold] = {}
        figures["undisturbed"] = undisturbed(
            rows["plain"], reference, given.splits, given.windows, thresholds
        )
        show("undisturbed", figures["undisturbed"])
        figures["disturbed"] = disturbed(rows, reference, given.replays, thresholds)
        show("disturbed", figures["disturbed"])
    write(given.json, {"weeks": {"rows": ROWS, "disturbed share": SHARE}, "figures": figures})


def show(name: str, figures: Any) -> None:
    print(f"\n{name}")
    for row in figures if isinstance(figures, list) else [figures]:
        print("  " + ", ".join(f"{key}: {value}" for key, value in row.items()))


def prepared(folder: Path) -> pl.DataFrame:
    """Texts to learn from as a file, and the later ones."""
    crawl = pl.read_csv(DATA / "news/crawled_news.tsv", separator="\t", infer_schema=False)
    crawl = crawl.with_columns(
        pl.Series(
            "time", [parse_time(value) for value in crawl["publication_date"]], pl.Datetime("us", "UTC")
        )
    ).filter(pl.col("time") >= BEGIN)
    crawl = crawl.sort("time").unique("id", keep="first", maintain_order=True)
    train = crawl.filter(pl.col("time") < CUT)
    train.with_columns(pl.col("time").dt.to_string("iso:strict")).write_csv(folder / "train.csv")
    golden = pl.read_csv(DATA / "news/golden.tsv", separator="\t", infer_schema=False)
    golden.filter(pl.col("id").is_in(train["id"].implode())).write_csv(folder / "golden.csv")
    places = {
        "taxonomy": ROOT / "benchmarks/real/news-taxonomy.yaml",
        "file": folder / "train.csv",
        "golden": folder / "golden.csv",
    }
    written = CONFIG.format(**{name: json.dumps(str(path)) for name, path in places.items()})
    (folder / "monitored.yaml").write_text(written, encoding="utf-8")
    print(f"{len(train):,} texts to learn from, {len(crawl) - len(train):,} later ones")
    return crawl.filter(pl.col("time") >= CUT)


def program(*words: str) -> None:
    subprocess.run(
        [sys.executable, "-c", "from rubricator.cli import main; main()", *words], cwd=ROOT, check=True
    )


def served(folder: Path, later: pl.DataFrame) -> dict[str, Any]:
    """Answers everything by a real server that logs."""
    plain = [
        {
            "id": f"plain:{row['id']}",
            "title": row["title"] or "",
            "body": row["text"] or "",
            "source": row["source"],
        }
        for row in later.to_dicts()
    ]
    plain = [item for item in plain if (item["title"] + item["body"]).strip()]
    broken = [
        item
        | {"id": f"broken:{item['id'].removeprefix('plain:')}"}
        | {part: garbled(item[part]) for part in ("title", "body")}
        for item in plain[:: max(1, len(plain) // OTHERS)]
    ]
    reviews = pl.read_csv(DATA / "reviews/train.csv", infer_schema=False)
    texts = [text for text in reviews[reviews.columns[-1]].to_list() if text and text.strip()][:OTHERS]
    strange = [{"id": f"strange:{n}", "body": text, "source": "market"} for n, text in enumerate(texts)]
    process = started(str(folder / "out/artifact"), "--log", str(folder / "log.sqlite"))
    try:
        figures = answered([*plain, *broken, *strange])
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(600)
    return figures


def garbled(text: str) -> str:
    """As if bytes of one encoding of Cyrillic were read in another."""
    return text.encode("cp1251", "replace").decode("koi8-r", "replace")


def started(artifact: str, *log: str) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "from rubricator.cli import main; main()",
            "serve",
            artifact,
            "--port",
            "8791",
            *log,
        ],
        cwd=ROOT,
        stderr=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline:
        try:
            httpx.get("http://127.0.0.1:8791/readyz").raise_for_status()
        except httpx.HTTPError:
            time.sleep(0.3)
        else:
            return process
    process.kill()
    raise SystemExit("The service did not start.")


def answered(items: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Sends the texts in their order; how many were answered, logged and lost."""
    with httpx.Client(base_url="http://127.0.0.1:8791", timeout=120) as client:
        for start in range(0, len(items), TOGETHER):
            texts = items[start : start + TOGETHER]
            client.post("/v1/classify", json={"texts": texts}).raise_for_status()
        deadline = time.monotonic() + 120
        while "rubricator_log_waiting_predictions 0.0" not in (shown := client.get("/metrics").text):
            assert time.monotonic() < deadline
            time.sleep(0.5)
    lost = [line for line in shown.splitlines() if line.startswith("rubricator_unlogged_predictions_total")]
    return {"texts answered": len(items), "lost": sum(float(line.split()[-1]) for line in lost)}


def keep_times(place: Path, times: dict[str, datetime]) -> None:
    """Times of publication in place of those of answers."""
    with Store.open(place) as store:
        rows = [row for _, row in PredictionLog(store).read()]
        PredictionLog(store).forget(datetime.now(UTC) + WEEK)
        rows = [replace(row, at=times.get(row.text_id, MONDAY + 100 * WEEK)) for row in rows]
        PredictionLog(store).append(sorted(rows, key=lambda row: row.at))


def logged(place: Path) -> dict[str, list[LoggedPrediction]]:
    """The log, by what was sent."""
    found: dict[str, list[LoggedPrediction]] = {"plain": [], "broken": [], "strange": []}
    with Store.open(place) as store:
        for _, row in PredictionLog(store).read():
            found[row.text_id.partition(":")[0]].append(row)
    return found


def in_time(rows: dict[str, list[LoggedPrediction]], reference: Reference) -> list[dict[str, Any]]:
    """The later weeks as they came."""
    with tempfile.TemporaryDirectory() as home, Store.open(Path(home, "log.sqlite")) as store:
        PredictionLog(store).append(rows["plain"])
        found = Monitoring(store, [reference], rounds=199).run(datetime.now(UTC))
    weeks = [
        {
            "week": f"{one.start:%Y-%m-%d}",
            "rows": one.rows,
            "state": one.state,
            "moved": [f"{check.name} {check.effect:.2f}" for check in one.moved],
            "cause": one.cause,
            "expected macro-F1": one.performance.shifted.macro.value if one.performance else None,
        }
        for one in found.judged
        if one.rows
    ]
    return [*weeks, {"alerts": len(found.opened), "since": [f"{one.since:%Y-%m-%d}" for one in found.opened]}]


def drawn(
    rows: list[LoggedPrediction], reference: Reference, seed: int
) -> tuple[Reference, list[LoggedPrediction]]:
    """Half of the rows as a reference, and the others, shuffled in time."""
    order = np.random.default_rng(seed).permutation(len(rows))
    half = len(rows) // 2
    sample = sample_of([rows[at] for at in order[:half]], reference.space)
    made = replace(
        reference,
        sample=sample,
        labelled=np.zeros(half, dtype=bool),
        truth=np.zeros((half, len(reference.space)), dtype=bool),
        digest=f"half{seed}",
    )
    return made, [rows[at] for at in order[half:]]


def undisturbed(
    rows: list[LoggedPrediction],
    reference: Reference,
    splits: int,
    windows: int,
    thresholds: dict[int, Threshold],
) -> list[dict[str, Any]]:
    """How many undisturbed weeks alarm, beside the stated share."""
    rates = (0.01, 0.05)
    alarms: Counter[tuple[float, str]] = Counter()
    for seed in range(splits):
        half, others = drawn(rows, reference, seed)
        threshold = calibrate(half, window_size(ROWS, len(half.sample)), seed=seed)
        thresholds[seed] = threshold
        random = np.random.default_rng(1000 + seed)
        for _ in range(windows):
            picked = [others[at] for at in random.choice(len(others), ROWS, replace=False)]
            checks = compare(half.sample, sample_of(picked, half.space), half.space, quick=True)
            for rate in rates:
                for name, settings in (("any effect", Monitor(**ANY_EFFECT)), ("as set", Monitor())):
                    moved = any(one.moved for one in mark(checks, settings, threshold.at(rate)))
                    alarms[rate, name] += moved
    total = splits * windows
    figures = []
    for rate in rates:
        for name in ("any effect", "as set"):
            share = wilson(alarms[rate, name], total)
            figures.append(
                {
                    "stated": rate,
                    "smallest effects": name,
                    "windows": total,
                    "alarms": alarms[rate, name],
                    "rate": share.value,
                    "interval": [share.low, share.high],
                }
            )
    return figures


Disturb = Callable[[list[LoggedPrediction], np.random.Generator], list[LoggedPrediction]]


def disturbances(rows: dict[str, list[LoggedPrediction]]) -> Iterator[tuple[str, Disturb, set[str]]]:
    """Each with what changes a week, and the checks that it ought to move."""
    count = round(SHARE * ROWS)
    sources = Counter(row.source for row in rows["plain"] if row.source.startswith("t.me/"))
    loudest = sources.most_common(1)[0][0]
    flood = [row for row in rows["plain"] if row.source == loudest]

    def mixed(extra: list[LoggedPrediction]) -> Disturb:
        def disturb(week: list[LoggedPrediction], random: np.random.Generator) -> list[LoggedPrediction]:
            picked = random.choice(len(extra), count, replace=len(extra) < count)
            return [*week[count:], *(extra[at] for at in picked)]

        return disturb

    def other_list(week: list[LoggedPrediction], _: np.random.Generator) -> list[LoggedPrediction]:
        return [replace(row, model="monitored@ffffffffffff", taxonomy_version="9.9") for row in week]

    yield "a category appears", mixed(rows["strange"]), {"vectors", "none", "unknown", "confidence"}
    yield "a source floods", mixed(flood), {"source"}
    yield "a broken encoding", mixed(rows["broken"]), {"unknown"}
    yield "another list of categories", other_list, {"model"}


def disturbed(
    rows: dict[str, list[LoggedPrediction]],
    reference: Reference,
    replays: int,
    thresholds: dict[int, Threshold],
) -> list[dict[str, Any]]:
    """Eight weeks each, the last four disturbed, judged by `Monitoring` itself."""
    figures = []
    for name, disturb, named in disturbances(rows):
        first: list[int] = []
        alerts: list[int] = []
        early = right = 0
        causes: Counter[str] = Counter()
        for replay in range(replays):
            seed = replay % len(thresholds)
            half, others = drawn(rows["plain"], reference, seed)
            found = replayed(half, others, thresholds[seed], disturb, replay)
            loud = [number for number, one in enumerate(found.judged) if one.state in ("alarm", "unknown")]
            early += sum(number < BEFORE for number in loud)
            after = [number - BEFORE + 1 for number in loud if number >= BEFORE]
            if after:
                first.append(after[0])
            late = [one for one in found.opened if one.since >= MONDAY + BEFORE * WEEK]
            alerts.append(len(late))
            right += any(named & set(one.about["checks"]) for one in late)
            causes.update(one.cause or "none" for one in found.judged[BEFORE:] if one.state == "alarm")
        figures.append(
            {
                "disturbance": name,
                "replays": replays,
                "seen": len(first),
                "in the first week": sum(week == 1 for week in first),
                "names it": right,
                "alerts, median": statistics.median(alerts),
                "alerts, most": max(alerts),
                "causes": dict(causes.most_common(3)),
                "false alarms before": f"{early} of {BEFORE * replays} weeks",
            }
        )
    return figures


def replayed(
    half: Reference, others: list[LoggedPrediction], threshold: Threshold, disturb: Disturb, seed: int
) -> Any:
    random = np.random.default_rng(5000 + seed)
    with tempfile.TemporaryDirectory() as home, Store.open(Path(home, "log.sqlite")) as store:
        for number in range(BEFORE + AFTER):
            week = [others[at] for at in random.choice(len(others), ROWS, replace=False)]
            if number >= BEFORE:
                week = disturb(week, random)
            begin = MONDAY + number * WEEK
            PredictionLog(store).append(
                [replace(row, at=begin + WEEK * at / len(week)) for at, row in enumerate(week)]
            )
        key = f"threshold:{half.digest}:{threshold.size}:{len(threshold.smallest)}"
        MonitorMemory(store).keep([], {key: {"smallest": list(threshold.smallest), "size": threshold.size}})
        return Monitoring(store, [half]).run(MONDAY + 20 * WEEK)


if __name__ == "__main__":
    main()
