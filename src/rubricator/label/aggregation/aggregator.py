"""Agreement over all texts of a run, as often as golden texts are held out."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from rubricator.config import Config
from rubricator.dataset.annotations import TeacherProbabilities, TeacherReport
from rubricator.dataset.dataset import Dataset
from rubricator.dataset.labels import HumanLabels
from rubricator.label.aggregation.log_pool import aggregate, aggregate_labels, weigh
from rubricator.label.aggregation.probabilities import teacher_probabilities
from rubricator.label.quality.teacher_metrics import measure_teachers
from rubricator.label.teachers.protocol import Scale
from rubricator.records import Answer, Label
from rubricator.stats.arrays import Bools
from rubricator.taxonomy import Taxonomy

Answers = Mapping[str, Mapping[str, Answer]]


@dataclass(frozen=True, slots=True)
class LabelAggregator:
    """Everything agreement needs but the texts that may set things.

    Attributes:
        dataset: The texts.
        taxonomy: The categories.
        answers: By teacher name, then by text id.
        scales: What the scores are, by teacher name.
        human_labels: What people said.
        config: The settings.
    """

    dataset: Dataset
    taxonomy: Taxonomy
    answers: Answers
    scales: Mapping[str, Scale]
    human_labels: HumanLabels
    config: Config

    def opinions(self, teaching: Collection[str]) -> list[TeacherProbabilities]:
        """Opinions of the teachers, corrected by the fair ones among the texts `teaching` (ids)."""
        return teacher_probabilities(
            self.answers,
            self.scales,
            self.dataset.texts,
            self.taxonomy,
            truth=self._truth(self.human_labels.unbiased & set(teaching)),
            groups=[self.dataset.groups[text.id] for text in self.dataset.texts],
            seed=self.config.seed,
        )

    def agreed(
        self, opinions: Sequence[TeacherProbabilities], teaching: Collection[str]
    ) -> TeacherProbabilities:
        """What the teachers agree on, by the method of the config."""
        truth = self._truth(self.human_labels.unbiased & set(teaching))
        return aggregate(
            opinions,
            self.taxonomy,
            method=self.config.label.agreement,
            truth=truth,
            weights=weigh(opinions, truth, self.taxonomy),
        )

    def labels(self, teaching: Collection[str]) -> list[Label]:
        """Labels of all texts: what people said of the texts `teaching`, agreed ones elsewhere."""
        opinions = self.opinions(teaching)
        taught = {id_: self.human_labels.known[id_] for id_ in teaching}
        return aggregate_labels(
            self.agreed(opinions, teaching), opinions, self.dataset.texts, self.taxonomy, taught
        )

    def reports(self, teaching: Collection[str]) -> list[TeacherReport]:
        """Each teacher and their agreement against all golden texts."""
        measured = self._truth(self.dataset.golden)
        if not measured:
            return []
        opinions = self.opinions(teaching)
        return measure_teachers([*opinions, self.agreed(opinions, teaching)], measured, self.taxonomy)

    def _truth(self, ids: Collection[str]) -> dict[int, Bools]:
        """Row of a text → its categories, shape [categories], for the texts `ids`."""
        wanted = set(ids)
        return {
            row: np.array([key in self.human_labels.known[text.id] for key in self.taxonomy.keys], dtype=bool)
            for row, text in enumerate(self.dataset.texts)
            if text.id in wanted
        }
