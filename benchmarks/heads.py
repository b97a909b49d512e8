"""What the kind `heads` gained, set by set on the same splits: before and after, one encoder and both, peers.

    python benchmarks/heads.py --json benchmarks/results/heads.json
    python benchmarks/heads.py --data sib200-rus --json benchmarks/results/heads.json   # the other sets stay
    python benchmarks/heads.py --data sib200-rus --ways --peers LR SetFit --python SetFit=ENV/bin/python ...

Every gain is that of `heads` over both encoders, paired text by text. Nothing is chosen by what measures:
cross-validated figures stand beside. Few texts are drawn five times; news and reviews are cross-validated
three times, settings chosen by folds inside. An interval resamples texts, not draws.
Needs the real data (RUBRICATOR_DATA). Decisions are kept in runs/benchmarks/heads/, so that sets measured in
several calls still make one table.
"""

from __future__ import annotations

import json
import sys
import time
from argparse import Namespace
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
import peers
from heads_unlabelled import ZERO, unlabelled
from machine import arguments, described, write
from rivals import PEERS
from splits import DATA, FEW, Divided, divided, nested
from ways import NEW, RULE_OFF, WAYS, Encoded, Outcome, encoded, folder_of, ways_for

from rubricator.config import Encode
from rubricator.encode import open_encoder
from rubricator.stats.arrays import Bools
from rubricator.stats.bootstrap import Estimate, percentile_interval
from rubricator.stats.counts import GroupedCounts
from rubricator.stats.significance import Resampled, change, resample

DRAWS = 2000
FEW_DRAWS = 5
REPEATS = 3
NESTED = ("reviews", "news")
FIGURE = {"accuracy": "subset_accuracy"}  # the same where a text has one category
SETS = [name for name in DATA if name != "videos"] + ["videos"]


def main() -> None:
    options = arguments(__doc__.splitlines()[0])
    options.add_argument("--data", nargs="*", choices=[*DATA, *ZERO], default=[*SETS, *ZERO])
    options.add_argument("--ways", nargs="*", choices=[*WAYS, RULE_OFF], default=[*WAYS, RULE_OFF])
    options.add_argument(
        "--speed", type=int, default=0, metavar="ROUNDS", help="also encode so often in turn"
    )
    options.add_argument("--show", action="store_true", help="print the file as Markdown, run nothing")
    peers.add_options(options)
    given = options.parse_args()
    found = earlier(given.json)
    if given.show:
        print(markdown(found))
        return
    for name in given.data:
        if name in ZERO:
            found["unlabelled"][name] = unlabelled(name) | {"commit": described()["commit"]}
        else:
            add_set(found, name, given)
        print(table(found, name), flush=True)
        found["mean_gains"] = mean_gains(found["sets"])
        write(given.json, found)
    if given.speed:
        found["speed"] = speed(divided("sib200-rus").contents[-204:], given.speed)
        print(json.dumps(found["speed"], indent=1))
        write(given.json, found)
    print(means_table(found))


def earlier(path: Path | None) -> dict[str, Any]:
    """What was measured before; each set knows its own commit."""
    found = json.loads(path.read_text(encoding="utf-8")) if path is not None and path.exists() else {}
    found.pop("measured_on", None)
    return {"sets": {}, "unlabelled": {}} | found


def add_set(found: dict[str, Any], name: str, given: Namespace) -> None:
    """Measure the ways and the wanted peers on one data set, and compare all that is known of it."""
    data = split_here(name)
    rows = found["sets"].setdefault(name, {}).setdefault("ways", {})
    if given.ways:
        at_hand = encoded(data)
        for way, measure in ways_for(at_hand, given.ways).items():
            outcomes = [measure(at_hand, train, test) for train, test in data.splits]
            keep(name, way, np.concatenate([outcome.tested for outcome in outcomes]))
            rows[way] = told_of(outcomes, at_hand)
            print(f"{name}: {way} in {rows[way]['train_seconds']} s", flush=True)
    wanted = [] if given.peers is None else given.peers or list(PEERS)
    bounds = peers.Bounds(given.threads, given.setfit_steps, given.budget, given.limit)
    pythons = dict(pair.split("=", 1) for pair in given.python)
    for peer in wanted:
        python = str(Path(pythons.get(peer, sys.executable)).absolute())
        answer = peers.answered(data, peer, python, bounds)
        rows[peer] = {key: answer[key] for key in ("status", "train_seconds", "versions") if key in answer}
        if answer["status"] == "ok":
            given_keys = [keys for split in answer["predictions"] for keys in split]
            keep(name, peer, data.space.indicators(given_keys))
        print(f"{name}: {peer} {answer['status']}", flush=True)
    found["sets"][name] = compared(data, rows) | {"commit": described()["commit"], "ways": rows}


