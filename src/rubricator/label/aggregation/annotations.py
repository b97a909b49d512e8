"""What the teachers of a run said, read back from the store without asking anything."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from rubricator.decision import Bools, Floats
from rubricator.errors import DataError
from rubricator.label.aggregation.log_pool import weigh
from rubricator.label.aggregation.probabilities import Opinion
from rubricator.label.asking.runner import stored_answers
from rubricator.dataset import files
from rubricator.label.aggregation.aggregator import Agreeing, Answers
from rubricator.pipeline.label import open_store
from rubricator.dataset.labels import Labelled, read_labelled
from rubricator.label.aggregation.human_labels import people_of
from rubricator.pipeline.read import Prepared
from rubricator.pipeline.stage import Run
from rubricator.label.teachers.factory import open_teachers
from rubricator.review.reviews import read_reviews


@dataclass(frozen=True, slots=True)
class Consulted:
    """Everything labelling knew.

    Attributes:
        prepared: The texts.
        labelled: What was decided.
        answers: By teacher name, then by text id; what was never asked is missing.
        opinions: Of each teacher, as they went into the agreement.
        agreed: What they come to.
        weights: How much each teacher counts in the pool, by category.
        taught: Row of a text that people labelled and that may teach → its categories.
        golden: Row of every golden text → its categories.
    """

    prepared: Prepared
    labelled: Labelled
    answers: Answers
    opinions: Sequence[Opinion]
    agreed: Opinion
    weights: Mapping[str, Floats]
    taught: Mapping[int, Bools]
    golden: Mapping[int, Bools]

    @property
    def groups(self) -> list[str]:
        """Group of near-duplicates of each text."""
        return [self.prepared.groups[text.id] for text in self.prepared.texts]


def consult(run: Run) -> Consulted:
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
    prepared, division = files.read_prepared(run.folder), files.read_division(run.folder)
    with (
        open_store(run) as store,
        open_teachers(prepared, division, taxonomy, config, progress=run.progress) as teachers,
    ):
        scales = {teacher.name: teacher.scale for teacher in teachers}
        answers = stored_answers(teachers, prepared.texts, store)
        reviews = read_reviews(store, prepared.texts, taxonomy)
    people = people_of(prepared, division, reviews, taxonomy)
    known = {
        row: np.array([key in people.known[text.id] for key in taxonomy.keys], dtype=bool)
        for row, text in enumerate(prepared.texts)
        if text.id in people.known
    }
    taught = {row: known[row] for row in known if prepared.texts[row].id in people.teaching}
    fair = {row: known[row] for row in known if prepared.texts[row].id in people.fair}
    agreeing = Agreeing(prepared, taxonomy, answers, scales, people, config)
    opinions = agreeing.opinions(people.teaching)
    return Consulted(
        prepared=prepared,
        labelled=read_labelled(run.folder, prepared, taxonomy),
        answers=answers,
        opinions=opinions,
        agreed=agreeing.agreed(opinions, people.teaching),
        weights=weigh(opinions, fair, taxonomy),
        taught=taught,
        golden={row: known[row] for row in known if prepared.texts[row].id in prepared.golden},
    )
