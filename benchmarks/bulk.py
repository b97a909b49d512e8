"""`rubricator predict` on many texts: rate, memory from beginning to end, and a plain loop in the same run.

    python benchmarks/bulk.py --json benchmarks/results/bulk.json

Short texts are the requests of `intents` (or, without that data, the shipped reviews), each with a number of
its own, so that none repeats; a share of them, `--repeats`, is then said again. A linear model of the shipped
news reads `--texts` of them by the command, whose resident memory, with that of its processes, is added up
every second. The loop is what the command did before: 512 rows at a time, read, classified and written one
after the other. The loop and `predict_file` take turns, `--rounds` times, on fewer texts: by the linear model
and by heads on the bundled encoder.
"""

from __future__ import annotations

import csv
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import count, islice
from pathlib import Path
from typing import Any

import polars as pl
from machine import ROOT, arguments, write

from rubricator import Rubricator
from rubricator.config import Columns
from rubricator.ingest.read import RowReader
from rubricator.predict import Predictor
from rubricator.predict.files import predict_file
from rubricator.records import Text
from rubricator.tables.reading import open_table, open_writer

DATA = Path(os.environ.get("RUBRICATOR_DATA", ROOT.parent / "shared" / "data"))
COLUMNS = Columns(id="id", body="text")


def main() -> None:
    options = arguments(__doc__.splitlines()[0])
    options.add_argument("--texts", type=int, default=1_000_000)
    options.add_argument("--linear", type=int, default=40_000, help="texts of the comparison, linear model")
    options.add_argument("--encoder", type=int, default=4_000, help="texts of the comparison, encoder")
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--repeats", type=float, default=0.0, help="share of texts said before")
    given = options.parse_args()
    figures: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as home:
        folder = Path(home)
        artifact = trained(folder / "linear", "linear")
        if given.texts:
            source = written(folder / "many.csv", given.texts, given.repeats)
            figures["command"] = watched(artifact, source, given.texts)
            show(figures["command"])
        for kind, texts in (("linear", given.linear), ("heads", given.encoder)):
            if kind != "linear":
                artifact = trained(folder / kind, kind)
            source = written(folder / f"{kind}.csv", texts, given.repeats)
            figures[kind] = compared(artifact, source, texts, given.rounds)
            print(f"{kind}, {texts:,} texts: {figures[kind]}", flush=True)
    write(given.json, {"repeats": given.repeats, "rounds": given.rounds, "figures": figures})


def trained(folder: Path, kind: str) -> Path:
    """A model of the shipped news, from the labels that people gave."""
    news = pl.read_csv(ROOT / "examples/news/news.csv", infer_schema_length=0)
    golden = pl.read_csv(ROOT / "examples/news/golden.csv", infer_schema_length=0)
    both = news.join(golden, on="id").drop_nulls(["text", "labels"])
    labels = [cell.split(",") for cell in both["labels"]]
    model = Rubricator(models=kind, multi_label=True).fit(both["text"].to_list(), labels)
    return model.save(folder)


def short_texts() -> list[str]:
    paths = [DATA / "intents" / f"{part}.csv" for part in ("train", "test")]
    paths = [path for path in paths if path.exists()] or [ROOT / "examples/reviews/reviews.csv"]
    texts = []
    for path in paths:
        with path.open(encoding="utf-8", newline="") as file:
            texts += [text for row in csv.DictReader(file) if (text := row["text"].strip())]
    return texts


def written(path: Path, size: int, repeats: float) -> Path:
    """A file of so many texts."""
    said, new = short_texts(), int(size * (1 - repeats))
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(("id", "text"))
        # What is said again comes spread over the file.
        numbers = (number if number < new else number % new for number in range(size))
        rows.writerows((n, f"{said[number % len(said)]} {number}") for n, number in enumerate(numbers))
    return path


