"""Whether synthetic texts pay: arms over seeds, measured on texts that nothing here has seen.

    python benchmarks/augmentation_pays.py --json benchmarks/results/augmentation-pays.json
    python benchmarks/augmentation_pays.py --parts reviews --candidates RUN/stages/synthetic_candidates.jsonl
    python benchmarks/augmentation_pays.py --parts typos

SIB-200 with categories thinned to a few texts, and the golden reviews, with what four annotating models agree
on as test: what each arm reaches there, and what cross-fitting on the training texts alone decides. News are
decided by cross-fitting alone. `typos` trains with typing errors and tests with them.
Needs the real data (RUBRICATOR_DATA).
"""

from __future__ import annotations

import csv
import json
import os
from argparse import Namespace
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
from machine import ROOT, arguments, described, write
from splits import Divided, divided

from rubricator.augment.cheap.changes import CHANGES, RealText, cheap_texts
from rubricator.augment.cheap.typos import typos
from rubricator.config import Config, Pays
from rubricator.dataset.dataset import Dataset
from rubricator.dataset.examples import Examples
from rubricator.dataset.synthetic import SyntheticText, read_synthetic
from rubricator.dataset.synthetic_examples import as_texts, synthetic_examples, usable_texts
from rubricator.dataset.training_data import TrainingData
from rubricator.encode.vectors import encode_texts
from rubricator.records import Text
from rubricator.stats.arrays import Bools, Floats
from rubricator.stats.counts import GroupedCounts
from rubricator.taxonomy import Taxonomy
from rubricator.train.calibration.rule import fit_rule
from rubricator.train.search.augmentation import weigh
from rubricator.train.search.label_weights import fit_proxy
from rubricator.train.search.validation import spread_folds
from rubricator.train.training_context import TrainingContext

SEEDS = 3
DIVISIONS = 3  # into folds, for what is decided
FOLDS = 4
THINNED = ("geography", "entertainment", "health")
SIZES = (5, 20)
COPIES = 3
TYPO_RATES = (0.0, 0.03, 0.08)
PARTS = ("sib200", "reviews", "news", "typos")
SCRATCH = ROOT / "runs/benchmarks/augmentation"


@dataclass(frozen=True)
class Problem:
    """Training texts with truth [n, k] and test texts with theirs, of one data set."""

    name: str
    config: Config
    taxonomy: Taxonomy
    texts: list[Text]
    truth: Bools
    groups: list[str]
    test: list[Text]
    test_truth: Bools
    rare: tuple[str, ...]

    def encoded(self, texts: Sequence[Text]) -> Any:
        return encode_texts(texts, self.config)

    def data(self, synthetic: Sequence[SyntheticText]) -> TrainingData:
        ids = [text.id for text in self.texts]
        dataset = Dataset(self.texts, dict(zip(ids, self.groups, strict=True)), {}, [], {})
        usable = usable_texts(synthetic, dataset, dict.fromkeys(ids, "train"), self.taxonomy)
        for note in usable.notes:
            print(note)
        everyone = np.ones(len(ids), dtype=bool)
        examples = Examples(
            contents=[text.content for text in self.texts],
            vectors=self.encoded(self.texts),
            targets=np.zeros(self.truth.shape),
            weights=np.zeros(len(ids)),
            groups=self.groups,
        )
        rows = (
            synthetic_examples(usable.texts, dataset, self.taxonomy, self.encoded(as_texts(usable.texts)))
            if usable.texts
            else None
        )
        part = np.full(len(ids), "train")
        return TrainingData(
            examples, everyone, everyone, part, np.full(len(ids), -1, dtype=np.intp), synthetic=rows
        )

    def cheap(self, seed: int, wanted: Mapping[str, int] | None = None) -> list[SyntheticText]:
        keys = self.taxonomy.keys
        real = [
            RealText(text.id, text.content, tuple(keys[j] for j in np.flatnonzero(row)), group)
            for text, row, group in zip(self.texts, self.truth, self.groups, strict=True)
        ]
        counts = dict(zip(keys, self.truth.sum(axis=0).tolist(), strict=True))
        wanted = wanted or {key: COPIES * counts[key] for key in self.rare}
        return cheap_texts(real, wanted, changes=tuple(CHANGES), seed=seed)


