"""The encoders of an artifact as its settings want them: trimmed, and in the precision that pays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from rubricator.config import Export
from rubricator.dataset.dataset import Dataset
from rubricator.dataset.labels import LabelSet
from rubricator.dataset.precision_table import PrecisionTable
from rubricator.encode import Encoder, cache_folder
from rubricator.encode.compression.variants import open_trimmed
from rubricator.encode.compression.vocabulary import pieces_of
from rubricator.errors import DataError
from rubricator.evaluate.precision.choose import choose_precision
from rubricator.evaluate.precision.trial import Trial
from rubricator.models.training_result import TrainingResult
from rubricator.pipeline.stage import Run
from rubricator.stats.arrays import Bools, Indices
from rubricator.train.search.validation import ENOUGH_GOLDEN

_CALIBRATION = 64
TEXTS = 400
"""On so many texts precisions are compared at most."""


def served_encoders(
    run: Run,
    settings: Export,
    dataset: Dataset,
    label_set: LabelSet,
    trained: TrainingResult,
    encoders: Mapping[str, Encoder],
    *,
    texts: int = TEXTS,
) -> tuple[dict[str, Encoder], PrecisionTable]:
    """The encoders that go into the artifact instead of those trained with, and why, tried on so many texts.

    Raises:
        EncoderError: They cannot be had as the settings want them.
        MissingExtraError: That takes a package that is not installed.
        DataError: There are no texts to try them on.
    """
    cache, threads = cache_folder(run.config.encoding.cache), run.config.encoding.threads
    served, vocabulary = dict(encoders), {}
    if settings.trim_vocabulary:
        contents = [text.content for text in dataset.texts]
        for name, whole in encoders.items():
            served[name] = open_trimmed(whole, contents, cache=cache, threads=threads, progress=run.progress)
            vocabulary[name] = pieces_of(whole.folder), pieces_of(served[name].folder)
    served, table = choose_precision(
        served,
        trial_of(dataset, label_set, trained, seed=run.config.seed, texts=texts),
        settings,
        cache=cache,
        threads=threads,
        progress=run.progress,
    )
    return served, replace(table, vocabulary=vocabulary)


def trial_of(
    dataset: Dataset, label_set: LabelSet, trained: TrainingResult, *, seed: int, texts: int = TEXTS
) -> Trial:
    """The texts on which precisions are compared: validation, and of the training texts as many as it lacks.

    Where a run cross-fits, and so has no validation part, all are training texts: what the precisions differ
    by shows on these as well, though the model has seen them. Texts of the test part are none of them.

    Raises:
        DataError: There are too few texts.
    """
    sources = label_set.sources
    train, validation = sources.part == "train", sources.part == "validation"
    judging = validation if validation.any() else train
    enough = (judging & sources.unbiased).sum() >= ENOUGH_GOLDEN
    known = judging & (sources.unbiased if enough else sources.human | sources.agreed)
    calibration, rows = _drawn(train, judging, known, texts, np.random.default_rng(seed))
    if not len(rows) or not len(calibration):
        raise DataError(
            "There are too few texts outside the test part to try precisions on.",
            fix="Add texts, lower `split.test`, or leave out the section `export`.",
        )
    truth = np.where(sources.human[:, None], sources.categories, label_set.decided)
    by_whom = "labelled by people" if enough else "labelled by people or teachers"
    seen = "" if validation.any() else "; the model learned from training texts, these among them"
    return Trial(
        model=trained.served[0],
        rule=trained.rules[trained.choice.name],
        metric=trained.metric,
        contents=[dataset.texts[row].content for row in rows.tolist()],
        features=[dataset.texts[row].features for row in rows.tolist()],
        truth=truth[rows],
        weights=known[rows].astype(np.float64),
        calibration=[dataset.texts[row].content for row in calibration.tolist()],
        about=f"{len(rows):,} texts outside test, {int(known[rows].sum()):,} of them {by_whom}{seen}",
    )


def _drawn(
    train: Bools, judging: Bools, known: Bools, texts: int, generator: np.random.Generator
) -> tuple[Indices, Indices]:
    """Rows that calibrate, and others that judge: those whose categories are known before all."""

    def shuffled(rows: Bools) -> Indices:
        return generator.permutation(np.flatnonzero(rows))

    pool = np.concatenate([shuffled(train & ~known), shuffled(train & known)])
    calibration = pool[: min(_CALIBRATION, -(-len(pool) // 4))]
    free = np.ones(len(train), dtype=bool)
    free[calibration] = False
    judged = np.concatenate([shuffled(known & free), shuffled(judging & ~known & free)])[:texts]
    spare = shuffled(train & ~judging & free)[: texts - len(judged)]
    return calibration, np.sort(np.concatenate([judged, spare]))
