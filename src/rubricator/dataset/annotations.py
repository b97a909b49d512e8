"""What the teachers of a run think of its texts."""

from __future__ import annotations

from dataclasses import dataclass

from rubricator.stats.arrays import Bools, Floats


@dataclass(frozen=True, slots=True)
class TeacherProbabilities:
    """What one teacher thinks of all texts.

    Attributes:
        teacher: Its name.
        probabilities: Shape [texts, categories]; NaN where it abstains or gave no `ok` answer. In
            single-label work a row is either a distribution or all NaN.
        answered: Which texts it gave an `ok` answer about, shape [texts].
    """

    teacher: str
    probabilities: Floats
    answered: Bools


@dataclass(frozen=True, slots=True)
class CategoryReport:
    """One teacher in one category. A measure that is not defined (0 / 0) is None.

    Attributes:
        key: The category.
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
        teacher: Its name.
        texts: Number of golden texts.
        answered: Share of them on which it has any opinion.
        macro_f1: Mean F1 of the categories that golden texts have.
        kappa: Cohen's kappa: single-label over the categories (on answered texts), multi-label the
            mean over categories where it is defined.
        accuracy: Single-label only: share of the answered texts whose best category is right.
        categories: In taxonomy order.
    """

    teacher: str
    texts: int
    answered: float
    macro_f1: float | None
    kappa: float | None
    accuracy: float | None
    categories: tuple[CategoryReport, ...]