def main() -> None:
    options = arguments(__doc__.splitlines()[0])
    options.add_argument("--parts", nargs="*", choices=PARTS, default=list(PARTS))
    options.add_argument("--kind", choices=("heads", "linear"), default="heads")
    options.add_argument("--candidates", type=Path, help="judged texts of a language model for the reviews")
    options.add_argument("--test", type=int, default=1500, help="reviews of the test that are drawn")
    given = options.parse_args()
    SCRATCH.mkdir(parents=True, exist_ok=True)
    found: dict[str, Any] = {"kind": given.kind, "seeds": SEEDS}
    if given.json is not None and given.json.exists():  # parts measured before stay
        found = json.loads(given.json.read_text(encoding="utf-8")) | found
        found.pop("measured_on", None)
    for part in given.parts:
        found[part] = RUN[part](given) | {"measured_on": described()}
        write(given.json, found)


def sib200(given: Namespace) -> dict[str, Any]:
    """Categories thinned, drawn anew for each seed; figures on the test."""
    data = divided("sib200-rus")
    rows: dict[str, Any] = {}
    for size in SIZES:
        trials = []
        for seed in range(SEEDS):
            problem = thinned(data, size, seed, given.kind)
            trials.append(trial(problem, problem.cheap(seed), seed))
        rows[str(size)] = told(f"sib200-rus, {size} texts", trials)
    return rows


def thinned(data: Divided, size: int, seed: int, kind: str) -> Problem:
    train, test = data.splits[-1]
    rng = np.random.default_rng(seed)
    kept = np.ones(len(train), dtype=bool)
    for key in THINNED:
        mine = np.flatnonzero(data.truth[train][:, data.keys.index(key)])
        kept[rng.permutation(mine)[size:]] = False
    chosen = np.array(train)[kept].tolist()
    return problem_of("sib200", data, chosen, test, THINNED, kind)


def problem_of(
    name: str, data: Divided, train: Sequence[int], test: Sequence[int], rare: tuple[str, ...], kind: str
) -> Problem:
    config = data.config.model_copy(
        update={
            "train": data.config.train.model_copy(update={"models": (kind,)}),
            "split": data.config.split.model_copy(update={"folds": FOLDS}),
        }
    )

    def texts(rows: Sequence[int]) -> list[Text]:
        return [Text(id=data.ids[row], content=data.contents[row]) for row in rows]

    return Problem(
        name=name,
        config=config,
        taxonomy=Taxonomy.read(config.path(config.taxonomy)),
        texts=texts(train),
        truth=data.truth[list(train)],
        groups=[data.groups[row] for row in train],
        test=texts(test),
        test_truth=data.truth[list(test)],
        rare=rare,
    )


def reviews(given: Namespace) -> dict[str, Any]:
    """The golden reviews teach; what annotating models agree on is the test."""
    base = golden_only("reviews", given.kind)
    test, truth = agreed(base.taxonomy, given.test)
    rare = ("accessories", "textile", "kids")
    keys = [key for key in base.taxonomy.keys if key in rare] or list(base.taxonomy.keys)
    problem = replace(base, test=test, test_truth=truth, rare=tuple(keys))
    written = read_synthetic(given.candidates) if given.candidates else []
    asked = Counter(key for text in written for key in text.categories)
    if asked:
        problem = replace(problem, rare=tuple(key for key in problem.taxonomy.keys if asked[key]))
    trials = []
    for seed in range(SEEDS):
        wanted = dict(asked) if asked else None
        trials.append(trial(problem, [*problem.cheap(seed, wanted), *written], seed))
    return told("reviews, 126 golden", trials)


def golden_only(name: str, kind: str) -> Problem:
    data = divided(name)
    return problem_of(name, data, range(len(data.ids)), [], tuple(data.keys), kind)


