"""What every kind of model asks of its texts, refused in one wording."""

from __future__ import annotations

from rubricator.errors import TrainingError
from rubricator.stats.arrays import Bools


def require_labelled(used: Bools) -> None:
    """Refuse to train on nothing.

    Raises:
        TrainingError: No text is `used`.
    """
    if not used.any():
        raise TrainingError(
            "There is not a single labelled text to train on (all weights are 0).",
            fix="Add golden labels, or let agreed labels count: `train.weak_label_weight: 1`.",
        )
