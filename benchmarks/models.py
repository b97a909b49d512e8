"""Every kind of model on real data with its own labels, and the peers beside it: figures, time, speed, size.

    python benchmarks/models.py --peers --json benchmarks/results/models.json
    python benchmarks/models.py --data sib200-rus --kinds heads auto --json benchmarks/results/models.json

A kind goes through the pipeline (`rubricator run`) with no other beside it; `auto` chooses among them
without the test texts. Videos are run once per fold of channels, few texts once per draw, and measured over
all runs together.
Needs the real data (RUBRICATOR_DATA). Runs land in runs/benchmarks/models/; what has not changed is not
done again.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import peers
from machine import ROOT, arguments, described, write
from splits import DATA, DIVIDED_HERE, FOLDS, SEED, Divided, divided

from rubricator.config import KINDS
from rubricator.evaluate.metrics.part_metrics import measure
from rubricator.evaluate.metrics.prediction_table import SCORED, read_scored
from rubricator.evaluate.metrics.scored_predictions import ScoredPredictions
from rubricator.label_space import DecisionRule
from rubricator.tables.reading import open_table, open_writer

COMMAND = str(Path(sys.executable).with_name("rubricator"))
RUNS = ROOT / "runs/benchmarks/models"
HYBRID_DATA = ("videos",)
"""Data with columns beside the text: the only ones where `hybrid` is more than its text."""


def main() -> None:
    options = arguments(__doc__.splitlines()[0])
    options.add_argument("--data", nargs="+", choices=DATA, default=list(DATA))
    options.add_argument("--kinds", nargs="*", choices=[*KINDS, "auto"], default=[*KINDS, "auto"])
    options.add_argument(
        "--folds", type=int, default=FOLDS, help="of the channels, or draws: run only the first so many"
    )
    options.add_argument("--variant", default="", help="added to the names of rows that --set makes special")
    options.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="passed to every run"
    )
    options.add_argument(
        "--only", metavar="TEXT", help="only the rows whose name holds TEXT; others in the file stay"
    )
    options.add_argument("--show", action="store_true", help="print the file's rows as Markdown, run nothing")
    peers.add_options(options)
    given = options.parse_args()
    if given.show:
        print(markdown(peers.earlier(given.json)))
        return
    rows = peers.earlier(given.json)
    for name in given.data:
        kinds = [kind for kind in given.kinds if kind != "hybrid" or name in HYBRID_DATA]
        for kind in kinds:
            called = f"{kind}, {given.variant}" if given.variant else kind
            row_name = peers.row_name(name, called)
            if (given.only or "") not in row_name:
                continue
            runs = runs_of(name, called, given.folds)
            rows[row_name] = {"data": name, "kind": called} | measured(name, kind, runs, given.set)
            print(peers.line(row_name, rows[row_name]), flush=True)
            write(given.json, {"rows": rows})
        peers.add_rows(rows, name, given)


def measured(
    name: str, kind: str, wanted: Iterator[tuple[Path, list[str]]], overrides: Sequence[str]
) -> dict[str, Any]:
    """One kind on one data set, over all of its runs."""
    config, figure = DATA[name]
    started = time.monotonic()
    runs = []
    for folder, told in wanted:
        models = "auto" if kind == "auto" else f"[{kind}]"
        # What teachers said of the same texts is not asked again by the next kind's run.
        answers = f"label.store=sqlite:///{RUNS / name / 'answers.sqlite'}"
        settings = [f"train.models={models}", answers, *told, *overrides]
        failed = run(f"benchmarks/real/{config}", folder, settings)
        if failed:
            return {"status": f"failed: {failed}"}
        runs.append(folder)
    parts = [read_scored(folder / SCORED).parts[0] for folder in runs]
    metrics = [json.loads((folder / "metrics.json").read_text(encoding="utf-8")) for folder in runs]
    trained = [json.loads((folder / "stages/train.json").read_text(encoding="utf-8")) for folder in runs]
    winners = [found["model"] for found in metrics]
    costs = [found["costs"][winner] for found, winner in zip(trained, winners, strict=True)]
    return {
        "status": "ok",
        "commit": described()["commit"],
        "config": f"benchmarks/real/{config}",
        "overrides": list(overrides),
        "figure": figure,
        "texts": sum(len(part) for part in parts),
        **figures(name, parts, metrics),
        "train_seconds": round(sum(seconds_of(found) for found in trained), 1),
        "run_seconds": round(time.monotonic() - started, 1),
        "texts_per_second": round(float(np.median([cost["texts_per_second"] for cost in costs])), 1),
        "mebibytes": round(max(cost["bytes"] for cost in costs) / 2**20, 1),
        "winner": winners if len(winners) > 1 else winners[0],
        "reason": [found["choice"]["reason"] for found in trained],
        "candidates": [candidates(*found, figure) for found in zip(metrics, trained, strict=True)],
    }


def seconds_of(trained: dict[str, Any]) -> float:
    """What training took: the ensemble is as old as its members, which are counted by themselves."""
    return float(sum(seconds for model, seconds in trained["seconds"].items() if model != "ensemble"))


def run(config: str, folder: Path, settings: Sequence[str]) -> str:
    """Run the way; the last line of what it says if it fails, else nothing."""
    told = [part for setting in settings for part in ("--set", setting)]
    done = subprocess.run(
        [COMMAND, "run", "-c", config, "--out", str(folder), *told],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return (done.stderr.strip().splitlines() or [f"code {done.returncode}"])[0] if done.returncode else ""


def runs_of(name: str, called: str, splits: int) -> Iterator[tuple[Path, list[str]]]:
    """Folder and settings of each run: one, or one per split."""
    if name not in DIVIDED_HERE:
        yield RUNS / name / called, []
        return
    data = divided(name)
    for number, (train, test) in enumerate(data.splits[:splits]):
        files = [
            f"{{path: {written(data, rows, number, part)}, part: {part}}}"
            for part, rows in (("train", train), ("test", test))
        ]
        # All texts of a split's files are given their parts, so that none is left to validate.
        yield (
            RUNS / name / f"{called}-{number}",
            [f"data.files=[{', '.join(files)}]", "split.validation=folds"],
        )


def written(data: Divided, rows: Sequence[int], number: int, part: str) -> Path:
    """The rows of the input that belong to one part of one split, as a file of their own."""
    path = RUNS / data.name / "splits" / f"{number}-{part}.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    wanted = {data.ids[row] for row in rows}
    column = str(data.config.data.columns.id)
    tables = [open_table(data.config.path(file.path)) for file in data.config.data.files]
    with open_writer(path, tables[0].columns) as writer:
        for table in tables:
            for batch in table.rows():
                writer.write([row.cells for row in batch if row.cells.get(column) in wanted])
    return path


def figures(
    name: str, parts: Sequence[ScoredPredictions], metrics: Sequence[dict[str, Any]]
) -> dict[str, Any]:
    """Figures with intervals: those of the run, or of several runs' texts together."""
    if len(parts) == 1:
        found = metrics[0]["parts"][metrics[0]["headline"]]
        return {figure: found[figure] for figure in peers.FIGURES}
    data = divided(name)
    group = dict(zip(data.ids, data.groups, strict=True))
    ids = [id_ for part in parts for id_ in part.ids]
    scored = ScoredPredictions(
        part="test",
        about="texts of all splits, each predicted by a model that did not learn from it",
        ids=ids,
        contents=[content for part in parts for content in part.contents],
        # Groups are numbered anew in every run, and a text may be tested in several.
        groups=[group[id_] for id_ in ids],
        truth=np.concatenate([part.truth for part in parts]),
        probabilities=np.concatenate([part.probabilities for part in parts]),
        decisions=np.concatenate([part.decisions for part in parts]),
        origins=[origin for part in parts for origin in part.origins],
    )
    rule = DecisionRule.identity(data.space)
    measured_together = measure(scored, list(data.keys), rule=rule, seed=SEED).as_dict()
    return {figure: measured_together[figure] for figure in peers.FIGURES}


