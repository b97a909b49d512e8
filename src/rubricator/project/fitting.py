"""From texts and labels to a trained model, without a folder of stages."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from rubricator.config import Config
from rubricator.dataset.dataset import Dataset
from rubricator.dataset.files import ANSWERS
from rubricator.dataset.labels import LabelSet, decided_of, targets_of
from rubricator.dataset.sources import label_sources
from rubricator.dataset.split import DatasetSplit
from rubricator.dataset.training_data import training_data
from rubricator.errors import DataError
from rubricator.ingest.clean import clean_texts
from rubricator.ingest.duplicates import group_duplicates
from rubricator.label.aggregation.labels import person_label
from rubricator.label.aggregation.probabilities import teacher_scores
from rubricator.label.asking.runner import ask
from rubricator.label.teachers.factory import open_teachers
from rubricator.models.training_result import TrainingResult
from rubricator.pipeline.label import label
from rubricator.progress import Progress
from rubricator.project.labels import Labels
from rubricator.records import Origin, Text
from rubricator.store import Store
from rubricator.taxonomy import Taxonomy
from rubricator.train.search.encoding import encode_for_training
from rubricator.train.search.model_search import train_models
from rubricator.train.time_limit import TimeLimit

_log = logging.getLogger(__name__)


def make_dataset(texts: list[Text], labels: Labels, config: Config, progress: Progress) -> Dataset:
    """Texts cleaned and grouped by duplicates, with the labels that people gave."""
    cleaned = clean_texts(texts, config.clean, progress=progress)
    groups = group_duplicates(cleaned, config.duplicates, progress=progress)
    golden = {text.id: keys for text, keys in zip(cleaned, labels, strict=True) if keys is not None}
    return Dataset(cleaned, groups.of, golden, [], {})


def label_dataset(
    dataset: Dataset, taxonomy: Taxonomy, config: Config, folder: Path, progress: Progress
) -> LabelSet:
    """What people said where they did; elsewhere what the teachers agree on."""
    split = DatasetSplit(
        part={text.id: "train" for text in dataset.texts},
        fold={},
        teaching=frozenset(dataset.golden),
        by="given",
        validation="folds",
        notes=(),
    )
    sources = label_sources(dataset, split, {}, taxonomy)
    if sources.human.all():
        golden = dataset.golden.items()
        labels = {id_: person_label(id_, keys, taxonomy, Origin.GOLDEN) for id_, keys in golden}
        targets = targets_of(labels.values(), dataset.texts, taxonomy)
        return LabelSet(labels, targets, decided_of(labels, dataset.texts, taxonomy), {}, [], sources)
    with (
        Store.open(config.store or folder / ANSWERS) as store,
        open_teachers(dataset, split, taxonomy, config, progress=progress) as teachers,
    ):
        answers = ask(teachers, dataset.texts, store, progress=progress).answers
        scores = [
            teacher_scores(one.name, one.scale, answers[one.name], dataset.texts, taxonomy.space)
            for one in teachers
        ]
    label_set, _ = label(dataset, scores, sources, taxonomy, config)
    return label_set


def train_dataset(
    dataset: Dataset,
    label_set: LabelSet,
    taxonomy: Taxonomy,
    config: Config,
    folder: Path,
    progress: Progress,
) -> TrainingResult:
    """Models trained on all texts and compared by cross-validation.

    Raises:
        DataError: No text has a label.
        TrainingError: The labels do not allow a model.
    """
    if not label_set.labels:
        raise DataError(
            "No text has a label: no teacher had an opinion about any of them.",
            fix="Give some labels, or categories with descriptions and keywords.",
        )
    limit = TimeLimit(config.train.time_limit)
    vectors = encode_for_training(dataset.texts, taxonomy, config, limit, progress=progress)
    for note in vectors.notes:
        _log.warning(note)
    everyone = np.ones(len(dataset.texts), dtype=bool)
    with threadpool_limits(limits=1, user_api="blas"):
        trained, _ = train_models(
            training_data(dataset, label_set, vectors.first, vectors.more, vectors.described),
            label_set.targets,
            train=everyone,
            validation=~everyone,
            taxonomy=taxonomy,
            config=config,
            folder=folder / "training",
            limit=limit,
            progress=progress,
        )
    return trained
