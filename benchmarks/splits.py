"""The real data sets as benchmarks use them: one way to divide each, the same for Rubricator and its peers.

Texts are read, cleaned, grouped and divided by Rubricator's own stages from the configs in `real/`, so that
nobody sees other texts, other labels or other folds than the others.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from machine import ROOT

from rubricator.config import Config, read_config
from rubricator.dataset.split import DatasetSplit, golden_targets
from rubricator.label_space import LabelSpace
from rubricator.pipeline.read import read
from rubricator.pipeline.split import split
from rubricator.stats.arrays import Bools
from rubricator.stats.folds import make_folds
from rubricator.taxonomy import Taxonomy

FOLDS = 5
SEED = 13
DATA = {
    "sib200-rus": ("sib200.yaml", "accuracy"),
    "sib200-eng": ("sib200-eng.yaml", "accuracy"),
    "sib200-kaz": ("sib200-kaz.yaml", "accuracy"),
    "intents": ("intents.yaml", "accuracy"),
    "videos": ("videos.yaml", "accuracy"),
    "reviews": ("reviews.yaml", "weighted_f1"),
    "news": ("news.yaml", "macro_f1"),
    "sib200-rus-8": ("sib200.yaml", "accuracy"),
    "sib200-rus-16": ("sib200.yaml", "accuracy"),
    "sib200-eng-8": ("sib200-eng.yaml", "accuracy"),
    "sib200-eng-16": ("sib200-eng.yaml", "accuracy"),
}
"""Name → config, and the figure that the row leads with."""
FEW = {"sib200-rus-8": 8, "sib200-rus-16": 16, "sib200-eng-8": 8, "sib200-eng-16": 16}
"""So many labelled texts of every category train, drawn anew for each split."""
DRAWS = 2
DIVIDED_HERE = ("videos", *FEW)
"""Data that Rubricator's own stages would divide otherwise, or only once: it is run once per split."""


@dataclass(frozen=True, slots=True)
class Divided:
    """One data set: labelled texts, and pairs of rows to train on and to be measured on."""

    name: str
    figure: str
    ids: list[str]
    contents: list[str]
    space: LabelSpace
    truth: Bools
    groups: list[str]
    splits: list[tuple[list[int], list[int]]]
    config: Config

    @property
    def keys(self) -> tuple[str, ...]:
        return self.space.keys

    @property
    def labels(self) -> list[list[str]]:
        return [[self.keys[place] for place in np.flatnonzero(row)] for row in self.truth]


def divided(name: str, *, draws: int = DRAWS) -> Divided:
    """Read and divide one data set; `draws` say how often a few texts are drawn, where few train."""
    file, figure = DATA[name]
    config = read_config(ROOT / "benchmarks/real" / file)
    taxonomy = Taxonomy.read(config.path(config.taxonomy))
    dataset = read(config, taxonomy)
    truth = golden_targets(dataset, taxonomy) > 0.5
    rows = [row for row, text in enumerate(dataset.texts) if text.id in dataset.golden]
    texts = [dataset.texts[row] for row in rows]
    groups = [dataset.groups[text.id] for text in texts]
    if name == "videos":
        fold = make_folds(truth[rows], groups, folds=FOLDS, seed=SEED)
        splits = _by_fold(fold.tolist())
    else:
        splits = _as_run(split(dataset, taxonomy, config), [text.id for text in texts])
    if name in FEW:
        splits = [_few(truth[rows], *splits[-1], FEW[name], seed=SEED + draw) for draw in range(draws)]
    return Divided(
        name=name,
        figure=figure,
        ids=[text.id for text in texts],
        contents=[text.content for text in texts],
        space=taxonomy.space,
        truth=truth[rows],
        groups=groups,
        splits=splits,
        config=config,
    )


def nested(data: Divided, *, repeats: int) -> Divided:
    """All its labelled texts by folds: each is measured once a repeat, by what the other folds taught."""
    folds = [
        make_folds(data.truth, data.groups, folds=FOLDS, seed=SEED + repeat) for repeat in range(repeats)
    ]
    return replace(data, splits=[pair for fold in folds for pair in _by_fold(fold.tolist())])


def _as_run(split: DatasetSplit, ids: list[str]) -> list[tuple[list[int], list[int]]]:
    """As a run measures: golden texts by folds where they train, those of the test part by all that teach."""
    teaching = [row for row, id_ in enumerate(ids) if id_ in split.teaching]
    tested = [row for row, id_ in enumerate(ids) if split.part[id_] == "test"]
    folds = sorted({split.fold[ids[row]] for row in teaching} if split.fold else set())
    splits = [
        (
            [row for row in teaching if split.fold[ids[row]] != fold],
            [row for row in teaching if split.fold[ids[row]] == fold],
        )
        for fold in folds
    ]
    return [*splits, (teaching, tested)] if tested else splits


def _by_fold(fold: list[int]) -> list[tuple[list[int], list[int]]]:
    return [
        (
            [row for row, number in enumerate(fold) if number != held],
            [row for row, number in enumerate(fold) if number == held],
        )
        for held in range(FOLDS)
    ]


def _few(
    truth: Bools, teaching: list[int], tested: list[int], each: int, *, seed: int
) -> tuple[list[int], list[int]]:
    """So many texts of every category to train on, the whole test part to be measured on."""
    order = np.random.default_rng(seed).permutation(teaching)
    drawn = [row for category in truth.T for row in order[category[order]][:each]]
    return sorted({int(row) for row in drawn}), tested
