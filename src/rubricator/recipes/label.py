"""Label: teachers answer, their answers are stored, and agreement makes labels with probabilities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rubricator.decision import Floats
from rubricator.label import (
    TeacherReport,
)
from rubricator.records import Label


@dataclass(frozen=True, slots=True)
class Labelled:
    """What was decided for every text.

    Attributes:
        labels: One per text, in the order of the texts.
        targets: Their probabilities, shape [texts, categories].
        fold_targets: The same as they would be without the golden labels of one fold, by fold.
        reports: How each teacher, and their agreement, fares against golden texts.
    """

    labels: Sequence[Label]
    targets: Floats
    fold_targets: Mapping[int, Floats]
    reports: Sequence[TeacherReport]
