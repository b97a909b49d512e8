"""Two models as one: a quick student answers where it surely decides alike, the other one the rest."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal, Self

import numpy as np
from pydantic import Field
from scipy.special import expit, logit

from rubricator.dataset.inputs import Inputs
from rubricator.errors import ArtifactError
from rubricator.label_space import LabelSpace
from rubricator.models.base import Model
from rubricator.models.serialization import ABOUT, ARRAYS, FIX, About, Files, Layout, part, within
from rubricator.stats.arrays import Bools, Floats

STUDENT, REST = "student", "encoder"
"""The routes: who answers a text."""
_EXTREME = 1e-6  # a threshold of 0 or 1 has no log-odds


class _About(About):
    kind: Literal["twospeed"]
    single: bool
    bar: float = Field(ge=0, le=1)


_SCALE = ("routes", "categories")
_ALIKE = ("sides", "categories")
_LAYOUT = Layout(
    _About,
    {
        "slope": _SCALE,
        "intercept": _SCALE,
        "threshold": ("categories",),
        "alike_slope": _ALIKE,
        "alike_intercept": _ALIKE,
    },
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Alike:
    """How probable it is that a student decides as the model that taught it, by the margin of its decision.

    The margin of a category is how far its log-odds are from where the decision turns: from its threshold,
    and where a text has one category, from the likeliest other one. A logistic curve on the margin says how
    often both decide alike (Platt, 1999), one for each category and, where a text may have several, for each
    side: a sure no and a sure yes are not worth the same.

    Attributes:
        space: What decisions may look like.
        threshold: Smallest probability that assigns each category, shape [categories].
        slope: Of the curves, shape [sides, categories]: one side (yes) in single-label, else no and yes.
        intercept: Likewise.
    """

    space: LabelSpace
    threshold: Floats
    slope: Floats
    intercept: Floats

    def probabilities(self, scaled: Floats) -> Floats:
        """That all of a text's decisions are alike, shape [texts], by log-odds [texts, categories]."""
        margin = margins(scaled, self.threshold, single=self.space.single)
        side = (margin > 0).astype(np.intp) if len(self.slope) > 1 else np.zeros(margin.shape, dtype=np.intp)
        column = np.arange(margin.shape[1])
        alike = expit(self.slope[side, column] * np.abs(margin) + self.intercept[side, column])
        if self.space.single:
            decided = self.space.decide(self.space.probabilities(scaled))
            return np.asarray(np.where(decided, alike, 0.0).sum(axis=1))
        return np.asarray(alike.prod(axis=1))


def margins(scaled: Floats, threshold: Floats, *, single: bool) -> Floats:
    """How far log-odds are from where each decision turns, shape [texts, categories]; above 0 for yes."""
    if not single:
        return np.asarray(scaled - logit(np.clip(threshold, _EXTREME, 1 - _EXTREME)))
    if scaled.shape[1] < 2:
        return np.asarray(np.abs(scaled))
    ranked = np.sort(scaled, axis=1)
    best, second = ranked[:, -1:], ranked[:, -2:-1]
    return np.asarray(scaled - np.where(scaled == best, second, best))


@dataclass(frozen=True, slots=True, kw_only=True)
class TwoSpeedModel(Model):
    """A student that reads no vectors, and the model that taught it for what the student leaves.

    Its logits are calibrated log-odds of either route, so the rule beside it has slope 1 and intercept 0, and
    a text that the student leaves gets the very bits that the other model alone would give it. Who answers a
    text depends on nothing but that text.

    Attributes:
        student: Answers where it surely decides alike.
        rest: Answers the others.
        slope: Brings the logits of student and rest to log-odds, shape [2, categories].
        intercept: Added to them, same shape.
        alike: How probable it is that the student decides as the rest would.
        bar: Least such probability with which the student answers.
    """

    kind: ClassVar[str] = "twospeed"
    student: Model
    rest: Model
    slope: Floats
    intercept: Floats
    alike: Alike
    bar: float

    @property
    def categories(self) -> int:
        """How many categories it knows."""
        return self.rest.categories

    @property
    def encoders(self) -> Mapping[str, int]:
        """The encoders of the slower model: the student looks through none."""
        return self.rest.encoders

    @property
    def columns(self) -> tuple[str, ...]:
        """The feature columns of the slower model."""
        return self.rest.columns

    def logits(self, inputs: Inputs) -> Floats:
        """Calibrated log-odds, shape [texts, categories]; encoders read what the student leaves, no more."""
        scaled = np.array(self._scaled(inputs))
        left = np.flatnonzero(~self.settled(inputs))
        if len(left):
            logits = np.asarray(self.rest.logits(inputs.subset(left)), dtype=np.float64)
            scaled[left] = logits * self.slope[1] + self.intercept[1]
        return scaled

    def settled(self, inputs: Inputs) -> Bools:
        """Which texts the student answers, shape [texts]."""
        return np.asarray(self.alike.probabilities(self._scaled(inputs)) >= self.bar)

    def routes(self, inputs: Inputs) -> tuple[str, ...]:
        """Who answers each text."""
        return tuple(STUDENT if settled else REST for settled in self.settled(inputs).tolist())

    def _scaled(self, inputs: Inputs) -> Floats:
        logits = inputs.once(self.student, self.student.logits)
        return np.asarray(logits * self.slope[0] + self.intercept[0], dtype=np.float64)

    def files(self) -> Files:
        """`model.json` with the bar, the scales and curves, and both models in folders."""
        about = _About(kind="twospeed", single=self.alike.space.single, bar=self.bar)
        arrays = {
            "slope": self.slope,
            "intercept": self.intercept,
            "threshold": self.alike.threshold,
            "alike_slope": self.alike.slope,
            "alike_intercept": self.alike.intercept,
        }
        own = _LAYOUT.write(about, arrays)
        return own | within(STUDENT, self.student.files()) | within(REST, self.rest.files())

    @classmethod
    def of_files(cls, files: Files, read_member: Callable[[Files], Model]) -> Self:
        """The inverse of `files`; `read_member` reads student and rest, which may be of any kind."""
        about = _LAYOUT.read_about(files, folders=(STUDENT, REST))
        student, rest = (read_member(part(files, folder)) for folder in (STUDENT, REST))
        if student.categories != rest.categories:
            raise ArtifactError("Student and encoder know different numbers of categories.", fix=FIX)
        if student.encoders or student.columns:
            raise ArtifactError(f"{ABOUT}: the student of `twospeed` must read texts alone.", fix=FIX)
        sides = 1 if about.single else 2
        arrays = _LAYOUT.read_arrays(files, routes=2, sides=sides, categories=rest.categories)
        if (arrays["alike_slope"] < 0).any():
            raise ArtifactError(f"{ARRAYS}: alike_slope holds numbers below 0.", fix=FIX)
        if not ((arrays["threshold"] >= 0) & (arrays["threshold"] <= 1)).all():
            raise ArtifactError(f"{ARRAYS}: threshold holds numbers outside of 0 to 1.", fix=FIX)
        space = LabelSpace.of_size(rest.categories, single=about.single)
        alike = Alike(
            space=space,
            threshold=arrays["threshold"],
            slope=arrays["alike_slope"],
            intercept=arrays["alike_intercept"],
        )
        return cls(
            student=student,
            rest=rest,
            slope=arrays["slope"],
            intercept=arrays["intercept"],
            alike=alike,
            bar=about.bar,
        )
