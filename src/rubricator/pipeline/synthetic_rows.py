"""Synthetic texts of a run as rows for training, encoded as its real texts are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from rubricator.dataset.dataset import Dataset
from rubricator.dataset.inputs import BASE
from rubricator.dataset.split import DatasetSplit
from rubricator.dataset.synthetic import SyntheticText
from rubricator.dataset.synthetic_examples import UsableTexts, as_texts, synthetic_examples, usable_texts
from rubricator.dataset.training_data import TrainingData
from rubricator.encode.vectors import encode_by_each
from rubricator.pipeline.stage import Run


def with_synthetic_texts(
    data: TrainingData, texts: Sequence[SyntheticText], dataset: Dataset, split: DatasetSplit, run: Run
) -> tuple[TrainingData, UsableTexts]:
    """The data with the synthetic texts that may train, and these texts, with sentences on the others.

    They are encoded by the encoders by which the real texts are.
    """
    usable = usable_texts(texts, dataset, split.part, run.taxonomy)
    if not usable.texts:
        return data, usable
    examples = data.examples
    names = [] if examples.vectors is None else [BASE, *examples.more_vectors]
    vectors = encode_by_each(as_texts(usable.texts), run.config, names, progress=run.progress)
    settings = run.config.augment
    rows = synthetic_examples(
        usable.texts,
        dataset,
        run.taxonomy,
        vectors.pop(BASE, None),
        vectors,
        weight=1.0 if settings is None else settings.pays.weight,
    )
    return replace(data, synthetic=rows), usable
