"""What the teachers of a run think of its texts."""

from __future__ import annotations

from dataclasses import dataclass

from rubricator.label.aggregation.score_calibration import Bools, Floats


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
