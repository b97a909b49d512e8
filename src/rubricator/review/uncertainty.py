"""How far every current label is to be doubted: what the choice of texts to review stands on."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from rubricator.dataset.annotations import TeacherProbabilities
from rubricator.dataset.dataset import Dataset
from rubricator.dataset.examples import Examples
from rubricator.dataset.labels import decided_of, targets_of
from rubricator.dataset.split import TEACHING_PARTS, DatasetSplit
from rubricator.errors import DataError, TrainingError
from rubricator.label_space import LabelSpace
from rubricator.records import Label
from rubricator.review.question import Question
from rubricator.review.selection import Pick
from rubricator.stats.arrays import Bools, Floats, Indices, Vectors
from rubricator.taxonomy import Taxonomy

log = logging.getLogger(__name__)

AGREED_WEIGHT = 0.3
"""What an agreed label counts beside a person's, for the model that doubts."""
_LEARNERS = 2000  # agreed labels that the doubting model learns from: enough to doubt by, learnt in seconds
_SHOWN = 3
_SURE = 1e-6

OutOfFold = Callable[[Examples, Indices], Floats]
"""Probabilities of all texts by models that did not learn from them, given the rows to learn from."""


@dataclass(frozen=True)
class ReviewContext:
    """Everything that the choice of the next texts stands on.

    Attributes:
        labels: What the teachers and the reviews so far come to, by text id.
        opinions: What each teacher thinks.
        human: True for texts that people labelled and that may teach.
        vectors: Of all texts; None where the model that doubts needs none.
        out_of_fold: Trains the model that doubts.
        seed: Draws the agreed labels that it learns from.
    """

    dataset: Dataset
    split: DatasetSplit
    taxonomy: Taxonomy
    labels: Mapping[str, Label]
    opinions: Sequence[TeacherProbabilities]
    human: Bools
    vectors: Vectors | None = field(repr=False)
    out_of_fold: OutOfFold = field(repr=False)
    seed: int

    @property
    def groups(self) -> list[str]:
        """Group of near-duplicates of each text."""
        return [self.dataset.groups[text.id] for text in self.dataset.texts]

    @cached_property
    def targets(self) -> Floats:
        """Probabilities of the labels, shape [texts, categories]; NaN without one."""
        return targets_of(self.labels.values(), self.dataset.texts, self.taxonomy)

    @cached_property
    def decided(self) -> Bools:
        """Categories of the labels, same shape."""
        return decided_of(self.labels, self.dataset.texts, self.taxonomy)

    @cached_property
    def posterior(self) -> Floats:
        """What the labels and a model that did not learn from the text come to together."""
        examples = Examples(
            contents=[text.content for text in self.dataset.texts],
            vectors=self.vectors,
            targets=np.nan_to_num(self.targets),
            weights=np.where(self.human, 1.0, AGREED_WEIGHT),
            groups=self.groups,
        )
        try:
            own = self.out_of_fold(examples, self._learners())
        except (TrainingError, DataError) as error:
            log.info("doubts stand on the labels alone: %s", error.problem)
            return self.targets
        return product_of_experts(self.targets, own, self.taxonomy.space)

    def question(self, pick: Pick) -> Question:
        """The text of a pick with all that helps a person to decide; alone if it measures."""
        text = self.dataset.texts[pick.row]
        if pick.chosen == "random":
            return Question(text=text, chosen="random")
        label = self.labels.get(text.id)
        row = slice(pick.row, pick.row + 1)
        right = self.taxonomy.space.confidence(self.targets[row], self.decided[row])[0]
        return Question(
            text=text,
            chosen=pick.chosen,
            suggested=None if label is None else label.categories,
            probability=None if label is None else float(right),
            opinions={one.teacher: self._best(one.probabilities[pick.row]) for one in self.opinions},
        )

    def _best(self, probabilities: Floats) -> dict[str, float]:
        order = np.argsort(-probabilities)[:_SHOWN]  # NaN comes last
        best = {self.taxonomy.keys[column]: float(probabilities[column]) for column in order}
        return {key: p for key, p in best.items() if np.isfinite(p)}

    def _learners(self) -> Indices:
        """Rows to learn from: what people labelled, and others drawn at random."""
        teachable = np.array([self.split.part[text.id] in TEACHING_PARTS for text in self.dataset.texts])
        labelled = teachable & np.isfinite(self.targets).all(axis=1)
        others = np.random.default_rng(self.seed).permutation(np.flatnonzero(labelled & ~self.human))
        return np.sort(np.concatenate([np.flatnonzero(labelled & self.human), others[:_LEARNERS]]))


def product_of_experts(agreed: Floats, own: Floats, space: LabelSpace) -> Floats:
    """The normalised product of two opinions (Hinton, "Products of experts", 1999).

    A label that both support is right more often than either says, and one that either rejects is
    wrong more often: on SIB-200 this finds wrong labels faster than either alone. `agreed` are probabilities
    of the labels, shape [texts, categories], NaN where there is none; `own` are those of models that did not
    learn from the text.
    """
    both = space.probabilities(space.logits(np.clip(agreed, _SURE, 1 - _SURE)) + space.logits(own))
    return np.asarray(np.where(np.isfinite(agreed), both, own))