def compared(artifact: Path, source: Path, texts: int, rounds: int) -> dict[str, Any]:
    """Texts a second of the loop and of `predict_file`, in turn."""
    predictor = Predictor.load(artifact)
    output = source.with_suffix(".out.csv")
    workers = os.cpu_count() or 1
    ways: dict[str, Callable[[], object]] = {
        "loop": lambda: loop(predictor, source, output),
        "predict_file": lambda: predict_file(predictor, source, output, columns=COLUMNS, workers=workers),
    }
    rates: dict[str, list[float]] = {name: [] for name in ways}
    lines: dict[str, list[str]] = {}
    for _ in range(rounds):
        for name, run in ways.items():
            started = time.perf_counter()
            run()
            rates[name].append(texts / (time.perf_counter() - started))
            lines[name] = output.read_text(encoding="utf-8").splitlines()
    ratios = [new / old for new, old in zip(rates["predict_file"], rates["loop"], strict=True)]
    return {
        "texts_per_second": {name: round(statistics.median(of_way), 1) for name, of_way in rates.items()},
        "ratio": round(statistics.median(ratios), 2),
        "ratios": [round(ratio, 2) for ratio in ratios],
        "equal_rows": sum(a == b for a, b in zip(lines["loop"], lines["predict_file"], strict=True)) - 1,
    }


def loop(predictor: Predictor, source: Path, output: Path) -> None:
    """What was done before: a batch is read, classified and written, then the next."""
    reader = RowReader(COLUMNS, max_characters=predictor.manifest.max_characters)
    keys = predictor.taxonomy.keys
    with open_writer(output, ["id", "labels", *(f"p_{key}" for key in keys)]) as writer:
        for rows in open_table(source).rows(512):
            texts = [text for row in rows if isinstance(text := reader.text(row), Text)]
            writer.write(
                [
                    {"id": one.text_id, "labels": ",".join(one.categories)}
                    | {f"p_{key}": round(p, 6) for key, p in one.probabilities.items()}
                    for one in predictor.predict(texts)
                ]
            )


def watched(artifact: Path, source: Path, texts: int) -> dict[str, Any]:
    """The command on all texts, and the memory of its processes as it goes on."""
    output = source.with_suffix(".predicted.csv")
    code = "from rubricator.cli import main; main()"
    command = [sys.executable, "-c", code, "predict", artifact, source, "-o", output, "--body", "text"]
    started = time.perf_counter()
    memory: list[tuple[float, int]] = []
    with subprocess.Popen([*map(str, command), "--id", "id"], stdout=subprocess.PIPE, text=True) as process:
        for second in count(1):
            try:
                said, _ = process.communicate(timeout=max(0.0, started + second - time.perf_counter()))
                break
            except subprocess.TimeoutExpired:
                memory.append((round(time.perf_counter() - started, 1), sum(resident(process.pid))))
    seconds = time.perf_counter() - started
    if process.returncode:
        raise SystemExit(said)
    with output.open(encoding="utf-8") as file:
        rows = sum(1 for _ in file) - 1
    step = max(1, len(memory) // 40)
    return {
        "texts": texts,
        "rows": rows,
        "seconds": round(seconds, 1),
        "texts_per_second": round(texts / seconds, 1),
        "mebibytes_by_second": [(second, size >> 20) for second, size in memory[::step]],
        "said": said.strip().splitlines(),
    }


def resident(process: int) -> Iterator[int]:
    """Resident bytes of a process and of those that it started, which share none of their own."""
    try:
        fields = Path(f"/proc/{process}/statm").read_text().split()
        threads = [path / "children" for path in Path(f"/proc/{process}/task").iterdir()]
        children = [child for path in threads for child in path.read_text().split()]
    except OSError:
        return
    yield int(fields[1]) * os.sysconf("SC_PAGE_SIZE")
    for child in children:
        yield from resident(int(child))


def show(figures: dict[str, Any]) -> None:
    print(f"{figures['texts']:,} texts: {figures['texts_per_second']:,.0f} texts/s, {figures['rows']:,} rows")
    for second, size in islice(figures["mebibytes_by_second"], 0, None, 2):
        print(f"{second:>8.0f} s {size:>6} MiB")


if __name__ == "__main__":
    main()