@cache  # reading takes a while
def split_here(name: str) -> Divided:
    """The data divided as here: few texts drawn more often, small golden sets cross-validated."""
    data = divided(name, draws=FEW_DRAWS)
    return nested(data, repeats=REPEATS) if name in NESTED else data


def told_of(outcomes: list[Outcome], at_hand: Encoded) -> dict[str, Any]:
    data, facts = at_hand.data, [outcome.facts for outcome in outcomes]
    figure = FIGURE.get(data.figure, data.figure)
    known = [
        float(GroupedCounts(data.truth[train], outcome.trained).figures()[figure][0])
        for (train, _), outcome in zip(data.splits, outcomes, strict=True)
    ]
    splits = [
        float(GroupedCounts(data.truth[test], outcome.tested).figures()[figure][0])
        for (_, test), outcome in zip(data.splits, outcomes, strict=True)
    ]
    row: dict[str, Any] = {
        "status": "ok",
        "cross_validated": float(np.mean(known)),
        "each_split": [round(value, 4) for value in splits],
        "train_seconds": round(sum(outcome.seconds for outcome in outcomes) / len(outcomes), 1),
    }
    if "c" in facts[0]:
        return row | {"c": [fact["c"] for fact in facts]}
    parts = sorted({part for fact in facts for part in fact["parts"]})
    row["mebibytes"] = round(max(fact["mebibytes"] for fact in facts), 2)
    return row | {"parts": {part: sum(part in fact["parts"] for fact in facts) for part in parts}}


def keep(name: str, way: str, decisions: Bools) -> None:
    np.save(folder_of(name) / f"{way}.npy", decisions)