def agreed(taxonomy: Taxonomy, most: int) -> tuple[list[Text], Bools]:
    """Reviews on which two of the four annotating models at least agree, drawn evenly over categories."""
    path = Path(os.environ.get("RUBRICATOR_DATA", ROOT.parent / "shared/data")) / "reviews/annotators.csv"
    with path.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    names = {one.name.casefold(): one.key for one in taxonomy.categories}
    found: dict[str, list[str]] = {}
    for row in rows:
        votes = [row[who] for who in ("rubert_a", "rubert_lora_b", "rubert_catboost_b", "ensemble_b")]
        (label, count), *_ = Counter(votes).most_common(1)
        if count >= 2 and (key := names.get(label.casefold(), "" if label != "нет товара" else None)) != "":
            found.setdefault(key or "", []).append(row["text"])
    share = most // max(len(found), 1)
    drawn = [
        (" ".join(text.split()), key)
        for key, texts in sorted(found.items())
        for text in Random(13).sample(texts, min(share, len(texts)))
    ]
    labels = [(key,) if key else none_of(taxonomy) for _, key in drawn]
    texts = [
        Text(id=f"test-{place}", content=" ".join(text.split())) for place, (text, _) in enumerate(drawn)
    ]
    return texts, taxonomy.space.indicators(labels)


def none_of(taxonomy: Taxonomy) -> tuple[str, ...]:
    return ("none",) if "none" in taxonomy.keys else ()


def news(given: Namespace) -> dict[str, Any]:
    """The golden news, several labels each: what cross-fitting decides, with every category as if rare."""
    problem = golden_only("news", given.kind)
    found = [decided(problem, problem.cheap(seed), seed) for seed in range(1)]
    for row in found:
        print(f"news: {row['macro_f1']} {row['kept']}", flush=True)
    return {"trials": found}


def trial(problem: Problem, synthetic: Sequence[SyntheticText], seed: int) -> dict[str, Any]:
    """What each arm reaches on the test, and what is decided without it."""
    row = decided(problem, synthetic, seed)
    data, targets = problem.data(synthetic), problem.truth.astype(np.float64)
    config = problem.config.model_copy(update={"seed": problem.config.seed + seed})
    everyone = np.ones(len(targets), dtype=bool)
    folds = spread_folds(data, targets, everyone, config)
    learning = replace(data.examples, targets=targets, weights=np.ones(len(targets)))
    test_vectors = problem.encoded(problem.test)
    makings = sorted({text.making for text in synthetic})
    row["test"] = {}
    for arm in ("none", "weights", *makings):
        context = TrainingContext.of(config, space=problem.taxonomy.space, folder=SCRATCH)
        if arm == "weights":
            imbalance = context.settings.imbalance.model_copy(update={"weights": "balanced"})
            context = replace(context, settings=context.settings.model_copy(update={"imbalance": imbalance}))
        elif arm != "none" and data.synthetic is not None:
            chosen = np.array(data.synthetic.making) == arm
            context = replace(context, synthetic=data.synthetic.subset(chosen))
        fitted = fit_proxy(learning, folds, context)
        rule = fit_rule(fitted.oof_logits, targets, np.ones(len(targets)), space=context.space)
        tested = Examples(
            contents=[text.content for text in problem.test],
            vectors=test_vectors,
            targets=problem.test_truth.astype(np.float64),
            weights=np.ones(len(problem.test)),
            groups=[text.id for text in problem.test],
        )
        decisions = rule.decide(rule.probabilities(fitted.model.logits(tested.inputs())))
        figures = GroupedCounts(problem.test_truth, decisions).figures()
        row["test"][arm] = {
            "macro_f1": float(figures["macro_f1"][0]),
            **{key: float(figures["f1"][0][problem.taxonomy.keys.index(key)]) for key in problem.rare},
        }
    return row


def decided(problem: Problem, synthetic: Sequence[SyntheticText], seed: int) -> dict[str, Any]:
    """What cross-fitting on the training texts says of every arm."""
    config = problem.config.model_copy(update={"seed": problem.config.seed + seed})
    found = weigh(
        problem.data(synthetic),
        problem.truth.astype(np.float64),
        problem.rare,
        taxonomy=problem.taxonomy,
        config=config,
        pays=Pays(seeds=DIVISIONS),
        folder=SCRATCH,
    )
    return {
        "macro_f1": {arm: one.value and round(one.value, 4) for arm, one in found.macro_f1.items()},
        "f1": {
            one.key: {arm: each.value and round(each.value, 4) for arm, each in one.f1.items()}
            for one in found.categories
        },
        "chances": {one.key: dict(one.chances) for one in found.categories},
        "made": {one.key: dict(one.made) for one in found.categories},
        "kept": {one.key: one.kept for one in found.categories},
        "reasons": {one.key: one.reason for one in found.categories},
    }


