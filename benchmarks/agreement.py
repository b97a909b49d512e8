"""Whom majority, Dawid-Skene and the pool trust, where five models disagree about real reviews.

    python benchmarks/agreement.py --json benchmarks/results/agreement.json

Needs the real data (RUBRICATOR_DATA, default ../shared/data beside the project). Hardly any of these texts
was labelled by people. Beside those few, the keywords of benchmarks/real/reviews-taxonomy.yaml are the
yardstick, on texts in which they name exactly one category: no truth, for they were written with the 126
golden reviews in sight and, like those, take nearly all for clothes. "told" lets 100 of those texts teach,
and measures on the rest.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from machine import ROOT, arguments, write

from rubricator.config import Clean
from rubricator.dataset.annotations import Scale, TeacherProbabilities
from rubricator.ingest.clean import Cleaner
from rubricator.label.aggregation.aggregator import combine
from rubricator.label.aggregation.probabilities import teacher_probabilities, teacher_scores
from rubricator.label.quality.inter_annotator import compare_teachers, expected_accuracy, measured_accuracy
from rubricator.label.teachers.rules import RulesTeacher
from rubricator.records import Answer, Status, Text
from rubricator.stats.shares import wilson
from rubricator.taxonomy import Taxonomy

DATA = Path(os.environ.get("RUBRICATOR_DATA", ROOT.parent / "shared" / "data")) / "reviews"
TAXONOMY = Taxonomy.read(ROOT / "benchmarks/real/reviews-taxonomy.yaml")
SPACE = TAXONOMY.space
NAMES = {category.title.casefold(): category.key for category in TAXONOMY.categories}
SPELLINGS = {"украшения и аксессары": "украшения и аксессуары", "unknown": None}
TOLD = 100
METHODS = ("majority", "dawid-skene", "pool")
SETS = {
    "all five": None,
    "without the vote of the others": {"rubert_a", "rubert_lora_b", "rubert_catboost_b", "xlmr_zeroshot_b"},
    "without the vote and its twin": {"rubert_a", "rubert_lora_b", "xlmr_zeroshot_b"},
}
Truth = dict[int, np.ndarray]


def main() -> None:
    given = arguments(__doc__.splitlines()[0]).parse_args()
    table, golden = pl.read_csv(DATA / "annotators.csv"), pl.read_csv(DATA / "golden.csv")
    contents, known = (
        cleaned(table["text"].to_list()),
        dict(zip(cleaned(golden["text"].to_list()), golden["label"], strict=True)),
    )
    opinions = [opinion(name, table[name].to_list()) for name in table.columns if name != "text"]
    human_labels = label_set(contents, known)
    words = yardstick(contents)
    drawn = np.random.default_rng(13).choice(sorted(words), size=TOLD, replace=False).tolist()
    told = {row: words[row] for row in drawn}
    corrected = [opinion(found.teacher, table[found.teacher].to_list(), told) for found in opinions]
    rest = {row: truth for row, truth in words.items() if row not in told}
    fit = yardstick(list(known))
    right = sum(
        bool((fit[row] == vector(label)).all()) for row, label in enumerate(known.values()) if row in fit
    )
    figures = {
        "texts": len(contents),
        "people": len(human_labels),
        "yardstick": {"texts": len(words), "fits_golden": right, "of_golden": len(fit)},
        "teachers": {o.teacher: teacher(o, human_labels, words) for o in opinions},
        "pairs": [pair_of(pair) for pair in compare_teachers(opinions, SPACE)],
        "agreement": {
            name: {method: agreement(chosen(opinions, only), method, {}, words) for method in METHODS}
            for name, only in SETS.items()
        }
        | {"all five, told": {method: agreement(corrected, method, told, rest) for method in METHODS}},
        "qwen2": qwen2(known),
    }
    show(figures)
    write(given.json, figures)


def cleaned(texts: Sequence[str]) -> list[str]:
    cleaner = Cleaner(Clean())
    return [cleaner.content(Text(id="", body=text)) for text in texts]


def label_set(contents: Sequence[str], known: dict[str, str]) -> Truth:
    """Row of a text that people labelled → its category; found whatever its signs and capitals."""
    labels = {folded(text): label for text, label in known.items()}
    return {row: vector(labels[folded(t)]) for row, t in enumerate(contents) if folded(t) in labels}


def folded(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.casefold()))


def chosen(opinions: list[TeacherProbabilities], only: set[str] | None) -> list[TeacherProbabilities]:
    return [found for found in opinions if only is None or found.teacher in only]


def key_of(name: str | None) -> str | None:
    folded = (name or "unknown").strip().casefold()
    return NAMES.get(SPELLINGS.get(folded, folded) or "")


def vector(name: str) -> np.ndarray:
    return np.array([key == key_of(name) for key in TAXONOMY.keys])


def opinion(name: str, said: Sequence[str | None], told: Truth | None = None) -> TeacherProbabilities:
    """What a model that only names a category thinks; told texts correct it, as in labelling."""
    texts = [Text(id=str(row), content="x") for row in range(len(said))]
    answers = {
        text.id: Answer(text_id=text.id, teacher=name, key="", status=Status.OK, scores=scores_of(label))
        for text, label in zip(texts, said, strict=True)
        if key_of(label)
    }
    groups = [text.id for text in texts]
    scores = teacher_scores(name, Scale.PROBABILITY, answers, texts, SPACE)
    return teacher_probabilities([scores], SPACE, truth=told or {}, groups=groups, seed=13)[0]


def scores_of(label: str | None) -> dict[str, float]:
    return {key: float(key == key_of(label)) for key in TAXONOMY.keys}


def yardstick(contents: Sequence[str]) -> Truth:
    """Row of a text whose words name exactly one category → that category."""
    texts = [Text(id=str(row), content=content) for row, content in enumerate(contents)]
    return {
        int(answer.text_id): np.array([key in answer.scores for key in TAXONOMY.keys])
        for answer in RulesTeacher(TAXONOMY).ask(texts)
        if len(answer.scores) == 1
    }


def share(found: TeacherProbabilities, truth: Truth) -> dict[str, Any]:
    """Accuracy on the texts about which there is an opinion, with its interval."""
    rows = sum(bool(np.isfinite(found.probabilities[row]).all()) for row in truth)
    accuracy = measured_accuracy(found, truth, SPACE)
    interval = wilson(round((accuracy or 0) * rows), rows)
    return {
        "accuracy": accuracy,
        "interval": [interval.low, interval.high] if interval else None,
        "texts": rows,
        "macro_f1": macro_f1(found, truth),
    }


def macro_f1(found: TeacherProbabilities, truth: Truth) -> float:
    """Over the categories that at least ten of the texts have."""
    rows = sorted(truth)
    known = np.array([truth[row] for row in rows])
    decided = SPACE.decide(found.probabilities[rows])
    enough = known.sum(axis=0) >= 10
    scores = 2 * (known & decided).sum(axis=0)[enough] / (known.sum(axis=0) + decided.sum(axis=0))[enough]
    return float(scores.mean()) if enough.any() else float("nan")


def mix(found: TeacherProbabilities) -> dict[str, int]:
    return dict(zip(TAXONOMY.keys, SPACE.decide(found.probabilities).sum(axis=0).tolist(), strict=True))


def teacher(found: TeacherProbabilities, human_labels: Truth, words: Truth) -> dict[str, Any]:
    return {
        "answered": float(found.answered.mean()),
        "mix": mix(found),
        "yardstick": share(found, words),
        "people": share(found, human_labels) if human_labels else None,
    }


def agreement(opinions: list[TeacherProbabilities], method: Any, told: Truth, words: Truth) -> dict[str, Any]:
    agreed, weights = combine(opinions, TAXONOMY, method=method, truth=told)
    figures = {
        "mix": mix(agreed),
        "expected": expected_accuracy(agreed, SPACE),
        "yardstick": share(agreed, words),
    }
    if method == "dawid-skene":
        figures["trust"] = {
            one.teacher: {"overall": one.figure, **one.by_category} for one in weights.teachers
        }
    elif method == "pool":
        figures["trust"] = {one.teacher: {"overall": one.figure} for one in weights.teachers}
    return figures


def pair_of(pair: Any) -> dict[str, Any]:
    return {"one": pair.one, "other": pair.other, "texts": pair.texts, "same": pair.same, "kappa": pair.kappa}


def qwen2(known: dict[str, str]) -> dict[str, Any]:
    """The categories read from Qwen2's generations, on the golden texts among them."""
    table = pl.read_csv(DATA / "qwen2_answers.csv")
    found = opinion("qwen2", table["category"].to_list())
    contents = cleaned(table["text"].to_list())
    human_labels = label_set(contents, known)
    by_category = {
        key: [sum(bool(found.probabilities[row][j]) for row in rows), len(rows)]
        for j, key in enumerate(TAXONOMY.keys)
        if (rows := [row for row, truth in human_labels.items() if truth[j]])
    }
    return {**share(found, human_labels), "found_by_category": by_category, "mix": mix(found)}


