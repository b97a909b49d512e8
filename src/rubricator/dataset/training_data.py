"""All texts as arrays in one order: what models learn from and are measured on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from rubricator.dataset.dataset import Dataset
from rubricator.dataset.examples import Examples
from rubricator.dataset.labels import LabelSet
from rubricator.dataset.synthetic_examples import SyntheticExamples
from rubricator.stats.arrays import Bools, Floats, Vectors


@dataclass(frozen=True, slots=True)
class TrainingData:
    """All texts as arrays in one order, whatever their part; targets and weights come per training.

    `golden` is true where a label is a person's and may teach, `unbiased` where it may also measure; `fold`
    is the golden fold of a text and of its duplicates, -1 elsewhere (see `LabelSources`). `described` are
    directions of the categories by their descriptions, [categories, width] by the name of the encoder.
    `synthetic` are texts that join what is learnt from, and nothing else.
    """

    examples: Examples
    golden: Bools
    unbiased: Bools
    part: NDArray[np.str_]
    fold: NDArray[np.intp]
    described: Mapping[str, Floats] = field(default_factory=dict)
    synthetic: SyntheticExamples | None = None


def training_data(
    dataset: Dataset,
    label_set: LabelSet,
    vectors: Vectors | None,
    more_vectors: Mapping[str, Vectors] | None = None,
    described: Mapping[str, Floats] | None = None,
) -> TrainingData:
    """All texts as arrays, in the order of `dataset.texts`, as are the vectors; see `Examples` for these."""
    ids = [text.id for text in dataset.texts]
    sources = label_set.sources
    examples = Examples(
        contents=[text.content for text in dataset.texts],
        vectors=vectors,
        targets=np.zeros_like(label_set.targets),
        weights=np.zeros(len(ids)),
        groups=[dataset.groups[id_] for id_ in ids],
        features=[text.features for text in dataset.texts],
        more_vectors=more_vectors or {},
    )
    return TrainingData(
        examples,
        golden=sources.teaches,
        unbiased=sources.teaches & sources.unbiased,
        part=sources.part,
        fold=sources.fold,
        described=described or {},
    )
