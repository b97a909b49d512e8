"""Test accuracy on SIB-200 rus by number of reviews: the chosen order against random order, over 5 seeds.

    python benchmarks/review_curve.py --json benchmarks/results/review-curve.json

The labels of train are hidden; a simulated person reveals the true one of each text that is put before
them, in batches of 25. After each batch the labels are agreed anew and the next batch is chosen; at every
size of the curve models are trained as `rubricator run` builds it and measured on the test part. `--tune`
measures on a fifth of train instead, another one per seed, so that nothing is chosen by looking at test.

Needs the real data (RUBRICATOR_DATA, default ../shared/data beside the project). Draws the curve beside
the JSON file.
"""

from __future__ import annotations

import statistics
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from machine import ROOT, arguments, write

from rubricator.config import Config, read_config
from rubricator.dataset.annotations import TeacherScores
from rubricator.dataset.dataset import Dataset
from rubricator.dataset.examples import Examples
from rubricator.dataset.labels import decided_of, targets_of
from rubricator.dataset.sources import LabelSources
from rubricator.dataset.split import golden_targets
from rubricator.dataset.training_data import TrainingData
from rubricator.encode.vectors import encode_texts
from rubricator.label.aggregation.labels import label_texts
from rubricator.label.aggregation.probabilities import teacher_scores
from rubricator.label.asking.runner import ask
from rubricator.label.teachers.factory import open_teachers
from rubricator.pipeline.read import read
from rubricator.pipeline.review import oof_probabilities
from rubricator.pipeline.split import split
from rubricator.review.selection import RANDOM_SHARE, pick
from rubricator.review.uncertainty import AGREED_WEIGHT, product_of_experts
from rubricator.stats.arrays import Bools
from rubricator.store import Store
from rubricator.taxonomy import Taxonomy
from rubricator.train.search.model_search import train_models
from rubricator.train.training_context import TrainingContext

SIZES = (0, 25, 50, 100, 200)
BATCH = 25
SETTINGS = ["train.models=[heads]"]


@dataclass(frozen=True)
class Project:
    """SIB-200 rus, read and answered about by the teachers."""

    config: Config
    taxonomy: Taxonomy
    dataset: Dataset
    truth: Bools
    test: Bools
    scores: list[TeacherScores]
    examples: Examples

    def agree(self, reviewed: list[int], drawn: set[int]) -> tuple[Any, Any, Any]:
        """Targets, decisions and opinions as they are once these rows are reviewed.

        Args:
            reviewed: Rows whose true label a person told.
            drawn: Those of them that were drawn at random.
        """
        texts = self.dataset.texts
        rows = np.arange(len(texts))
        teaches = np.isin(rows, reviewed)
        sources = LabelSources(
            ids=tuple(text.id for text in texts),
            origin=np.where(teaches, "review", ""),
            categories=self.truth & teaches[:, None],
            unbiased=np.isin(rows, list(drawn)),
            teaches=teaches,
            part=np.where(self.test, "test", "train"),
            fold=np.full(len(texts), -1),
        )
        labels, aggregation = label_texts(self.scores, self.dataset, sources, self.taxonomy, self.config)
        targets = targets_of(labels, texts, self.taxonomy)
        by_id = {label.text_id: label for label in labels}
        return (
            targets,
            decided_of(by_id, texts, self.taxonomy),
            np.stack([one.probabilities for one in aggregation.probabilities]),
        )


def opened(settings: list[str]) -> Project:
    config = read_config(ROOT / "benchmarks/real/sib200-zero.yaml", [*SETTINGS, *settings])
    taxonomy = Taxonomy.read(config.path(config.taxonomy))
    dataset = read(config, taxonomy)
    dataset_split = split(dataset, taxonomy, config)
    with (
        tempfile.TemporaryDirectory() as folder,
        Store.open(Path(folder) / "answers.sqlite") as store,
        open_teachers(dataset, dataset_split, taxonomy, config) as teachers,
    ):
        answers = ask(teachers, dataset.texts, store).answers
        scores = [
            teacher_scores(one.name, one.scale, answers[one.name], dataset.texts, taxonomy.space)
            for one in teachers
        ]
    truth = golden_targets(dataset, taxonomy) > 0.5
    ids = [text.id for text in dataset.texts]
    examples = Examples(
        contents=[text.content for text in dataset.texts],
        vectors=encode_texts(dataset.texts, config),
        targets=np.zeros(truth.shape),
        weights=np.zeros(len(ids)),
        groups=[dataset.groups[id_] for id_ in ids],
    )
    test = np.array([dataset_split.part[id_] == "test" for id_ in ids])
    return Project(config, taxonomy, dataset, truth, test, scores, examples)


def curve(
    project: Project, order: str, seed: int, *, test: Bools, train: Bools
) -> dict[int, dict[str, float]]:
    """What is reached at every size, with one sequence of reviews."""
    points, reviewed, drawn = {}, list[int](), set[int]()
    while True:
        targets, decided, opinions = project.agree(reviewed, drawn)
        if len(reviewed) in SIZES:
            human_labels = (reviewed, drawn)
            points[len(reviewed)] = measured(project, targets, decided, human_labels, test=test, train=train)
        if len(reviewed) >= max(SIZES):
            return points
        posterior = targets if order == "random" else doubts(project, targets, reviewed, train)
        picks = pick(
            posterior,
            decided,
            opinions,
            project.examples.vectors,
            project.examples.groups,
            reviewed=[*reviewed, *np.flatnonzero(~train).tolist()],
            count=BATCH,
            space=project.taxonomy.space,
            seed=1000 * seed + len(reviewed),
            random_share=1.0 if order == "random" else RANDOM_SHARE,
        )
        reviewed += [found.row for found in picks]
        drawn |= {found.row for found in picks if found.chosen == "random"}