def show(figures: dict[str, Any]) -> None:
    stick = figures["yardstick"]
    print(
        f"{figures['texts']} texts, {figures['people']} of them labelled by people; the keywords name exactly"
    )
    print(f"one category in {stick['texts']} and fit {stick['fits_golden']} of {stick['of_golden']} golden\n")
    for name, found in figures["teachers"].items():
        print(f"{name:<46} answered {found['answered']:.2f}  {line(found['yardstick'])}")
    for pair in figures["pairs"]:
        print(f"  {pair['one']} – {pair['other']}: same on {pair['same']:.2f}, kappa {pair['kappa']:.2f}")
    for name, by_method in figures["agreement"].items():
        print(f"\n{name}")
        for method, found in by_method.items():
            print(f"  {method:<44} expects  {found['expected']:.2f}  {line(found['yardstick'])}")
            trust = found.get("trust", {})
            if trust:
                print(
                    "    trusts " + ", ".join(f"{who} {much['overall']:.2f}" for who, much in trust.items())
                )
    found = figures["qwen2"]
    print(f"\nQwen2 on golden reviews: {line(found)}")


def line(found: dict[str, Any]) -> str:
    low, high = found["interval"]
    return (
        f"accuracy {found['accuracy']:.3f} [{low:.3f}, {high:.3f}], macro-F1 {found['macro_f1']:.3f} "
        f"on {found['texts']} texts"
    )


if __name__ == "__main__":
    main()
