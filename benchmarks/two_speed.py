"""What two speeds gain and cost: the artifact of a run and its two-speed artifact, in turn, on test texts.

    python benchmarks/two_speed.py runs/benchmarks/news-200-golden-alone=benchmarks/real/news.yaml \
        --json benchmarks/results/two-speed.json

Takes finished runs, as `benchmarks/pipeline.py` leaves them, each as FOLDER=CONFIG. Neither model has learned
from the test part, and no bar was set on it. Rates are those of `Predictor.probabilities`, from raw texts to
probabilities, in one process and in turn; what counts is the ratio of each round.
"""

from __future__ import annotations

import statistics
import time
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from machine import arguments, write

from rubricator.config import read_config
from rubricator.dataset import files
from rubricator.models.training_files import read_training
from rubricator.pipeline.stage import Run
from rubricator.pipeline.two_speed import distil
from rubricator.predict import Predictor
from rubricator.records import Prediction, Text
from rubricator.taxonomy import Taxonomy


def main() -> None:
    options = arguments(__doc__.splitlines()[0])
    options.add_argument("runs", nargs="+", metavar="FOLDER=CONFIG")
    options.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="as the run had it")
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--texts", type=int, default=400, help="texts of a round, at most")
    options.add_argument("--drops", type=float, nargs="+", default=[0.005])
    given = options.parse_args()
    rows: dict[str, Any] = {}
    for one in given.runs:
        folder, _, config = one.partition("=")
        run = opened(Path(folder), Path(config), given.set)
        for drop in given.drops:
            name = f"{Path(folder).name}, {drop:g} allowed"
            rows[name] = measured(run, drop, rounds=given.rounds, most=given.texts)
            print(line(name, rows[name]), flush=True)
    write(given.json, {"rounds": given.rounds, "rows": rows})


def opened(folder: Path, config: Path, overrides: list[str]) -> Run:
    settings = read_config(config, overrides)
    return Run(settings, Taxonomy.read(settings.path(settings.taxonomy)), folder)


def measured(run: Run, drop: float, *, rounds: int, most: int) -> dict[str, Any]:
    started = time.monotonic()
    done = distil(run, max_drop=drop)
    seconds = time.monotonic() - started
    alone, both = Predictor.load(run.folder / "artifact"), Predictor.load(done.folder)
    part, groups = files.read_split(run.folder).part, files.read_dataset(run.folder).groups
    texts = [text for text in files.read_dataset(run.folder).texts if part[text.id] == "test"]
    answers = alone.predict(texts), both.predict(texts)
    rates = in_turn(alone, both, texts[:most], rounds)
    ratios = [two / one for one, two in zip(*rates, strict=True)]
    chosen = done.chosen
    return {
        "student": done.done.model.student.kind,
        "kind": alone.manifest.kind,
        "metric": done.metric,
        "distilling_seconds": round(seconds, 1),
        "about": list(done.about),
        "test": {
            "texts": len(texts),
            "groups": len({groups[text.id] for text in texts}),
            "routes": dict(Counter(one.route for one in answers[1])),
            **falls(*answers, alone, read_training(run.folder)[0].metric),
        },
        "validation": {
            "share": chosen.share,
            "flips": chosen.flips,
            "fall": chosen.fall.value,
            "bound": chosen.fall.high,
            "on_labels": [chosen.measured.value, chosen.measured.low, chosen.measured.high],
        },
        "texts_per_second": {
            "encoder": round(statistics.median(rates[0]), 1),
            "two_speed": round(statistics.median(rates[1]), 1),
            "student": round(done.done.rates.student, 1),
        },
        "times": round(statistics.median(ratios), 2),
        "times_by_round": [round(ratio, 2) for ratio in ratios],
        "timed_texts": min(most, len(texts)),
    }


def falls(
    alone: list[Prediction], both: list[Prediction], predictor: Predictor, metric: str
) -> dict[str, float]:
    """How the metric falls in expectation, the probabilities of the slower model standing for the truth."""
    keys, space = predictor.taxonomy.keys, predictor.taxonomy.space
    probabilities = np.array([[one.probabilities[key] for key in keys] for one in alone])
    before, after = (space.indicators([one.categories for one in answers]) for answers in (alone, both))

    def expected(decided: np.ndarray) -> float:
        if metric == "accuracy":
            return float(space.confidence(probabilities, decided).mean())
        hits = (probabilities * decided).sum(axis=0)
        return float((2 * hits / (probabilities.sum(axis=0) + decided.sum(axis=0))).mean())

    return {
        "flips": float((before != after).any(axis=1).mean()),
        "fall": expected(before) - expected(after),
    }


def in_turn(
    alone: Predictor, both: Predictor, texts: list[Text], rounds: int
) -> tuple[list[float], list[float]]:
    """Texts a second of either, once a round; who goes first changes."""
    rates: tuple[list[float], list[float]] = ([], [])
    for number in range(-1, rounds):
        order = [(alone, rates[0]), (both, rates[1])]
        for predictor, found in order if number % 2 else order[::-1]:
            started = time.perf_counter()
            predictor.probabilities(texts)
            if number >= 0:  # the first is not counted
                found.append(len(texts) / (time.perf_counter() - started))
    return rates


def line(name: str, row: dict[str, Any]) -> str:
    rate, test = row["texts_per_second"], row["test"]
    return (
        f"{name:<36} {row['student']:<16} {rate['encoder']:>7,.0f} → {rate['two_speed']:>8,.0f} texts/s, "
        f"{row['times']:.1f} times; of {test['texts']} test texts the student answers "
        f"{test['routes'].get('student', 0) / test['texts']:.0%}, {test['flips']:.1%} decided otherwise, "
        f"{row['metric']} falls by {test['fall']:.4f} (bound {row['validation']['bound']:.4f})"
    )


if __name__ == "__main__":
    main()
