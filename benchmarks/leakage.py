"""What leaks in real splits and how many points it flatters; augmenting before the split against after it.

    python benchmarks/leakage.py --json benchmarks/results/leakage.json

First every split is checked as `rubricator split --check` does. Then rare categories of reviews are augmented
by near-copies (words dropped, letters swapped) in two orders: before a random split, the common mistake, and
after it, in train alone. Both are measured on their own test part, over several seeds.
Needs the real data (RUBRICATOR_DATA).
"""

from __future__ import annotations

import os
import random
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from machine import ROOT, arguments, write

from rubricator.config import Duplicates, read_config
from rubricator.ingest.duplicates import group_duplicates
from rubricator.ingest.leakage.files import CheckColumns
from rubricator.label_space import LabelSpace
from rubricator.pipeline.read import read
from rubricator.pipeline.split import split
from rubricator.pipeline.split_check import SplitCheck, check_files
from rubricator.records import Text
from rubricator.stats.arrays import Bools, Floats
from rubricator.stats.bootstrap import Estimate, percentile_interval, resample_groups
from rubricator.stats.counts import GroupedCounts
from rubricator.stats.folds import draw_share, group_counts
from rubricator.tables.reading import open_table, open_writer
from rubricator.taxonomy import Taxonomy
from rubricator.train.quick import QuickModel

DATA = Path(os.environ.get("RUBRICATOR_DATA", ROOT.parent / "shared/data"))
SIB = {"sib200-rus": "rus_Cyrl", "sib200-eng": "eng_Latn", "sib200-kaz": "kaz_Cyrl"}
TEST = 0.2
DRAWS = 2000
AGREED = 3  # of five annotators


@dataclass(frozen=True, slots=True)
class Labelled:
    """Texts with one category each, and what no split may divide."""

    contents: list[str]
    labels: list[str]
    groups: list[str]


def main() -> None:
    options = arguments(__doc__.splitlines()[0])
    options.add_argument("--seeds", type=int, default=10, help="splits of the reviews in either order")
    given = options.parse_args()
    checks = {name: _told(name, check) for name, check in _checks()}
    orders = {}
    for name, data in (("golden", _golden()), ("annotated", _annotated())):
        orders[name] = _orders(name, data, seeds=given.seeds)
    write(given.json, {"splits": checks, "augmentation": orders})


def _checks() -> Iterator[tuple[str, SplitCheck]]:
    for name, folder in SIB.items():
        files = [DATA / "sib200" / folder / f"{part}.tsv" for part in ("train", "dev", "test")]
        yield name, check_files(files, CheckColumns(id="index_id", body="text", labels="category"))
    parts = [DATA / "intents/train.csv", DATA / "intents/test.csv"]
    yield "intents", check_files(parts, CheckColumns(body="text", labels="label"))
    yield "reviews", check_files([DATA / "reviews/train.csv", DATA / "reviews/test.csv"])
    columns = CheckColumns(id="id", body="text", labels="label", part="part", group_by="channel")
    with tempfile.TemporaryDirectory() as folder:
        for name, group_by in (("videos, at random", "null"), ("videos, by channel", "channel_id")):
            path = Path(folder) / "videos.csv"
            _write_videos(path, group_by)
            yield name, check_files([path], columns)


def _write_videos(path: Path, group_by: str) -> None:
    """The videos with their part, divided by the pipeline's own stages."""
    config = read_config(ROOT / "benchmarks/real/videos.yaml", [f"split.group_by={group_by}"])
    taxonomy = Taxonomy.read(config.path(config.taxonomy))
    dataset = read(config, taxonomy)
    part = split(dataset, taxonomy, config).part
    with open_writer(path, ("id", "text", "label", "channel", "part")) as writer:
        writer.write(
            [
                {
                    "id": text.id,
                    "text": text.content,
                    "label": ",".join(dataset.golden[text.id]),
                    "channel": text.source,
                    "part": part[text.id],
                }
                for text in dataset.texts
                if text.id in dataset.golden
            ]
        )


def _told(name: str, check: SplitCheck) -> dict[str, Any]:
    sizes = ", ".join(f"{part.texts:,} {part.name}" for part in check.parts)
    print(f"\n{name}: {sizes}")
    for count in check.counts:
        alike = f", {count.alike} of {count.compared} labelled alike" if count.compared else ""
        print(
            f"  {count.kind}: {count.texts:,} of {count.held} known by {count.others:,} of {count.other}"
            + alike
        )
    if not check.counts:
        print("  nothing leaks")
    measured = check.measured
    for points in () if measured is None else measured.points:
        for figure, as_it_is in () if measured is None else measured.as_it_is.items():
            gains = [points.easier, points.flatters, points.fewer]
            cells = "; ".join("–" if gain is None else shown(gain[figure]) for gain in gains)
            print(
                f"  {points.kind}, {figure} {as_it_is.value:.3f}: without them; model untold; fewer: {cells}"
            )
    return check.as_dict()


def _golden() -> Labelled:
    rows = _rows(DATA / "reviews/golden.csv")
    return _labelled([(row["text"], row["label"]) for row in rows])


def _annotated() -> Labelled:
    """Reviews about whose category three of five annotators agree."""
    chosen = []
    for row in _rows(DATA / "reviews/annotators.csv"):
        names = Counter(str(value) for key, value in row.items() if key != "text")
        name, votes = names.most_common(1)[0]
        if votes >= AGREED and name not in ("", "unknown"):
            chosen.append((row["text"], name))
    return _labelled(chosen)


def _rows(path: Path) -> list[dict[str, Any]]:
    return [dict(row.cells) for batch in open_table(path).rows() for row in batch if not row.fault]


