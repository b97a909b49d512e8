"""What the label stage keeps of the teachers: scores, probabilities, agreement, and whom that believes.

Audit, report, review and export read it: none of them opens a teacher again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter

from rubricator.dataset import files
from rubricator.errors import DataError
from rubricator.records import Status
from rubricator.stats.arrays import Bools, Floats

ARRAYS, FACTS = "stages/annotations.npz", "stages/annotations.json"
"""Where annotations lie in the folder of a run."""


class Scale(StrEnum):
    """What a teacher's raw scores are, which says how they become probabilities.

    `similarity`: every category has a score, larger is likelier, zero and unit mean nothing.
    `count`: how many rules speak for the category; it is abstained from where none does.
    `probability`: between 0 and 1, and only as trustworthy as whoever says it.
    """

    SIMILARITY = "similarity"
    COUNT = "count"
    PROBABILITY = "probability"


@dataclass(frozen=True, slots=True)
class TeacherScores:
    """What one teacher said of all texts, as it said it: nothing that people labelled has touched it.

    Attributes:
        scores: Shape [texts, categories]; NaN where it abstains or gave no `ok` answer.
        answered: Which texts it gave an `ok` answer about, shape [texts].
        keys: Key of each answer in the store, as ASCII, shape [texts]; empty where it was not asked.
    """

    teacher: str
    scale: Scale
    scores: Floats
    answered: Bools
    keys: NDArray[np.bytes_]


@dataclass(frozen=True, slots=True)
class TeacherProbabilities:
    """What one teacher, or the `agreement` of several, thinks of all texts.

    Attributes:
        probabilities: Shape [texts, categories]; NaN where it abstains or gave no `ok` answer. In
            single-label work a row is either a distribution or all NaN.
        answered: Which texts it gave an `ok` answer about, shape [texts].
    """

    teacher: str
    probabilities: Floats
    answered: Bools


@dataclass(frozen=True, slots=True)
class TeacherWeight:
    """How far the agreement believes one teacher, in all and by category key; `why` is a sentence or empty.

    The figures lie between 0 and 1; what they mean depends on the method.
    """

    teacher: str
    figure: float
    by_category: Mapping[str, float]
    why: str = ""


@dataclass(frozen=True, slots=True)
class TeacherUsage:
    """What came of asking one teacher.

    Attributes:
        texts: Number that it was asked about.
        statuses: Number of them by what became of the question.
        opinions: Share of them on which it has any opinion; rules answer and yet may have none.
        cost: Money per 1,000 texts, counting each distinct content once, as it is asked.
        seconds: Mean seconds per answer; None if it answered nothing.
    """

    teacher: str
    texts: int
    statuses: Mapping[Status, int]
    opinions: float
    cost: float
    seconds: float | None


@dataclass(frozen=True, slots=True)
class Annotations:
    """Everything the label stage worked out about the teachers. Rows are the texts of the dataset.

    Attributes:
        scores: Of each teacher, in the order of the config. With these and the labels of people
            `label.aggregation.aggregator.aggregate` does the aggregation once more.
        probabilities: The same as probabilities, corrected by what people labelled when the stage ran.
        agreement: What the teachers come to. About golden texts it is what they say of them, not what is
            known.
        weights_are: What the figures of `weights` are, in a sentence.
    """

    scores: Sequence[TeacherScores]
    probabilities: Sequence[TeacherProbabilities]
    agreement: TeacherProbabilities
    weights: Sequence[TeacherWeight]
    weights_are: str
    usage: Sequence[TeacherUsage]


@dataclass(frozen=True, slots=True)
class _Facts:
    """What is no array."""

    categories: tuple[str, ...]
    teachers: tuple[str, ...]
    scales: tuple[Scale, ...]
    weights: tuple[TeacherWeight, ...]
    weights_are: str
    usage: tuple[TeacherUsage, ...]


def write_annotations(folder: Path, annotations: Annotations, categories: Sequence[str]) -> None:
    """Write the arrays and, beside them, the facts; `categories` are the keys of the columns."""
    scores = {
        name: np.stack([getattr(one, name) for one in annotations.scores])
        for name in ("scores", "keys", "answered")
    }
    np.savez_compressed(
        folder / ARRAYS,
        allow_pickle=False,
        **scores,
        probabilities=np.stack([one.probabilities for one in annotations.probabilities]),
        agreement=annotations.agreement.probabilities,
        agreement_answered=annotations.agreement.answered,
    )
    facts = _Facts(
        categories=tuple(categories),
        teachers=tuple(one.teacher for one in annotations.scores),
        scales=tuple(one.scale for one in annotations.scores),
        weights=tuple(annotations.weights),
        weights_are=annotations.weights_are,
        usage=tuple(annotations.usage),
    )
    files.write_json(folder / FACTS, TypeAdapter(_Facts).dump_python(facts, mode="json"))


def read_annotations(folder: Path, texts: int, categories: Sequence[str]) -> Annotations:
    """Read what `write_annotations` wrote about so many texts and these categories.

    Raises:
        DataError: The texts have not been labelled, or what was kept is of other texts or categories.
    """
    fix = "Run `rubricator label` first."
    if not ((folder / ARRAYS).is_file() and (folder / FACTS).is_file()):
        raise DataError(f"The texts in {folder} have not been labelled.", fix=fix)
    facts = TypeAdapter(_Facts).validate_python(files.read_json(folder / FACTS))
    with np.load(folder / ARRAYS, allow_pickle=False) as arrays:
        by_name = {name: arrays[name] for name in arrays.files}
    if facts.categories != tuple(categories) or by_name["agreement"].shape[0] != texts:
        raise DataError(f"The labels in {folder} are of other texts or of other categories.", fix=fix)
    answered, teachers = by_name["answered"], facts.teachers
    columns = (teachers, facts.scales, by_name["scores"], answered, by_name["keys"])
    return Annotations(
        scores=list(map(TeacherScores, *columns)),
        probabilities=list(map(TeacherProbabilities, teachers, by_name["probabilities"], answered)),
        agreement=TeacherProbabilities("agreement", by_name["agreement"], by_name["agreement_answered"]),
        weights=facts.weights,
        weights_are=facts.weights_are,
        usage=facts.usage,
    )


@dataclass(frozen=True, slots=True)
class CategoryReport:
    """One teacher in one category. A measure that is not defined (0 / 0) is None.

    Attributes:
        support: Golden texts in the category, whatever the teacher said.
        answered: Share of the golden texts on which the teacher has an opinion here.
        precision: Of the texts it puts here, the share that belongs here.
        recall: Of the texts that belong here, the share it puts here; silence counts as missed.
        f1: Harmonic mean of the two; None where no golden text is in the category.
        kappa: Cohen's kappa with the golden labels, silence counting as "not here".
    """

    key: str
    support: int
    answered: float
    precision: float | None
    recall: float | None
    f1: float | None
    kappa: float | None


@dataclass(frozen=True, slots=True)
class TeacherReport:
    """One teacher against the golden texts, at its own probabilities cut at one half.

    Attributes:
        texts: Number of golden texts.
        answered: Share of them on which it has any opinion.
        macro_f1: Mean F1 of the categories that golden texts have.
        kappa: Cohen's kappa: single-label over the categories (on answered texts), multi-label the
            mean over categories where it is defined.
        accuracy: Single-label only: share of the answered texts whose best category is right.
    """

    teacher: str
    texts: int
    answered: float
    macro_f1: float | None
    kappa: float | None
    accuracy: float | None
    categories: tuple[CategoryReport, ...]

    @property
    def f1(self) -> Mapping[str, float | None]:
        """By category key; None where no golden text is in the category."""
        return {category.key: category.f1 for category in self.categories}

    @property
    def unmeasured(self) -> tuple[str, ...]:
        """Keys of the categories that no golden text has: macro-F1 leaves them out."""
        return tuple(category.key for category in self.categories if not category.support)