def doubts(project: Project, targets: Any, reviewed: list[int], train: Bools) -> Any:
    human_labels = np.isin(np.arange(len(targets)), reviewed)
    weights = np.where(human_labels, 1.0, AGREED_WEIGHT)
    examples = replace(project.examples, targets=np.nan_to_num(targets), weights=weights)
    rows, seed = np.flatnonzero(train), project.config.seed
    with tempfile.TemporaryDirectory() as folder:
        context = replace(
            TrainingContext.of(project.config, space=project.taxonomy.space, folder=Path(folder)), seed=seed
        )
        own = oof_probabilities(examples, rows, context=context)
        return product_of_experts(targets, own, context.space)


def measured(
    project: Project,
    targets: Any,
    decided: Any,
    human_labels: tuple[list[int], set[int]],
    *,
    test: Bools,
    train: Bools,
) -> dict[str, float]:
    rows = np.arange(len(targets))
    reviewed, drawn = (np.isin(rows, list(some)) for some in human_labels)
    data = TrainingData(
        project.examples, reviewed, drawn, np.where(train, "train", "test"), np.full(len(rows), -1)
    )
    with tempfile.TemporaryDirectory() as folder:
        trained, _ = train_models(
            data,
            targets,
            train=train,
            validation=np.zeros_like(train),
            taxonomy=project.taxonomy,
            config=project.config,
            folder=Path(folder),
        )
    rule = trained.rules[trained.choice.name]
    said = rule.decide(rule.probabilities(trained.winner.logits(project.examples.subset(test).inputs())))
    unseen = train & ~reviewed
    return {
        "accuracy": float((said == project.truth[test]).all(axis=1).mean()),
        "labels_right": float((decided == project.truth)[train].all(axis=1).mean()),
        "unreviewed_right": float((decided == project.truth)[unseen].all(axis=1).mean()),
        "weak_label_weight": trained.weak_label_weight,
    }


def parts(project: Project, seed: int, *, tune: bool) -> tuple[Bools, Bools]:
    """What is measured on and what is learnt from."""
    if not tune:
        return project.test, ~project.test
    rows = np.random.default_rng(seed // 5).permutation(np.flatnonzero(~project.test))
    held = np.isin(np.arange(len(project.test)), rows[seed % 5 :: 5])
    return held, ~project.test & ~held


def main() -> None:
    options = arguments(__doc__.splitlines()[0])
    options.add_argument("--tune", action="store_true", help="measure on parts of train, not on test")
    options.add_argument("--seeds", type=int, default=5)
    options.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="a setting of the run"
    )
    options.add_argument("--order", action="append", choices=("gain", "random"))
    given = options.parse_args()
    project = opened(given.set)
    found: dict[str, Any] = {}
    for order in given.order or ("gain", "random"):
        runs = []
        for seed in range(given.seeds):
            test, train = parts(project, seed, tune=given.tune)
            runs.append(curve(project, order, seed, test=test, train=train))
            print(
                order,
                seed,
                {size: round(point["accuracy"], 3) for size, point in runs[-1].items()},
                flush=True,
            )
        found[order] = {size: summary([run[size] for run in runs]) for size in SIZES}
        print(line(order, found[order]), flush=True)
    write(
        given.json, {"measured": "parts of train" if given.tune else "test", "settings": given.set, **found}
    )
    if given.json:
        draw(found, given.json.with_suffix(".png"))


def summary(points: list[dict[str, float]]) -> dict[str, Any]:
    """Mean and standard deviation over the seeds, and the accuracies themselves."""
    means = {name: round(statistics.fmean(point[name] for point in points), 4) for name in points[0]}
    each = [round(point["accuracy"], 4) for point in points]
    return {**means, "spread": round(statistics.stdev(each), 4) if len(each) > 1 else 0.0, "each": each}


def line(order: str, found: dict[int, dict[str, Any]]) -> str:
    figures = "  ".join(f"{size}: {p['accuracy']:.3f} ±{p['spread']:.3f}" for size, p in found.items())
    return f"{order:<7} {figures}"


def draw(found: dict[str, Any], path: Path) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4.2), layout="constrained")
    axes = figure.add_subplot()
    for order, colour in (("gain", "#1f5a94"), ("random", "#a0521d")):
        if order not in found:
            continue
        sizes = list(found[order])
        means = np.array([found[order][size]["accuracy"] for size in sizes])
        spread = np.array([found[order][size]["spread"] for size in sizes])
        axes.plot(
            sizes, means, marker="o", color=colour, label="chosen by gain" if order == "gain" else "random"
        )
        axes.fill_between(sizes, means - spread, means + spread, color=colour, alpha=0.15, linewidth=0)
    axes.set(xlabel="texts reviewed", ylabel="accuracy on test", title="SIB-200 rus: what reviews are worth")
    axes.grid(alpha=0.3)
    axes.legend(frameon=False)
    figure.savefig(path, dpi=150)


if __name__ == "__main__":
    main()
