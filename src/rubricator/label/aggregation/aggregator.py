"""Agreement over all texts of a run, as often as golden texts are held out."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from rubricator.config import Config
from rubricator.decision import Bools
from rubricator.label.aggregation.log_pool import agree, agreement_of, weigh
from rubricator.label.quality.teacher_metrics import TeacherReport, measure_teachers
from rubricator.label.aggregation.probabilities import Opinion, opinions_of
from rubricator.label.teachers.protocol import Scale
from rubricator.label.aggregation.human_labels import People
from rubricator.pipeline.read import Prepared
from rubricator.records import Answer, Label
from rubricator.taxonomy import Taxonomy

Answers = Mapping[str, Mapping[str, Answer]]


@dataclass(frozen=True, slots=True)
class Agreeing:
    """Everything agreement needs but the texts that may set things.

    Attributes:
        prepared: The texts.
        taxonomy: The categories.
        answers: By teacher name, then by text id.
        scales: What the scores are, by teacher name.
        people: What people said.
        config: The settings.
    """

    prepared: Prepared
    taxonomy: Taxonomy
    answers: Answers
    scales: Mapping[str, Scale]
    people: People
    config: Config

    def opinions(self, teaching: Collection[str]) -> list[Opinion]:
        """Opinions of the teachers, corrected by the fair ones among the texts `teaching` (ids)."""
        return opinions_of(
            self.answers,
            self.scales,
            self.prepared.texts,
            self.taxonomy,
            truth=self._truth(self.people.fair & set(teaching)),
            groups=[self.prepared.groups[text.id] for text in self.prepared.texts],
            seed=self.config.seed,
        )

    def agreed(self, opinions: Sequence[Opinion], teaching: Collection[str]) -> Opinion:
        """What the teachers agree on, by the method of the config."""
        truth = self._truth(self.people.fair & set(teaching))
        return agreement_of(
            opinions,
            self.taxonomy,
            method=self.config.label.agreement,
            truth=truth,
            weights=weigh(opinions, truth, self.taxonomy),
        )

    def labels(self, teaching: Collection[str]) -> list[Label]:
        """Labels of all texts: what people said of the texts `teaching`, agreed ones elsewhere."""
        opinions = self.opinions(teaching)
        taught = {id_: self.people.known[id_] for id_ in teaching}
        return agree(self.agreed(opinions, teaching), opinions, self.prepared.texts, self.taxonomy, taught)

    def reports(self, teaching: Collection[str]) -> list[TeacherReport]:
        """Each teacher and their agreement against all golden texts."""
        measured = self._truth(self.prepared.golden)
        if not measured:
            return []
        opinions = self.opinions(teaching)
        return measure_teachers([*opinions, self.agreed(opinions, teaching)], measured, self.taxonomy)

    def _truth(self, ids: Collection[str]) -> dict[int, Bools]:
        """Row of a text → its categories, shape [categories], for the texts `ids`."""
        wanted = set(ids)
        return {
            row: np.array([key in self.people.known[text.id] for key in self.taxonomy.keys], dtype=bool)
            for row, text in enumerate(self.prepared.texts)
            if text.id in wanted
        }