def compared(data: Divided, rows: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    """Put figures with intervals, and what `heads` over both encoders gain on each way, into its row."""
    tested = [row for _, test in data.splits for row in test]
    samples = resampled(data, rows, tested)
    figure = FIGURE.get(data.figure, data.figure)
    for way, one in samples.items():
        rows[way]["value"] = written(one.estimate(figure))
        rows[way]["macro_f1"] = written(one.estimate("macro_f1"))
        compares = way != NEW and NEW in samples
        rows[way]["gain"] = written(change(one, samples[NEW], figure)) if compares else None
    return {
        "figure": data.figure,
        "texts": len(tested),
        "splits": [[len(train), len(test)] for train, test in data.splits],
    }


def resampled(data: Divided, ways: Iterable[str], tested: list[int]) -> dict[str, Resampled]:
    """Every way that answered, on the same samples of the tested texts."""
    kept = {way: folder_of(data.name) / f"{way}.npy" for way in ways}
    return {
        way: resample(
            data.truth[tested],
            np.load(path),
            [data.groups[row] for row in tested],
            draws=DRAWS,
            # Sets with the same texts draw the same ones.
            seed=crc32(DATA[data.name][0].encode()),
        )
        for way, path in kept.items()
        if path.exists()
    }


def mean_gains(sets: Mapping[str, Any]) -> dict[str, Any]:
    """What `heads` over both encoders gain on each way, mean over the sets that have it, each as much."""
    gains: dict[str, list[tuple[float, Any]]] = {}
    for name, found in sets.items():
        data = split_here(name)
        figure = FIGURE.get(data.figure, data.figure)
        samples = resampled(data, found["ways"], [row for _, test in data.splits for row in test])
        for way, one in samples.items():
            if way != NEW and NEW in samples:
                new = samples[NEW]
                gained = new.samples[figure] - one.samples[figure]
                gains.setdefault(way, []).append((new.point[figure][0] - one.point[figure][0], gained))
    means = {}
    for way, found in gains.items():
        low, high = percentile_interval(np.mean([each for _, each in found], axis=0), confidence=0.95)
        mean = Estimate(float(np.mean([value for value, _ in found])), low, high)
        means[way] = written(mean) | {"sets": len(found)}
    return means


def written(estimate: Estimate) -> dict[str, float | None]:
    return {"value": estimate.value, "low": estimate.low, "high": estimate.high}


def speed(contents: list[str], rounds: int) -> dict[str, Any]:
    """Texts a second of each encoder and of both, in turn within one process; medians of the rounds."""
    opened = {name: open_encoder(Encode(encoder=name)) for name in ("bundled", "bundled-use")}
    seconds: dict[str, list[tuple[float, float]]] = {name: [] for name in opened}
    for _ in range(rounds + 1):  # the first warms up
        for name, encoder in opened.items():
            clock, processor = time.perf_counter(), time.process_time()
            encoder.encode(contents)
            seconds[name].append((time.perf_counter() - clock, time.process_time() - processor))
    middle = {name: np.median(np.array(each[1:]), axis=0) for name, each in seconds.items()}
    middle["both"] = sum(middle.values(), start=np.zeros(2))
    return {
        "texts": len(contents),
        "rounds": rounds,
        "commit": described()["commit"],
        "encoders": {
            name: {
                "texts_per_second": round(len(contents) / clock, 1),
                "texts_per_processor_second": round(len(contents) / processor, 1),
                "ratio": round(middle["bundled"][1] / processor, 2),
            }
            for name, (clock, processor) in middle.items()
        },
        "mebibytes": {name: round(encoder.bytes / 2**20, 1) for name, encoder in opened.items()},
    }


def markdown(found: dict[str, Any]) -> str:
    tables = [table(found, name) for name in (*found["sets"], *found["unlabelled"])]
    return "\n\n".join([*tables, means_table(found)])


def table(found: dict[str, Any], name: str) -> str:
    """One data set: every way with its figures, and the gain of `heads` over both encoders on it."""
    if name in found["unlabelled"]:
        row = found["unlabelled"][name]
        cells = [
            f"| {way} | {valued(row[way])} |" for way in ("whole, first encoder", "pieces, both encoders")
        ]
        title = f"{name}, no labels: {row['figure']} on {row['texts']} texts, gain {valued(row['gain'], '+')}"
        return "\n".join([title, "", "| teacher | value |", "| --- | --- |", *cells])
    one = found["sets"][name]
    few = f"{FEW[name]} a category, " if name in FEW else ""
    lines = [
        f"{name}, {few}{one['figure'].replace('_f1', '-F1').replace('_', ' ')} on {one['texts']} tested:",
        "",
        f"| way | cross-validated | test | gain of *{NEW}* on it | training s | MiB |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for way, row in one["ways"].items():
        if row["status"] != "ok":
            lines.append(f"| {way} | – | {row['status']} | – | – | – |")
            continue
        known = f"{row['cross_validated']:.3f}" if "cross_validated" in row else "–"
        gain = valued(row["gain"], "+") if row["gain"] else "–"
        size = f"{row['mebibytes']:.1f}" if "mebibytes" in row else "–"
        title = f"**{way}**" if way == NEW else way
        lines.append(
            f"| {title} | {known} | {valued(row['value'])} | {gain} | {row['train_seconds']:.0f} | {size} |"
        )
    return "\n".join(lines)


def means_table(found: dict[str, Any]) -> str:
    rows = [
        f"| {way} | {mean['sets']} | {valued(mean, '+')} |"
        for way, mean in found.get("mean_gains", {}).items()
    ]
    return "\n".join([f"| mean gain of *{NEW}* on | sets | gain |", "| --- | --- | --- |", *rows])


def valued(figure: Mapping[str, float], sign: str = "") -> str:
    return f"{figure['value']:{sign}.3f} [{figure['low']:{sign}.3f}, {figure['high']:{sign}.3f}]"


if __name__ == "__main__":
    main()