def _labelled(pairs: Sequence[tuple[str, str]]) -> Labelled:
    counts = Counter(label for text, label in pairs if text.strip())
    kept = [(text, label) for text, label in pairs if text.strip() and counts[label] >= 5]
    texts = [Text(id=str(row), content=text) for row, (text, _) in enumerate(kept)]
    of = group_duplicates(texts, Duplicates()).of
    return Labelled([text for text, _ in kept], [label for _, label in kept], [of[text.id] for text in texts])


def _orders(name: str, data: Labelled, *, seeds: int) -> dict[str, Any]:
    keys = sorted(set(data.labels))
    space = LabelSpace(tuple(keys), single=True)
    scores: dict[str, list[tuple[float, float]]] = {}
    for seed in range(seeds):
        for order, figures in _scored(data, space, seed).items():
            scores.setdefault(order, []).append(figures)
    counts = Counter(data.labels)
    print(f"\nreviews, {name}: {len(data.labels):,} texts, {len(keys)} categories, {seeds} seeds")
    told: dict[str, Any] = {"texts": len(data.labels), "counts": dict(counts.most_common()), "seeds": seeds}
    for place, figure in enumerate(("macro_f1", "accuracy")):
        of = {order: np.array([one[place] for one in some]) for order, some in scores.items()}
        means = {order: _mean(values) for order, values in of.items()}
        pretended = _mean(of["augmented, then split"] - of["split, then augmented"])
        of_copies = _mean(of["the same, real test texts"] - of["split, then augmented"])
        true = _mean(of["split, then augmented"] - of["not augmented"])
        for order, mean in means.items():
            print(f"  {figure} {order}: {mean.value:.3f}")
        print(f"  {figure}: the mistake pretends {shown(pretended)} points, on real texts {shown(of_copies)}")
        print(f"  {figure}: augmentation in train gives {shown(true)}")
        told[figure] = {
            "means": {order: asdict(mean) for order, mean in means.items()},
            "pretended": asdict(pretended),
            "pretended_on_real_texts": asdict(of_copies),
            "true_gain": asdict(true),
        }
    return told


def _scored(data: Labelled, space: LabelSpace, seed: int) -> dict[str, tuple[float, float]]:
    """Macro-F1 and accuracy in either order."""
    truth = space.indicators([[label] for label in data.labels])
    copies = _copies(data, seed)
    contents = [*data.contents, *(text for _, text in copies)]
    whole = np.concatenate([truth, truth[[row for row, _ in copies]]])
    parent = np.array([*range(len(data.labels)), *(row for row, _ in copies)])
    real = np.arange(len(contents)) < len(data.labels)
    # The mistake: every copy is a text of its own when the dice are thrown.
    mistaken = _test_part(whole, [str(row) for row in range(len(contents))], seed)
    ours = _test_part(truth, data.groups, seed)[parent]
    by_mistake = _scores(contents, whole, ~mistaken, [mistaken, mistaken & real], space, seed)
    return {
        "augmented, then split": by_mistake[0],
        "the same, real test texts": by_mistake[1],
        "split, then augmented": _scores(contents, whole, ~ours, [ours & real], space, seed)[0],
        "not augmented": _scores(contents, whole, ~ours & real, [ours & real], space, seed)[0],
    }


def _test_part(truth: Bools, groups: Sequence[str], seed: int) -> Bools:
    of_text, counts = group_counts(truth, groups)
    return np.isin(of_text, draw_share(counts, share=TEST, seed=seed))


def _scores(
    contents: Sequence[str], truth: Bools, train: Bools, tests: Sequence[Bools], space: LabelSpace, seed: int
) -> list[tuple[float, float]]:
    """Macro-F1 and accuracy of one model on several sets of texts."""
    model = QuickModel(contents, truth, train, space, seed=seed)
    scores = []
    for test in tests:
        figures = GroupedCounts(truth[test], model.decide(train, test)).figures()
        scores.append((float(figures["macro_f1"][0]), float(figures["subset_accuracy"][0])))
    return scores


def _copies(data: Labelled, seed: int) -> list[tuple[int, str]]:
    """Copies of texts of rare categories: as many as bring each to half of the largest, ten each at most."""
    dice = random.Random(seed)
    counts = Counter(data.labels)
    wanted = max(counts.values()) // 2
    made = []
    for label, number in counts.items():
        rows = [row for row, own in enumerate(data.labels) if own == label]
        made += [
            (rows[copy % number], _changed(data.contents[rows[copy % number]], dice))
            for copy in range(min(max(0, wanted - number), 10 * number))
        ]
    return made


def _changed(text: str, dice: random.Random) -> str:
    """A tenth of the words dropped, and two letters swapped in a tenth of the others."""
    words = [word for word in text.split() if dice.random() > 0.1] or text.split()
    for place, word in enumerate(words):
        if len(word) > 3 and dice.random() < 0.1:
            at = dice.randrange(len(word) - 1)
            words[place] = word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    return " ".join(words)


def _mean(values: Floats) -> Estimate:
    """Mean over seeds with its bootstrap interval: what other splits of the same texts would give."""
    draws = np.concatenate(list(resample_groups(len(values), draws=DRAWS, seed=1)))
    low, high = percentile_interval(draws @ values / len(values), confidence=0.95)
    return Estimate(float(values.mean()), low, high)


def shown(gain: Estimate) -> str:
    """A difference in points with its interval."""
    if gain.value is None:
        return "–"
    ends = (
        "" if gain.low is None or gain.high is None else f" [{100 * gain.low:+.1f}, {100 * gain.high:+.1f}]"
    )
    return f"{100 * gain.value:+.1f}{ends}"


if __name__ == "__main__":
    main()