def told(name: str, trials: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Means over the seeds; what an arm gains on the test where it is kept, and where it is not."""
    rare = list(trials[0]["f1"])
    arms = list(trials[0]["test"])
    summary: dict[str, Any] = {"trials": list(trials), "test": {}, "gain": {}}
    for arm in arms:
        mean = float(np.mean([one["test"][arm][key] for one in trials for key in rare]))
        macro = float(np.mean([one["test"][arm]["macro_f1"] for one in trials]))
        gains = [one["test"][arm][key] - one["test"]["none"][key] for one in trials for key in rare]
        summary["test"][arm] = {"rare_f1": mean, "macro_f1": macro, **spread(gains)}
        print(f"{name}: {arm}: F1 of rare {mean:.3f}, macro-F1 {macro:.3f}, {spread(gains)}", flush=True)
    for arm in arms[2:]:
        pairs = [
            (one["test"][arm][key] - one["test"]["none"][key], one["kept"][key] == arm)
            for one in trials
            for key in rare
        ]
        kept, rest = ([gain for gain, taken in pairs if taken is side] for side in (True, False))
        summary["gain"][arm] = {"kept": spread(kept), "not_kept": spread(rest)}
        print(f"{name}: {arm}: kept {spread(kept)}, not kept {spread(rest)}", flush=True)
    return summary


def spread(gains: Sequence[float]) -> dict[str, float | int]:
    """Mean gain with its standard error over seeds and categories."""
    if not gains:
        return {"n": 0}
    error = float(np.std(gains, ddof=1) / np.sqrt(len(gains))) if len(gains) > 1 else float("nan")
    return {"n": len(gains), "mean": round(float(np.mean(gains)), 4), "error": round(error, 4)}


def typo_test(given: Namespace) -> dict[str, Any]:
    """Accuracy on a test with typing errors, trained without them and with a changed copy of every text."""
    data = divided("sib200-rus")
    train, test = data.splits[-1]
    problem = problem_of("sib200", data, train, test, tuple(data.keys), given.kind)
    targets = problem.truth.astype(np.float64)
    counts = dict(zip(problem.taxonomy.keys, problem.truth.sum(axis=0).tolist(), strict=True))
    found: dict[str, Any] = {}
    for kind in ("linear", "heads"):
        settings = problem.config.train.model_copy(update={"models": (kind,)})
        config = problem.config.model_copy(update={"train": settings})
        for arm in ("none", "typos"):
            real = [
                RealText(text.id, text.content, (problem.taxonomy.keys[row.argmax()],), group)
                for text, row, group in zip(problem.texts, problem.truth, problem.groups, strict=True)
            ]
            made = [] if arm == "none" else cheap_texts(real, counts, changes=("typos",), seed=1)
            rows = problem.data(made)
            learning = replace(rows.examples, targets=targets, weights=np.ones(len(targets)))
            folds = spread_folds(rows, targets, np.ones(len(targets), dtype=bool), config)
            context = TrainingContext.of(config, space=problem.taxonomy.space, folder=SCRATCH)
            fitted = fit_proxy(learning, folds, replace(context, synthetic=rows.synthetic))
            rule = fit_rule(fitted.oof_logits, targets, np.ones(len(targets)), space=context.space)
            found[f"{kind}, {arm}"] = {}
            for rate in TYPO_RATES:
                broken = [replace(text, content=with_typos(text.content, rate)) for text in problem.test]
                vectors = problem.encoded(broken)
                inputs = Examples(
                    contents=[text.content for text in broken],
                    vectors=vectors,
                    targets=problem.test_truth.astype(np.float64),
                    weights=np.ones(len(broken)),
                    groups=[text.id for text in broken],
                ).inputs()
                decisions: Bools = rule.decide(_probabilities(rule, fitted.model.logits(inputs)))
                right = float((decisions == problem.test_truth).all(axis=1).mean())
                found[f"{kind}, {arm}"][str(rate)] = round(right, 4)
            print(f"typos: {kind}, {arm}: {found[f'{kind}, {arm}']}", flush=True)
    return found


def _probabilities(rule: Any, logits: Floats) -> Floats:
    return np.asarray(rule.probabilities(logits))


def with_typos(text: str, rate: float) -> str:
    """The text with so many slips a letter, the same each time."""
    return typos(text, Random(f"13/{text}"), rate=rate) if rate else text


RUN = {"sib200": sib200, "reviews": reviews, "news": news, "typos": typo_test}


if __name__ == "__main__":
    main()
