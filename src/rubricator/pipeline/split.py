"""Split: every text gets its part before anything is learnt, so that nothing learns from test."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace

from rubricator.config import Config
from rubricator.dataset import files
from rubricator.dataset.dataset import Dataset
from rubricator.dataset.split import TEACHING_PARTS, DatasetSplit, SplitBy, SplitPart, golden_targets
from rubricator.errors import DataError
from rubricator.ingest.split_notes import rare_notes
from rubricator.ingest.splitting import Parts, split_texts
from rubricator.pipeline.stage import Run, Stage
from rubricator.stats.arrays import Floats
from rubricator.stats.folds import make_folds
from rubricator.taxonomy import Taxonomy

ENOUGH_GOLDEN_IN_TEST = 200
"""With so many golden test texts a cross-validated figure beside them would say nothing new."""


def split(dataset: Dataset, taxonomy: Taxonomy, config: Config) -> DatasetSplit:
    """Divide the texts by time or at random, groups whole, golden texts by `golden.use`.

    Raises:
        DataError: Too few texts, or no golden text where the config needs some.
    """
    golden, use = dataset.golden, config.golden.use
    if not golden and use != "test":
        raise DataError(
            f"golden.use is '{use}' and there are no golden texts.",
            fix="Name a golden file (columns id, labels) or data.columns.labels, or remove golden.use.",
        )
    targets = golden_targets(dataset, taxonomy)
    parts = split_texts(
        dataset.texts, dataset.groups, targets, golden.keys(), use=use, config=config.split, seed=config.seed
    )
    teaching, fold = _teaching(dataset, targets, parts.part, config)
    notes = (*parts.notes, *_rare_notes(dataset, targets, parts, fold, taxonomy, config))
    return DatasetSplit(parts.part, fold, teaching, parts.by, parts.validation, notes)


def with_golden(split: DatasetSplit, dataset: Dataset, taxonomy: Taxonomy, config: Config) -> DatasetSplit:
    """The parts of a split, with the golden labels that there are now: who teaches, and in which fold."""
    teaching, fold = _teaching(dataset, golden_targets(dataset, taxonomy), split.part, config)
    return split if teaching == split.teaching else replace(split, teaching=teaching, fold=fold)


def _teaching(
    dataset: Dataset, targets: Floats, part: Mapping[str, SplitPart], config: Config
) -> tuple[frozenset[str], dict[str, int]]:
    """Golden texts whose labels teach, and folds over them where few golden texts are left to test."""
    golden, use = dataset.golden, config.golden.use
    teaching = frozenset(id_ for id_ in golden if part[id_] in _TEACHES[use])
    in_test = sum(part[id_] == "test" for id_ in golden)
    crossed = use == "train" and in_test < ENOUGH_GOLDEN_IN_TEST
    return teaching, _golden_folds(dataset, targets, teaching, config) if crossed else {}


def _rare_notes(
    dataset: Dataset,
    targets: Floats,
    parts: Parts,
    fold: Mapping[str, int],
    taxonomy: Taxonomy,
    config: Config,
) -> Iterator[str]:
    """Which categories are short where golden labels serve: in the parts, and in the folds over them."""
    labelled = [row for row, text in enumerate(dataset.texts) if text.id in dataset.golden]
    ids = [dataset.texts[row].id for row in labelled]
    serving = [part for part in _SERVING[config.golden.use] if part in parts.part.values()]
    if labelled:
        where, least = [parts.part[id_] for id_ in ids], config.split.min_per_category
        yield from rare_notes(taxonomy.keys, targets[labelled], where, serving=serving, least=least)
    crossed = [row for row, text in enumerate(dataset.texts) if text.id in fold and text.id in dataset.golden]
    if crossed:
        few = targets[crossed].sum(axis=0) < config.split.folds
        if few.any():
            names = ", ".join(key for key, short in zip(taxonomy.keys, few, strict=True) if short)
            yield f"Fewer labelled texts than the {config.split.folds} folds, so some lack them: {names}."


def _golden_folds(
    dataset: Dataset, targets: Floats, teaching: Collection[str], config: Config
) -> dict[str, int]:
    """Folds over teaching texts; an unlabelled duplicate is held out together with its golden twin."""
    rows = [i for i, text in enumerate(dataset.texts) if text.id in teaching]
    groups = [dataset.groups[dataset.texts[i].id] for i in rows]
    folds = make_folds(targets[rows], groups, folds=config.split.folds, seed=config.seed)
    of_group = dict(zip(groups, folds.tolist(), strict=True))
    return {id_: of_group[group] for id_, group in dataset.groups.items() if group in of_group}


_TEACHES: Mapping[str, frozenset[SplitPart]] = {
    "train": TEACHING_PARTS,
    "tune": frozenset({"validation"}),
    "test": frozenset(),
}
_SERVING: Mapping[str, tuple[SplitPart, ...]] = {
    "train": ("train", "validation", "test"),
    "tune": ("validation", "test"),
    "test": ("test",),
}
_PARTS: tuple[SplitPart, ...] = ("train", "validation", "test", "left_out")
_BY: Mapping[SplitBy, str] = {
    "given": "as the input prescribes",
    "time": "by time",
    "golden": "the golden texts are the test",
    "random": "at random",
}


def _work(run: Run) -> list[str]:
    dataset = files.read_dataset(run.folder)
    dataset_split = split(dataset, run.taxonomy, run.config)
    files.write_split(run.file("stages/split.json"), dataset_split)
    sizes = Counter(dataset_split.part.values())
    counts = ", ".join(f"{sizes[part]:,} {part.replace('_', ' ')}" for part in _PARTS if sizes[part])
    how = "cross-fitted on train" if dataset_split.validation == "folds" else "the validation part"
    return [f"{counts} ({_BY[dataset_split.by]}); validation: {how}"]


STAGE = Stage(
    name="split",
    about="Divide the texts into train, validation and test.",
    depends=lambda run: {
        "config": run.config.model_dump_json(include={"split", "golden", "seed"}),
        "taxonomy": ",".join(run.taxonomy.keys),
    },
    after=("read",),
    writes=("stages/split.json",),
    work=_work,
)