def markdown(rows: dict[str, Any]) -> str:
    """The rows as the tables of README.md: best first within each data set, then what `auto` chose from."""
    lines = [
        "| data | model | figure | value | macro-F1 | training s | texts/s | MiB |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    order = list(DATA)
    done = [row for row in rows.values() if row["status"] == "ok"]
    done.sort(key=lambda row: (order.index(row["data"]), -row[row["figure"]]["value"]))
    for row in done:
        name = row.get("kind") or f"*{row['peer']}*"
        figure = row["figure"].replace("_f1", "-F1").replace("_", " ")
        cells = [row["data"], name, figure, valued(row[row["figure"]]), f"{row['macro_f1']['value']:.3f}"]
        cells += [f"{row['train_seconds']:.0f}", f"{row['texts_per_second']:.0f}"]
        lines.append(
            "| " + " | ".join([*cells, f"{row['mebibytes']:.0f}" if "mebibytes" in row else "–"]) + " |"
        )
    left = [f"- {name}: {row['status'].rstrip('.')}." for name, row in rows.items() if row["status"] != "ok"]
    chosen = [row for row in done if row.get("kind") == "auto" and len(row["candidates"]) == 1]
    return "\n".join([*lines, "", *left, "", *chosen_from(chosen)])


def chosen_from(rows: Sequence[dict[str, Any]]) -> Iterator[str]:
    """What `auto` saw of each candidate, and what the test texts said afterwards."""
    yield "| data | candidate of `auto` | validation | test | training s |"
    yield "| --- | --- | --- | --- | --- |"
    for row in rows:
        [competed] = row["candidates"]
        ranked = sorted(competed.items(), key=lambda item: -item[1]["validation"][row["figure"]])
        for name, found in ranked:
            title = f"**{name}**" if name == row["winner"] else name
            validation = f"{found['validation'][row['figure']]:.3f}"
            seconds = f"{found['train_seconds']:.0f}"
            yield f"| {row['data']} | {title} | {validation} | {valued(found['test'])} | {seconds} |"


def valued(figure: dict[str, float]) -> str:
    """A figure with its interval."""
    return f"{figure['value']:.3f} [{figure['low']:.3f}, {figure['high']:.3f}]"


def candidates(metrics: dict[str, Any], trained: dict[str, Any], figure: str) -> dict[str, Any]:
    """Validation and test figure, and costs, of every model that competed in a run."""
    return {
        model: {
            "validation": metrics["validation"].get(model),
            "test": found[figure],
            "train_seconds": round(trained["seconds"][model], 1),
            "texts_per_second": round(trained["costs"][model]["texts_per_second"], 1),
        }
        for model, found in metrics["models"].items()
    }


if __name__ == "__main__":
    main()
