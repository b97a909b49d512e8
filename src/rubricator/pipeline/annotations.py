"""What the teachers of a run said, read back from the store without asking anything."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from rubricator.dataset import files
from rubricator.dataset.annotations import TeacherProbabilities
from rubricator.dataset.dataset import Dataset
from rubricator.dataset.labels import LabelSet, collect_human_labels, read_labels
from rubricator.errors import DataError
from rubricator.label.aggregation.aggregator import Answers, LabelAggregator
from rubricator.label.aggregation.log_pool import weigh
from rubricator.label.asking.runner import stored_answers
from rubricator.label.teachers.factory import open_teachers
from rubricator.pipeline.label import open_store
from rubricator.pipeline.stage import Run
from rubricator.review.reviews import read_reviews
from rubricator.stats.arrays import Bools, Floats


@dataclass(frozen=True, slots=True)
class Annotations:
    """Everything labelling knew.

    Attributes:
        dataset: The texts.
        label_set: What was decided.
        answers: By teacher name, then by text id; what was never asked is missing.
        opinions: Of each teacher, as they went into the agreement.
        agreed: What they come to.
        weights: How much each teacher counts in the pool, by category.
        taught: Row of a text that people labelled and that may teach → its categories.
        golden: Row of every golden text → its categories.
    """

    dataset: Dataset
    label_set: LabelSet
    answers: Answers
    opinions: Sequence[TeacherProbabilities]
    agreed: TeacherProbabilities
    weights: Mapping[str, Floats]
    taught: Mapping[int, Bools]
    golden: Mapping[int, Bools]

    @property
    def groups(self) -> list[str]:
        """Group of near-duplicates of each text."""
        return [self.dataset.groups[text.id] for text in self.dataset.texts]


def read_annotations(run: Run) -> Annotations:
    """Gather what labelling knew, and agree once more as it did.

    Raises:
        DataError: The texts of the run have not been labelled.
        EncoderError: A teacher needs an encoder that cannot be had.
        StoreError: The database refused.
    """
    if not (run.folder / "stages/labels.parquet").is_file():
        raise DataError(
            f"The texts in {run.folder} have not been labelled.", fix="Run `rubricator label` first."
        )
    config, taxonomy = run.config, run.taxonomy
    dataset, split = files.read_dataset(run.folder), files.read_split(run.folder)
    with (
        open_store(run) as store,
        open_teachers(dataset, split, taxonomy, config, progress=run.progress) as teachers,
    ):
        scales = {teacher.name: teacher.scale for teacher in teachers}
        answers = stored_answers(teachers, dataset.texts, store)
        reviews = read_reviews(store, dataset.texts, taxonomy)
    human_labels = collect_human_labels(dataset, split, reviews, taxonomy)
    known = {
        row: np.array([key in human_labels.known[text.id] for key in taxonomy.keys], dtype=bool)
        for row, text in enumerate(dataset.texts)
        if text.id in human_labels.known
    }
    taught = {row: known[row] for row in known if dataset.texts[row].id in human_labels.teaching}
    unbiased = {row: known[row] for row in known if dataset.texts[row].id in human_labels.unbiased}
    agreeing = LabelAggregator(dataset, taxonomy, answers, scales, human_labels, config)
    opinions = agreeing.opinions(human_labels.teaching)
    return Annotations(
        dataset=dataset,
        label_set=read_labels(run.folder, dataset, taxonomy),
        answers=answers,
        opinions=opinions,
        agreed=agreeing.agreed(opinions, human_labels.teaching),
        weights=weigh(opinions, unbiased, taxonomy),
        taught=taught,
        golden={row: known[row] for row in known if dataset.texts[row].id in dataset.golden},
    )
